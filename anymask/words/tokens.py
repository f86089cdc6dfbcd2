"""From a text to words in lower case, and what is refused as no text."""

import re
import unicodedata
from typing import Final

from anymask.errors import PromptError

LONGEST: Final = 1000  # characters of a text

# What belongs to no word and says nothing more; a comma joins
SILENT = frozenset('.!?;:"()[]{}…·•-_/\\')
WORD = re.compile(r"[a-z]+(?:'(?!s\b)[a-z]+)*|'s\b|\d+(?:st|nd|rd|th)?\b|,|[^\s]", re.ASCII)

IS = re.compile(r"\b(what|who|that|where|it|there|which|here)'s\b")  # and no owner

QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-"})


def tokens(text: str) -> list[str]:
    """The words of a text, in order: lower case, without accents, "'s" and "," on their own.

    A hyphen is taken for a space and a slash for "or".
    A sign that is none of English, such as "%" or an emoji, is a token too:
    nothing is dropped but marks that say nothing.

    Raises:
        PromptError: no text, or an empty one; more than ``LONGEST`` characters; control characters; letters of another
            script than the Latin one.
    """
    if len(text) > LONGEST:
        raise PromptError(f"text: expected at most {LONGEST} characters, got {len(text)}: say it shorter")
    for letter in text:
        if unicodedata.category(letter) in ("Cc", "Cs", "Co", "Cn") and letter not in "\t\n\r":
            raise PromptError(f"text: expected words, got the control character U+{ord(letter):04X}: leave it out")
    folded = unicodedata.normalize("NFKD", text.translate(QUOTES)).translate(QUOTES).lower()
    for letter in folded:
        if letter.isalpha() and not letter.isascii() and "LATIN" not in unicodedata.name(letter, ""):
            raise PromptError(f"text: only English is understood, but got the letter {letter!r} of another script")
    kept = "".join(letter for letter in folded if unicodedata.category(letter) not in ("Mn", "Cf", "Lm"))
    whole = IS.sub(r"\1 is", kept).replace("can't", "can not").replace("n't", " not")
    found = WORD.findall(re.sub(r"(?<=\w)[-_](?=\w)", " ", re.sub(r"(?<=\w)/(?=\w)", " or ", whole)))
    words = [word for word in found if word not in SILENT and word != "'"]
    if not any(word != "," for word in words):
        raise PromptError("text: expected words that describe something, got none: write for example 'the red car'")
    return words
