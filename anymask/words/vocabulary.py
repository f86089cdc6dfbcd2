"""The words beside nouns: colours, sizes, places, orders, numbers and relations, as tables of what each is taken for.

What a query may hold is in the tuples in capitals; the tables map the words of a text to it. Words of several parts are
written with spaces, and the longest that fits is taken.
"""

from collections.abc import Mapping


def listed(text: str) -> tuple[str, ...]:
    """Words with commas between them."""
    return tuple(word.strip() for word in text.split(","))


def table(rows: Mapping[str, str]) -> dict[str, str]:
    """The words of each row, and what they are taken for."""
    return {word: meaning for meaning, words in rows.items() for word in listed(words)}


COLOURS = listed("black, white, grey, brown, beige, red, orange, yellow, green, turquoise, blue, purple, pink")
TONES = listed("light, dark, bright")
SIZES = listed("tiny, small, big, huge, tall, short, wide, narrow")
PLACES = listed("left, right, top, bottom, middle, corner, edge, foreground, background")
ORDERS = listed(
    "left, right, top, bottom, middle, top left, top right, bottom left, bottom right, big, small, tall, short, wide, "
    "narrow, light, dark, near, far"
)
RELATIONS = listed(
    "left of, right of, above, below, on, in, behind, in front of, next to, with, part of, between, nearest to, "
    "farthest from"
)

COLOUR_WORDS = table(
    {
        "black": "black",
        "white": "white",
        "grey": "grey, gray, silver",
        "brown": "brown, tan",
        "dark brown": "chocolate",
        "beige": "beige, cream, ivory",
        "red": "red, scarlet, crimson",
        "dark red": "maroon, burgundy",
        "orange": "orange, ginger",
        "yellow": "yellow, gold, golden, blond, blonde",
        "green": "green, lime, emerald",
        "dark green": "olive",
        "turquoise": "turquoise, cyan, teal, aqua",
        "blue": "blue, azure",
        "dark blue": "navy, navy blue",
        "light blue": "sky blue, baby blue",
        "purple": "purple, violet, lavender, lilac",
        "pink": "pink, magenta, hot pink",
    }
)
TONE_WORDS = table({"light": "light, pale", "dark": "dark", "bright": "bright, vivid"})

SIZE_WORDS = table(
    {
        "tiny": "tiny, minuscule, very small",
        "small": "small, little, smallish",
        "big": "big, large, biggish",
        "huge": "huge, giant, enormous, gigantic, massive, very big, very large",
        "tall": "tall, high",
        "short": "short",
        "wide": "wide, broad",
        "narrow": "narrow, thin, slim",
    }
)

# Superlatives and comparatives
ORDER_WORDS = table(
    {
        "left": "leftmost, left most, furthest left, farthest left, most left",
        "right": "rightmost, right most, furthest right, farthest right, most right",
        "top": "topmost, top most, uppermost, highest, higher",
        "bottom": "bottommost, bottom most, lowest, undermost",
        "middle": "most central, middlemost",
        "big": "biggest, largest, bigger, larger, greatest, most big",
        "small": "smallest, tiniest, littlest, smaller, least big",
        "tall": "tallest, taller",
        "short": "shortest, shorter",
        "wide": "widest, broadest, wider, broader",
        "narrow": "narrowest, thinnest, narrower, thinner, slimmest",
        "light": "lightest, brightest, palest, lighter, brighter",
        "dark": "darkest, darker",
        "near": "nearest, closest, nearer, closer",
        "far": "farthest, furthest, farthest away, furthest away, most distant, farther, further",
    }
)

# Places, as in "on the ... (side)" and "the ... cup"
PLACE_WORDS = table(
    {
        "left": "left, left hand, lefthand",
        "right": "right, right hand, righthand",
        "top": "top, upper",
        "bottom": "bottom, lower",
        "middle": "middle, center, centre, central",
        "corner": "corner, corners",
        "edge": "edge, edges, border, borders, margin",
        "foreground": "foreground, front",
        "background": "background, back, rear",
    }
)
# As far there as anything: of one thing the first in that order, "the person on the far left"
FAR = "far "
FAR_WORDS = {
    f"{word} {place}": FAR + place
    for place in ("left", "right", "top", "bottom")
    for word in listed("far, very, extreme, utmost, furthest, farthest")
} | table(
    {
        FAR + "left": "leftmost side, left most side, leftmost edge, leftmost end",
        FAR + "right": "rightmost side, right most side, rightmost edge, rightmost end",
    }
)
FARTHEST = frozenset(listed("all the way, all the way over, way over, far over, furthest, farthest, most"))
# Places that only stand alone, with no article after a preposition: "at the front"
PLACE_PHRASES = table(
    {
        "foreground": "in front, in the front, at the front, up front",
        "background": "at the back, in the back, far away, in the distance, at the rear",
        "top": "up high, high up",
        "bottom": "low down, down low",
        "middle": "centered, centred, in between",
    }
)
PLACE_BEFORE = frozenset(listed("on, at, in, to, toward, towards, near, from"))
PLACE_AFTER = frozenset(listed("side, half, part, corner, edge, hand, end, area, third, most"))

NUMBERS = {
    word: number
    for number, word in enumerate(
        listed("one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve"), 1
    )
}
NUMBERS |= {"both": 2, "a couple of": 2, "couple of": 2, "a pair of": 2, "pair of": 2, "a dozen": 12, "single": 1}
ORDINALS = {
    word: number
    for number, word in enumerate(
        listed("first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth, eleventh, twelfth"), 1
    )
}
ORDINALS |= {"last": -1, "second to last": -2, "second last": -2, "next to last": -2, "third to last": -3}
# Nouns that come in pairs: "a pair of scissors" is one thing
PAIRS = frozenset(listed("scissors, glasses, sunglasses, skis, jeans, pants, trousers, eyeglasses, binoculars, shorts"))

RELATION_WORDS = table(
    {
        "left of": "left of, to left of, left from",
        "right of": "right of, to right of, right from",
        "above": "above, over, higher than",
        "below": "below, under, underneath, beneath, lower than",
        "on": "on, on top of, upon, onto, atop, riding, resting on",
        "in": "in, inside, inside of, within, into",
        "behind": "behind, in back of, at the back of",
        "in front of": "in front of, in the front of, before",
        "next to": "next to, beside, besides, near, near to, by, alongside, close to, adjacent to, at, against, around",
        "with": "with, holding, wearing, carrying, having, has, have, dressed in, that wears, that holds",
        "part of": "of, belonging to, part of",
        "between": "between, in between",
        "nearest to": "closest to, nearest to, nearest, closest",
        "farthest from": "farthest from, furthest from, farthest away from, furthest away from",
    }
)
# "on the left (side) of the laptop": the place, and the relation that it is to a thing
PLACE_RELATIONS = {"left": "left of", "right": "right of", "top": "on", "bottom": "below", "middle": "in", "edge": "in",
                   "corner": "in", "foreground": "in", "background": "in"}  # fmt: skip

WITHOUT = frozenset(listed("without, not with, not wearing, not holding"))
EXCEPT = frozenset(
    listed(
        "except, except for, excluding, but not, other than, apart from, aside from, and not, but, besides for, save, "
        "minus, rather than, not including"
    )
)
NOT = frozenset(listed("not, no, non, never, cannot, neither"))
AND = frozenset(listed("and, plus, and also, as well as, &, together with, also, along with"))
AND |= {",", ", and"}
OR = frozenset(listed("or, nor, and or, or else"))
OR |= {", or"}

# Any thing: a noun that says nothing
THINGS = frozenset(
    listed(
        "thing, things, object, objects, item, items, everything, anything, something, all things, stuff, what, "
        "whatever, element, elements, area, areas, region, regions, shape, shapes, every thing, "
        "any thing, which one, segment, segments"
    )
)
ONES = frozenset(listed("one, ones, that, those, it, them"))

# Words for persons that the table of nouns has not, and nouns that are about several whatever their ending
PERSONS = frozenset(listed("everyone, everybody, anyone, folk, folks"))
SEVERAL = PERSONS | frozenset(
    listed(
        "people, cattle, livestock, police, luggage, baggage, furniture, cutlery, silverware, tableware, crockery, "
        "glassware, clothing, clothes, food, fruit, traffic, poultry, crowd, everything, anything, stuff, what, "
        "whatever, things, objects, items, elements, areas, regions, shapes, segments, all things, ones, those, them"
    )
)
GARMENTS = frozenset(listed("top"))  # worn, where a colour is before it: "in the blue top"
# What ends as a verb does and is none: "the ceiling"
NOT_VERBS = frozenset(
    listed(
        "ceiling, railing, awning, clothing, ring, king, wing, string, spring, wedding, evening, morning, icing, "
        "bedding, lining, flooring, siding, swing, sling, lightning, stocking, earring, frosting, something, nothing"
    )
)

# Words that carry the grammar. All matches are answered, so that quantifiers have nothing to add
ARTICLES = frozenset(listed("the, a, an, this, these, its, their, his, her, my, your, our"))
QUANTIFIERS = frozenset(
    listed(
        "all, every, each, any, some, several, many, all of, any of, each of, some of, every one of, all the, "
        "various, multiple, few, a few, lots of, a lot of, plenty of, a number of, entire, whole, complete"
    )
)
LINKS = frozenset(
    listed(
        "that is, that are, which is, which are, who is, who are, is, are, that's, that, which, who, being, was, "
        "were, be, there, it is, they are, located, situated, positioned, placed, whose colour is, whose color is, "
        "colored, coloured, color, colour, in color, in colour, of color, of colour, in size, sized, as"
    )
)
INDEFINITE = frozenset(listed("a, an, these"))
WHOLES = frozenset(listed("entire, whole, complete"))  # quantifiers of one thing
POLITE = frozenset(
    listed(
        "please, thanks, thank you, for me, kindly, just, hey, hi, hello, ok, okay, now, so, visible, you can see, "
        "that you can see, you see, that you see, we can see, that we can see, i can see, that i can see, can be seen, "
        "that can be seen, to be seen, in view, in sight, shown, pictured, here"
    )
)
LEAD = frozenset(
    listed(
        "how many, select, find, show, show me, get, get me, give, give me, pick, pick out, choose, mark, highlight, "
        "locate, detect, identify, segment, segment out, cut out, point at, point out, point to, look for, search "
        "for, where, where is, where are, i want, i need, i would like, i'd like, can you, could you, would you, can "
        "i see, let me see, want, need, to see, to have, you, me, is there, are there, there is, there are, do you "
        "see, outline, mask, extract, isolate, us, see, what is, what are, which is, which are, i, to, we, tell me, "
        "grab, take, return"
    )
)
# Words that are no nouns, and that nothing can be made of: they are told as unused
ADVERBS = frozenset(
    listed(
        "really, quite, rather, pretty, fairly, extremely, slightly, somewhat, too, only, exactly, clearly, mostly, "
        "at least, at most, more than, less than, about, approximately, very, other, another, same, different, "
        "similar, out, up, down, off, away, together, apart, alone, through, across, along, for, like, than, while, "
        "when, each other, one another, both of, half, if, because, then, also, too, almost, nearly, dead"
    )
)
# Whose content has no mask of its own: "a glass of wine"
CONTAINERS = frozenset(
    listed(
        "glass, cup, bowl, bottle, plate, mug, jar, can, box, basket, bag, vase, pot, jug, bucket, carton, tray, dish"
    )
)
# "closest to the camera"
CAMERA = frozenset(listed("camera, viewer, us, me, you, lens, photographer"))
PICTURES = frozenset(listed("picture, image, photo, photograph, frame, scene, shot, view, pic"))
PARTITIVES = frozenset(
    listed(
        "slice, slices, piece, pieces, bunch, bunches, group, groups, herd, flock, pile, stack, set, kind, kinds, "
        "type, types, lot, lots, row, bit, number, crowd"
    )
)
