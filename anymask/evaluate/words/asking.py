"""Words asked about one photo, of three sets of masks, and what of the answers is right.

The three tell apart whose mistake a wrong answer is: "true names" are the true masks with their true names, so that
only reading and geometry can be wrong; "true masks" are the same masks with the classifier's scores; "our masks" are
what the segmenter found.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.datasets import LabelledPhoto
from anymask.datasets.coco_names import NAMES
from anymask.errors import PromptError, SettingsError
from anymask.evaluate.figures import Keys
from anymask.evaluate.recall import THRESHOLDS, match
from anymask.evaluate.words.queries import WordQuery
from anymask.maskset import MaskSet
from anymask.prompts import Text
from anymask.words.answer import answer
from anymask.words.nouns import nouns

Label = Callable[[MaskSet], MaskSet]  # the same set, with label scores
Floats = NDArray[np.float64]

SOURCES = ("true names", "true masks", "our masks")
FIGURES = ("first right", "recall", "precision", "F1", "none though there", "false alarms")
CUTS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
RIGHT = THRESHOLDS[0]  # IoU
EVERY = "every kind"  # of description
ALL_LABELLED = "coco"  # the collection in which every object of the names in `NAMES` is labelled


@dataclass(frozen=True)
class Wrong:
    """A description that was not answered as it should have been."""

    query: WordQuery
    source: str
    answered: int  # masks
    first_right: bool
    said: str  # the reason why nothing was answered, or the error


@dataclass(frozen=True)
class WordsMeasured:
    """One photo.

    sums: ("words", source, figure) or ("queries", file, source, kind, figure) -> what the figure is the quotient of.
    sweep: by source (len(CUTS), len(FIGURES), 2) the same sums of all names, were the cut another one.
    """

    sums: Mapping[Keys, tuple[float, float]]
    sweep: Mapping[str, Floats]
    wrong: Sequence[Wrong] = ()


@dataclass(frozen=True)
class Asked:
    """A set of masks that is asked.

    found: with label scores.
    iou: (M, G) with each true mask of the photo.
    is_complete: whether a mask that is no true one is a mistake.
    """

    source: str
    found: MaskSet
    iou: Floats
    is_complete: bool

    def against(self, answers: NDArray[np.int64], objects: Sequence[int]) -> Floats:
        """(answers, objects) IoU of some masks with some of the true ones."""
        return self.iou[answers][:, np.array(objects, np.int64)]


@dataclass
class Right:
    """What of the answers to names is right, summed over names: (figures, 2) parts and wholes."""

    sums: Floats = field(default_factory=lambda: np.zeros((len(FIGURES), 2)))

    def count_present(self, iou: Floats, is_complete: bool) -> None:
        """iou: (answers, instances) of masks answered, best first, and the instances of a name that is in the photo."""
        answers, instances = iou.shape
        matched = matches(iou)
        self._add("first right", answers > 0 and iou[0].max() >= RIGHT, 1)
        self._add("recall", matched, instances)
        self._add("none though there", answers == 0, 1)
        if is_complete:
            self._add("precision", matched, answers)
            self._add("F1", 2 * matched, answers + instances)

    def count_absent(self, answers: int) -> None:
        """answers: how many masks were answered to a name that is not in the photo."""
        self._add("false alarms", answers > 0, 1)

    def _add(self, figure: str, part: float, whole: float) -> None:
        self.sums[FIGURES.index(figure)] += part, whole


def measure_words(
    photo: LabelledPhoto, found: MaskSet, *, label: Label, queries: Mapping[str, Sequence[WordQuery]] | None = None
) -> WordsMeasured | None:
    """Ask for every name in the photo, for those that are not in it, and what the queries ask for.

    Names are in the photo if one of its objects has them. In ``coco`` the others of its 80 names are not, unless an
    object has no name; elsewhere nothing is known to be absent. A mask is right if its IoU with an object that is meant
    is at least .5, several are matched one to one. Where only some objects are labelled, our masks have no precision.

    found: our masks, with the picture.
    label: gives a set its label scores. It is asked twice, for the true masks too.
    queries: the descriptions of each photo, by collection and file name.

    Returns None for a photo without names and queries.

    Raises SettingsError for a query about an object that the photo has not.
    """
    labels = photo.labels[0]
    present, absent = names_present(photo), names_absent(photo)
    described = (queries or {}).get(f"{photo.collection}/{photo.path.name}", ())
    if not (present or absent or described):
        return None
    rles, size = photo.layers[0], found.size
    for query in described:
        if query.objects and max(query.objects) >= len(rles):
            raise SettingsError(
                f"{query.file}: {query.text!r} is about object {max(query.objects)} of {query.photo}, which has "
                f"{len(rles)}; see data/README.md for how they are counted"
            )
    truth = MaskSet(size, rle.boxes(rles, *size), np.ones(len(rles), np.float32), rles, image=found.image)
    truth = replace(truth, features=found.features)  # the network need not look at the picture twice
    overlap = rle.iou(rles, rles, *size)
    asked = (
        Asked(SOURCES[0], replace(truth, label_scores=true_scores(photo)), overlap, True),
        Asked(SOURCES[1], label(truth), overlap, True),
        Asked(SOURCES[2], label(found), rle.iou(found.rles, rles, *size), photo.labelled != "some"),
    )
    sums: dict[Keys, tuple[float, float]] = {}
    sweep: dict[str, Floats] = {}
    wrong: list[Wrong] = []
    for each in asked:
        now, sweep[each.source] = ask_names(each, labels, present, absent)
        for figure, (part, whole) in zip(FIGURES, now.tolist(), strict=True):
            sums["words", each.source, figure] = part, whole
        for query in described:
            result = ask(each, query)
            wrong += [result] if result is not None else []
            for kind in (query.kind, EVERY):
                for figure, right in (("set right", result is None), ("first right", not result or result.first_right)):
                    keys = "queries", query.file, each.source, kind, figure
                    part, whole = sums.get(keys, (0.0, 0.0))
                    sums[keys] = part + right, whole + 1
    return WordsMeasured(sums, sweep, wrong)


def ask_names(
    asked: Asked, labels: Sequence[str | None], present: Sequence[str], absent: Sequence[str]
) -> tuple[Floats, Floats]:
    """(figures, 2) sums with the cut as it is, and (CUTS, figures, 2) were it another one.

    labels: the name of each true mask.
    """
    now, other = Right(), [Right() for _ in CUTS]
    for name in (*present, *absent):
        text = Text(name)
        answers = [text.answer(asked.found).indices]
        answers += [answer(text.query, asked.found, cut).indices for cut in CUTS]
        instances = [index for index, label in enumerate(labels) if label == name]
        for counted, indices in zip((now, *other), answers, strict=True):
            if instances:
                counted.count_present(asked.against(indices, instances), asked.is_complete)
            else:
                counted.count_absent(len(indices))
    return now.sums, np.stack([each.sums for each in other])


def ask(asked: Asked, query: WordQuery) -> Wrong | None:
    """None if exactly the masks are answered that ought to be, in any order."""
    try:
        answered = Text(query.text).answer(asked.found)
    except PromptError as error:
        return Wrong(query, asked.source, 0, False, str(error))
    answers = len(answered.indices)
    iou = asked.against(answered.indices, query.objects)
    if answers == len(query.objects) == matches(iou):
        return None
    return Wrong(query, asked.source, answers, bool(iou.size and iou[0].max() >= RIGHT), answered.reason)


def matches(iou: Floats) -> int:
    """How many of (answers, instances) can be matched one to one, best answers first."""
    return int((match(iou)[0] < len(iou)).sum())


def names_present(photo: LabelledPhoto) -> list[str]:
    """The names of a photo's objects that words are known for, each once."""
    return [
        name
        for name in dict.fromkeys(photo.labels[0])
        if name is not None and nouns().number(photo.collection, name) is not None
    ]


def names_absent(photo: LabelledPhoto) -> list[str]:
    """The names that none of a photo's objects has, where that is known."""
    labels = photo.labels[0]
    return (
        [name for name in NAMES if name not in labels]
        if photo.collection == ALL_LABELLED and None not in labels
        else []
    )


def true_scores(photo: LabelledPhoto) -> NDArray[np.float32]:
    """(G, L) label scores that are 1 for the true name of each object of the first layer and 0 for all others."""
    labels = photo.labels[0]
    scores = np.zeros((len(labels), len(nouns().labels)), np.float32)
    for row, name in zip(scores, labels, strict=True):
        if name is not None and (number := nouns().number(photo.collection, name)) is not None:
            row[number] = 1
    return scores
