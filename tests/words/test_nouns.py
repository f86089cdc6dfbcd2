"""The table of nouns in the package: what words mean, and that it is made of what lies in data/words."""

import hashlib
from pathlib import Path

import pytest

from anymask.words.nouns import CLASSES, TABLE, inputs, nouns

DATA = Path(__file__).parents[2] / "data" / "words"


def names(word: str) -> list[str]:
    """The names of the labels that a word means."""
    found = nouns().find(word)
    return [] if found is None else [nouns().labels[label] for label in found.labels]


def test_the_labels_are_those_of_imagenet_and_then_those_of_the_photos() -> None:
    table = nouns()
    assert len(table.labels) == 1090
    assert [table.labels[at] for at in (0, 1, 151, 268, 999)] == [
        "tench",
        "goldfish",
        "Chihuahua",
        "Mexican hairless",
        "toilet tissue",
    ]
    assert table.labels[CLASSES] == "person" and table.labels[-1] == "bicyclist"
    assert table.collections["voc:sofa"] == table.collections["coco:couch"] == table.labels.index("couch")
    assert len({name for name in table.collections if name.startswith("coco:")}) == 80
    assert len({name for name in table.collections if name.startswith("voc:")}) == 20
    assert len({name for name in table.collections if name.startswith("camvid:")}) == 11


def test_the_table_is_made_of_what_lies_there() -> None:
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in DATA.iterdir()}
    assert {name: inputs()[name] for name in hashes} == hashes, "run scripts/make_noun_table.py"
    assert TABLE.stat().st_size < 300_000


def test_dog_means_every_breed_and_the_photos_dog() -> None:
    found = nouns().find("dog")
    assert found is not None and found.labels == (*range(151, 269), nouns().labels.index("dog", CLASSES))


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("couch", ["studio couch", "couch"]),
        ("sofa", ["studio couch", "couch"]),  # a synonym
        ("sofas", ["studio couch", "couch"]),  # a plural
        ("phone", ["cellular telephone", "dial telephone", "pay-phone", "cell phone"]),
        ("mouse", ["mouse", "mouse"]),  # both are the computer's: no label is the animal
        ("mice", ["mouse", "mouse"]),  # an irregular plural
        ("crane", ["crane", "crane"]),  # the bird and the machine
        ("knives", ["cleaver", "letter opener", "knife"]),
        ("traffic lights", ["traffic light", "traffic light"]),  # of several words
        ("wine glass", ["goblet", "red wine", "wine glass"]),
        ("t shirt", ["jersey"]),
        ("plane", ["airliner", "warplane", "airplane"]),
        ("tv", ["television", "tv"]),
        ("wineglasses", ["goblet", "red wine", "wine glass"]),  # as one word
        ("cat", ["tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat", "cat"]),  # and no lynx
        ("flurble", []),
        ("happiness", []),  # a noun that nothing in a picture is
        ("thing", []),  # too general
    ],
)
def test_words_mean(word: str, means: list[str]) -> None:
    assert names(word) == means


@pytest.mark.parametrize(
    ("word", "some"),
    [
        ("vehicle", {"car", "bus", "bicycle", "airliner", "tank"}),
        ("furniture", {"chair", "couch", "desk", "wardrobe"}),
        ("pet", {"dog", "cat", "goldfish", "hamster", "beagle"}),
        ("animal", {"dog", "zebra", "tarantula", "cow", "sheep"}),
        ("bike", {"bicycle", "motorcycle"}),
        ("food", {"pizza", "banana", "cheeseburger", "sandwich"}),
        ("fruit", {"apple", "banana", "lemon"}),
    ],
)
def test_general_words_mean_many(word: str, some: set[str]) -> None:
    assert some <= set(names(word))


@pytest.mark.parametrize("word", ["man", "woman", "kid", "children", "guys", "teacher", "king"])
def test_who_has_no_label_is_looked_for_as_a_person(word: str) -> None:
    found = nouns().find(word)
    assert found is not None and found.broader and "person" in names(word)


@pytest.mark.parametrize("word", ["person", "people", "dog", "dining table", "hot dog"])
def test_what_has_a_label_is_not_broader(word: str) -> None:
    found = nouns().find(word)
    assert found is not None and not found.broader


@pytest.mark.parametrize(
    ("word", "first"),
    [("elefant", "elephant"), ("bycicle", "bicycle"), ("umbrela", "umbrella"), ("lapptop", "laptop"), ("daog", "dog")],
)
def test_the_nearest_known_noun_is_offered(word: str, first: str) -> None:
    assert nouns().nearest(word)[0] == first


def test_nothing_is_offered_for_what_is_like_nothing() -> None:
    assert nouns().nearest("xyzzy") == () and nouns().nearest("") == ()


def test_a_plural_is_one_of_a_known_noun_only() -> None:
    assert nouns().is_plural("dogs") and nouns().is_plural("wine glasses")
    assert not any(nouns().is_plural(word) for word in ("dog", "glasses", "sheep", "flurbles"))


def test_a_label_of_the_photos_means_no_other_one_of_the_same_collection() -> None:
    table = nouns()
    coco = {number for name, number in table.collections.items() if name.startswith("coco:")}
    for number in coco:
        found = table.find(table.labels[number])
        assert found is not None and (coco & set(found.labels)) <= {number} | {table.labels.index("stop sign")}
