"""Descriptions on small pictures of coloured rectangles: which masks answer, and what is said where none does."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from anymask import MaskSet, PromptError, Text
from anymask.prompts import select
from anymask.words.answer import answer
from anymask.words.kinds import kind_scores
from anymask.words.nouns import nouns
from anymask.words.parse import parse

HEIGHT, WIDTH = 120, 200
COLOURS = {
    "black": (20, 20, 20), "white": (245, 245, 245), "grey": (128, 128, 128), "red": (210, 30, 30),
    "dark red": (110, 10, 10), "green": (30, 140, 40), "blue": (30, 60, 200), "light blue": (150, 200, 240),
    "yellow": (240, 220, 40), "orange": (250, 150, 20), "brown": (110, 65, 30), "pink": (250, 150, 190),
    "purple": (120, 30, 140),
}  # fmt: skip
Thing = tuple[
    str, tuple[int, int, int, int], str, float
]  # what it is, its box, its colour, how much it looks like that


def column(name: str) -> int:
    """The number of a label: of the photos, where it has the same name as one of ImageNet."""
    labels = nouns().labels
    return len(labels) - 1 - labels[::-1].index(name)


def made(things: list[Thing]) -> MaskSet:
    """A picture of rectangles on grey, one mask each; later ones hide earlier ones in the picture, not in the masks."""
    image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    masks = np.zeros((len(things), HEIGHT, WIDTH), np.bool_)
    scores = np.full((len(things), len(nouns().labels)), 0.01, np.float32)
    scores[:, :1000] = 1e-5
    for index, (name, (x1, y1, x2, y2), colour, score) in enumerate(things):
        image[y1:y2, x1:x2] = COLOURS[colour]
        masks[index, y1:y2, x1:x2] = True
        scores[index, column(name)] = score
    return replace(MaskSet.from_masks(masks, image=image), label_scores=scores)


# Three cars in a row, the middle one large; a dog under the right one; a cup on a table with a laptop
STREET: list[Thing] = [
    ("car", (10, 40, 40, 60), "red", 0.9),
    ("car", (70, 30, 120, 65), "blue", 0.95),
    ("car", (150, 40, 180, 60), "white", 0.8),
    ("dog", (155, 80, 175, 100), "brown", 0.9),
    ("person", (60, 20, 72, 62), "black", 0.85),
    ("tree", (5, 5, 30, 35), "green", 0.7),
]
TABLE: list[Thing] = [
    ("dining table", (20, 60, 180, 110), "brown", 0.9),
    ("laptop", (90, 35, 130, 75), "black", 0.9),
    ("cup", (40, 50, 55, 70), "red", 0.8),
    ("cup", (140, 45, 170, 80), "white", 0.9),
    ("cup", (5, 5, 12, 14), "white", 0.7),  # not on the table
    ("fork", (100, 85, 104, 100), "grey", 0.75),
    ("knife", (150, 88, 154, 103), "grey", 0.7),
    ("spoon", (125, 86, 129, 101), "grey", 0.6),
]


@pytest.mark.parametrize(
    ("things", "text", "chosen"),
    [
        (STREET, "car", [1, 0, 2]),  # best first
        (STREET, "vehicles", [1, 0, 2]),
        (STREET, "dog", [3]),
        (STREET, "pet", [3]),
        (STREET, "man", [4]),
        (STREET, "dog or person", [3, 4]),
        (STREET, "the dog and the person", [3, 4]),
        (STREET, "cat", []),
        (STREET, "the red car", [0]),
        (STREET, "red or white car", [0, 2]),
        (STREET, "the car that is not red", [1, 2]),
        (STREET, "the green car", []),
        (STREET, "all cars except the red one", [1, 2]),
        (STREET, "everything but the cars", [3, 4, 5]),
        (STREET, "everything red", [0]),
        (STREET, "the brown thing", [3]),
        (STREET, "the big car", [1]),
        (STREET, "the small cars", [0, 2]),
        (STREET, "the biggest car", [1]),
        (STREET, "all cars but the biggest", [0, 2]),
        (STREET, "cars that are neither red nor blue", [2]),
        (STREET, "the second car from the left", [1]),
        (STREET, "the last car", [2]),
        (STREET, "the first two cars", [0, 1]),
        (STREET, "the last two cars", [1, 2]),
        (STREET, "the third car from the right", [0]),
        (STREET, "the fourth car", []),
        (STREET, "two cars", [1, 0]),
        (STREET, "five cars", [1, 0, 2]),
        (STREET, "the leftmost car", [0]),
        (STREET, "the middle car", [1]),
        (STREET, "the tallest car", [1]),
        (STREET, "the darkest thing", [4]),
        (STREET, "the car on the left", [0]),  # one: the furthest there
        (STREET, "car on the left", [0, 1]),  # any: by how far to the left
        (STREET, "the cars on the left", [0, 1]),
        (STREET, "car on the far left", [0]),
        (STREET, "the cars on the far left", [0, 1]),
        (STREET, "every car on the left", [0, 1]),
        (STREET, "the car on the right", [2]),
        (STREET, "the car in the middle", [1]),
        (STREET, "the car at the top left", [0]),
        (STREET, "cars at the top left", [0, 1]),
        (STREET, "the dog at the bottom right", [3]),
        (STREET, "the dog at the top", []),
        (STREET, "the dog in the foreground", [3]),
        (STREET, "the dog below the white car", [3]),
        (STREET, "the car above the dog", [2]),
        (STREET, "the car right of the person", [1, 2]),
        (STREET, "the car left of the person", [0]),
        (STREET, "the person next to the blue car", [4]),
        (STREET, "the person behind the car", [4]),
        (STREET, "the car in front of the person", [1]),
        (STREET, "the car closest to the tree", [0]),
        (STREET, "the car next to the cat", []),
        (STREET, "the car without a person", [0, 2]),
        (TABLE, "the cup on the table", [3, 2]),
        (TABLE, "the white cup on the table", [3]),
        (TABLE, "cups not on the table", [4]),
        (TABLE, "the cup left of the laptop", [2, 4]),
        (TABLE, "the cup right of the laptop", [3]),
        (TABLE, "the spoon between the fork and the knife", [7]),
        (TABLE, "the fork between the spoon and the knife", []),
        (TABLE, "the smallest cup", [4]),
        (TABLE, "the tiny cup", [4]),
        (TABLE, "cup in the corner", [4]),
        (TABLE, "everything on the table", [1, 3, 2, 5, 6, 7]),
        (TABLE, "everything on the table except the laptop", [3, 2, 5, 6, 7]),
        (TABLE, "the table", [0]),
        (TABLE, "cutlery", [5, 6, 7]),
        (TABLE, "white or red cup", [3, 2, 4]),
        (TABLE, "the left cup", [4]),
        (TABLE, "left cups", [4, 2]),
        (TABLE, "the left red cup", [2]),
        (TABLE, "all cups but the one on the left", [3, 2]),
        (STREET, "everyone in the photo", [4]),
        (STREET, "the person touching the car", [4]),
        (STREET, "the car not touching a person", [0, 2]),
        (STREET, "the person in the blue top", [4]),  # nothing is known of tops
        (STREET, "cars without a flurble", [1, 0, 2]),
        (STREET, "all cars except the one next to the flurble", [1, 0, 2]),
        (STREET, "the one next to the flurble", []),
        (STREET, "the red car next to the flurble", [0]),
        (STREET, "the dog between the flurble and the car", [3]),
    ],
)
def test_descriptions_choose(things: list[Thing], text: str, chosen: list[int]) -> None:
    found = made(things)
    answered = answer(parse(text), found)
    if text.startswith("everything"):  # which masks, whose own scores are all the same here
        assert sorted(answered.indices.tolist()) == sorted(chosen)
    else:
        assert answered.indices.tolist() == chosen
    assert (answered.reason == "") == bool(chosen)
    assert answered.scores.dtype == np.float32
    assert (np.diff(answered.scores) <= 0).all() or parse(text).pick is not None


@pytest.mark.parametrize("colour", sorted(COLOURS))
def test_every_colour_is_told_from_every_other(colour: str) -> None:
    tone, _, plain = colour.rpartition(" ")
    things: list[Thing] = [
        ("car", (10 * at, 10, 10 * at + 8, 50), each, 0.9) for at, each in enumerate(each for each in COLOURS)
    ]
    chosen = {list(COLOURS)[at] for at in answer(parse(f"the {colour} cars"), made(things)).indices}
    assert chosen == {each for each in COLOURS if each == colour or (not tone and each.endswith(f" {plain}"))}


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("dark thing", ["black", "dark red"]),
        ("light thing", ["white", "light blue", "yellow", "orange", "pink"]),
        ("light blue thing", ["light blue"]),
        ("dark blue thing", []),
    ],
)
def test_tones_are_of_lightness(text: str, chosen: list[str]) -> None:
    things: list[Thing] = [("car", (10 * at, 10, 10 * at + 8, 50), each, 0.9) for at, each in enumerate(COLOURS)]
    answered = answer(parse(text), made(things))
    assert sorted(list(COLOURS)[at] for at in answered.indices) == sorted(chosen)


@pytest.mark.parametrize(
    ("text", "reason", "nearest"),
    [
        ("cat", "nothing looks like cat: the best scores 0.01, which is below 0.50", [1, 5, 0]),
        ("flurble", "'flurble' is not a known word; the nearest known are flute, durables, bubble", []),
        ("the wooden one", "nothing could be made of wooden", [0, 1, 2]),
        ("the green car", "of 3 found for 'car' none is green", [1, 0, 2]),
        ("the fourth car", "number 4 was asked for, but only 3 found for 'car'", [1, 0, 2]),
        (
            "the car next to the cat",
            "of 3 found for 'car' none is next to cat, for nothing looks like cat: the best scores 0.01, "
            "which is below 0.50",
            [1, 0, 2],
        ),
        ("the dog at the top", "of 1 found for 'dog' none is at the top", [3]),
        ("car but not a vehicle", "every car is a vehicle, which was not asked for", [1, 0, 2]),
        ("cat or flurble", "nothing looks like cat or flurble: the best scores 0.01, which is below 0.50", [1, 5, 0]),
    ],
)
def test_none_has_a_reason_and_what_came_nearest(text: str, reason: str, nearest: list[int]) -> None:
    answered = answer(parse(text), made(STREET))
    assert len(answered.indices) == 0 == len(answered.scores)
    assert answered.reason == reason
    assert [each.index for each in answered.nearest] == nearest
    assert all(each.name == STREET[each.index][0] for each in answered.nearest)


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("car", []),
        ("the man", ["'man' has no label of its own and is taken for something broader, such as 'person'"]),
        ("striped car", ["not used: striped"]),
        ("five cars", ["5 were asked for, but only 3 found for 'car'"]),
        (
            "the car on the left",
            ["of 2 found for 'car on the left' the one furthest to the left is taken; ask in the plural for all"],
        ),
        ("the car on the right", []),
        (
            "cars next to the flurble",
            [
                "left out, for it cannot be judged: next to flurble; 'flurble' is not a known word; the nearest known "
                "are flute, durables, bubble"
            ],
        ),
        ("car or flurble", ["'flurble' is not a known word; the nearest known are flute, durables, bubble"]),
    ],
)
def test_what_else_there_is_to_say(text: str, notes: list[str]) -> None:
    assert list(answer(parse(text), made(STREET)).notes) == notes


DOG: list[Thing] = [
    ("dog", (10, 10, 60, 60), "brown", 0.8),
    ("dog", (12, 10, 60, 60), "brown", 0.7),  # the same dog
    ("dog", (12, 12, 28, 28), "brown", 0.75),  # its head
    ("dog", (5, 5, 150, 110), "brown", 0.6),  # the group it is part of
    ("dog", (100, 40, 140, 80), "black", 0.55),  # another, inside of the group too
]


CROWD: list[Thing] = [
    ("person", (10, 10, 50, 110), "red", 0.9),
    ("person", (10, 85, 50, 118), "red", 0.6),  # its legs and more, by three quarters inside
    ("person", (30, 10, 70, 110), "blue", 0.8),  # IoU .33 with the first
    ("person", (100, 10, 140, 110), "white", 0.85),
    ("person", (125, 10, 165, 110), "black", 0.7),  # behind that one: IoU .23
    ("person", (130, 20, 160, 50), "black", 0.65),  # in the last
]


def test_masks_of_one_kind_that_share_much_are_one_object() -> None:
    assert answer(parse("people"), made(CROWD)).indices.tolist() == [0, 3, 4]
    assert answer(parse("people"), made(CROWD[3:5])).indices.tolist() == [0, 1]  # who overlap a little are two


def test_of_two_masks_of_one_thing_each_answers_to_its_name() -> None:
    twice: list[Thing] = [("dog", (10, 10, 60, 60), "brown", 0.9), ("cat", (10, 10, 60, 60), "brown", 0.8)]
    assert answer(parse("dog"), made(twice)).indices.tolist() == [0]
    assert answer(parse("cat"), made(twice)).indices.tolist() == [1]
    assert len(answer(parse("everything"), made(twice)).indices) == 1


def test_of_parts_and_wholes_the_best_answers() -> None:
    assert answer(parse("dogs"), made(DOG)).indices.tolist() == [0, 4]
    assert answer(parse("dogs"), made([*DOG[:3], ("dog", DOG[3][1], "brown", 0.95), DOG[4]])).indices.tolist() == [3]


def test_the_cut_is_a_parameter() -> None:
    assert answer(parse("dogs"), made(DOG), cut=0.9).indices.tolist() == []
    assert answer(parse("cat"), made(DOG), cut=0).indices.tolist() != []


def test_classes_of_imagenet_add_up_and_labels_of_photos_do_not() -> None:
    scores = np.zeros((2, 1090), np.float32)
    scores[0, 151:154] = 0.25  # three breeds
    scores[1, [column("cat"), column("dog")]] = 0.25, 0.5
    dog = nouns().find("dog")
    assert dog is not None
    assert kind_scores(scores, range(151, 154)).tolist() == [0.75, 0]
    assert kind_scores(scores, dog.labels).tolist() == [0, 0.5]  # what a label of the photos means it alone tells
    assert kind_scores(scores, [*range(151, 154), column("cat")]).tolist() == [0.75, 0.25]
    assert kind_scores(scores, [column("cat"), column("dog")]).tolist() == [0, 0.5]
    assert kind_scores(scores, []).tolist() == [0, 0]


def test_without_what_a_description_needs_it_is_said_what_to_pass() -> None:
    found = made(STREET)
    bare = replace(found, label_scores=None)
    with pytest.raises(
        PromptError, match=r"to find 'car', got none: pass segmenter.label.found., or .*label_scores=scores"
    ):
        select(bare, Text("car"))
    with pytest.raises(PromptError, match=r"picture to tell colours, got none: pass .*image=picture"):
        select(replace(found, image=None), Text("red car"))
    assert len(select(bare, Text("everything red"))) == 1  # no label is needed
    assert len(select(replace(found, image=None), Text("the biggest car"))) == 1  # and no picture
    assert len(select(bare, Text("flurble"))) == 0


def test_a_sure_label_outweighs_a_likely_mask() -> None:
    found = replace(made(STREET), scores=np.array([0.25, 0.9, 0.9, 0.9, 0.9, 0.9], np.float32))
    assert found.label_scores is not None
    scores = found.label_scores.copy()
    cars = answer(parse("cars"), found).indices.tolist()
    assert len(cars) == 3
    # the odds of .999 are ten times those of .99, and the root of .9 is 1.9 times that of .25
    scores[cars, column("car")] = 0.99
    scores[0, column("car")] = 0.999
    answered = answer(parse("cars"), replace(found, label_scores=scores))
    assert answered.indices[0] == 0
    assert answered.scores[0] == pytest.approx(499.5 / 500.5, abs=1e-4)
    scores[0, column("car")] = 0.99
    assert answer(parse("cars"), replace(found, label_scores=scores)).indices[-1] == 0


def test_a_thing_is_a_mask_that_is_believed() -> None:
    found = made(STREET)
    half = replace(found, scores=np.array([0.9, 0.03, 0.9, 0.9, 0.9, 0.9], np.float32))
    assert answer(parse("the biggest thing"), found).indices.tolist() == [1]
    assert answer(parse("the biggest thing"), half).indices.tolist() == [5]
    assert answer(parse("the biggest car"), half).indices.tolist() == [1]  # a noun asks its label
    assert answer(parse("cars"), half).indices.tolist() == [0, 2, 1]  # and then how real the mask is
    hardly = replace(found, scores=np.array([0.9, 0.01, 0.9, 0.9, 0.9, 0.9], np.float32))
    assert answer(parse("cars"), hardly).indices.tolist() == [0, 2]
    none = replace(found, scores=np.full(6, 0.01, np.float32))
    assert answer(parse("the biggest thing"), none).indices.tolist() == [1]
    assert answer(parse("the biggest car"), none).indices.tolist() == [1]


def test_there_may_be_no_masks() -> None:
    empty = MaskSet.empty((HEIGHT, WIDTH), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    scored = replace(empty, label_scores=np.zeros((0, 1090), np.float32))
    for text in ("car", "red car", "everything", "the biggest thing", "car on the table", "not the car"):
        answered = answer(parse(text), scored)
        assert len(answered.indices) == 0 and "there are no masks" in answered.reason


def test_a_mask_too_small_to_see_has_the_colour_that_is_there() -> None:
    image = np.zeros((1000, 1000, 3), np.uint8)
    image[400:600, 400:600] = COLOURS["red"]
    masks = np.zeros((2, 1000, 1000), np.bool_)
    masks[0, 500, 500] = masks[1, 100, 100] = True
    assert answer(parse("red"), MaskSet.from_masks(masks, image=image)).indices.tolist() == [0]


def test_answers_are_chosen_by_the_prompt() -> None:
    found = made(STREET)
    picked = select(found, [Text("cars"), Text("cat"), Text("the dog")])
    assert picked.prompt is not None and picked.prompt.tolist() == [0, 0, 0, 2]
    assert picked.rank is not None and picked.rank.tolist() == [0, 1, 2, 0]
    assert picked.rles == tuple(found.rles[at] for at in (1, 0, 2, 3))
    assert picked.scores.tolist() == pytest.approx([0.95, 0.9, 0.8, 0.9])
    assert picked.label_scores is not None and picked.label_scores.shape == (4, 1090)
    assert len(select(found[2:], Text("cars"))) == 1  # a part of the set keeps its labels


def test_the_order_of_masks_does_not_matter() -> None:
    for things, texts in (
        (STREET, ("red car", "the second car", "not the cars")),
        (TABLE, ("cup on the table", "cups")),
    ):
        order: NDArray[np.int64] = np.random.default_rng(0).permutation(len(things))
        found = made(things)
        for text in texts:
            first, second = answer(parse(text), found), answer(parse(text), found[order])
            assert sorted(first.indices) == sorted(order[second.indices])
