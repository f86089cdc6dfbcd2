/** The words of a query that are from a list: those of the server's schema, to which tests/editor holds them. */

export const SIZES = ["tiny", "small", "big", "huge", "tall", "short", "wide", "narrow"];
export const PLACES = ["left", "right", "top", "bottom", "middle", "corner", "edge", "foreground", "background"];
export const RELATIONS = ["left of", "right of", "above", "below", "on", "in", "behind", "in front of", "next to", "with", "part of", "between", "nearest to", "farthest from"];
export const ORDERS = ["left", "right", "top", "bottom", "middle", "top left", "top right", "bottom left", "bottom right", "big", "small", "tall", "short", "wide", "narrow", "light", "dark", "near", "far"];
