"""Measuring edges as BSDS500 does: drawn, thinned, matched one to one, counted. Needs the extra ``evaluate``."""
