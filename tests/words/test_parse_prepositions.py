"""From English descriptions to queries: how prepositions are read."""

import pytest

from anymask.words.parse import parse
from anymask.words.query import Query, Relation


@pytest.mark.parametrize(
    ("text", "thing", "relation", "to"),
    [
        ("person left of the laptop", "person", "left of", "laptop"),
        ("the cup on the table", "cup", "on", "table"),
        ("the man behind the car", "man", "behind", "car"),
        ("the orange on the table", "orange", "on", "table"),
        ("the person wearing a hat", "person", "with", "hat"),
        ("the man's hat", "hat", "part of", "man"),
        ("the wheel of the car", "wheel", "part of", "car"),
        ("the car closest to the tree", "car", "nearest to", "tree"),
        ("person riding a horse", "person", "on", "horse"),
        ("the cup to the left of the laptop", "cup", "left of", "laptop"),
        ("the cup on the left side of the table", "cup", "left of", "table"),
        ("the person in front of the bus", "person", "in front of", "bus"),
        ("wine glasses on the table", "wine glass", "on", "table"),
        ("the laptop with the mouse", "laptop", "with", "mouse"),
        ("the dog's tail", "tail", "part of", "dog"),
        ("the kid with the kite", "kid", "with", "kite"),
        ("the woman holding an umbrella", "woman", "with", "umbrella"),
        ("the bus behind the taxi", "bus", "behind", "taxi"),
        ("the tennis player's racket", "racket", "part of", "tennis player"),
        ("the plane in the sky", "plane", "in", "sky"),
        ("the person furthest from the car", "person", "farthest from", "car"),
        ("the sink under the mirror", "sink", "below", "mirror"),
        ("traffic light above the road", "traffic light", "above", "road"),
        ("the car nearest the tree", "car", "nearest to", "tree"),
        ("the books on the left side of the shelf", "book", "left of", "shelf"),
        ("the cat that is under the table", "cat", "below", "table"),
        ("the dog which is behind the fence", "dog", "behind", "fence"),
        ("the man who is riding the horse", "man", "on", "horse"),
        ("man on horse", "man", "on", "horse"),
        ("giraffe's head", "head", "part of", "giraffe"),
        ("the laptop's keyboard", "keyboard", "part of", "laptop"),
        ("mouse next to the keyboard", "mouse", "next to", "keyboard"),
        ("remote controls on the couch", "remote control", "on", "couch"),
        ("the food on the plate", "food", "on", "plate"),
        ("man wearing a tie", "man", "with", "tie"),
        ("the person on the skateboard", "person", "on", "skateboard"),
        ("person with skis", "person", "with", "skis"),
        ("the train on the tracks", "train", "on", "tracks"),
        ("banana next to the orange", "banana", "next to", "orange"),
        ("the orange in the bowl", "orange", "in", "bowl"),
        ("the fork to the left of the plate", "fork", "left of", "plate"),
        ("the clock on the wall", "clock", "on", "wall"),
        ("the vase with flowers", "vase", "with", "flower"),
        ("the truck behind the bus", "truck", "behind", "bus"),
        ("cat's face", "face", "part of", "cat"),
    ],
)
def test_one_thing_lies_so_to_another(text: str, thing: str, relation: str, to: str) -> None:
    assert parse(text) == Query((thing,), relations=(Relation(relation, Query((to,))),))
