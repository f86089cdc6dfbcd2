"""COCO's categories, and the names of a collection that went through the wrong list of them.

COCO numbers its 80 categories from 1 to 90, leaving ten numbers out; many tools count the same 80 from 0. In the
collection ``coco`` the photos of COCO128, the first of train2017, had the one taken for the other: number 1, person,
became the name with the index 1, bicycle; number 7, train, became truck; and those above 79 became no name at all.
"""

from collections.abc import Iterable

# In the order of their indices, as cocodataset.org has them
LISTED = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,"
    "parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,"
    "suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,"
    "tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,"
    "hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,"
    "cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,hair drier,"
    "toothbrush"
)
NAMES = tuple(LISTED.split(","))
UNUSED = frozenset({12, 26, 29, 30, 45, 66, 68, 69, 71, 83})  # numbers that no category has
NUMBERS = dict(zip(NAMES, (number for number in range(1, 91) if number not in UNUSED), strict=True))

TRUE_NAME = {NAMES[number]: name for name, number in NUMBERS.items() if number < len(NAMES)}  # by the wrong one
DIGITS, LAST = 12, 650  # COCO128 ends with 000000000650.jpg


def is_of_coco128(file_name: str) -> bool:
    """Whether a photo of the collection ``coco`` is one whose names are wrong if they were not mended since."""
    stem = file_name.partition(".")[0]
    return len(stem) == DIGITS and stem.isascii() and stem.isdigit() and int(stem) <= LAST


def are_wrong(names: Iterable[str | None]) -> bool:
    """Whether all names of these photos together can be wrong ones: "person", "bowl" and others come of no number."""
    return all(name is None or name in TRUE_NAME for name in names)


def true_name(wrong: str | None) -> str | None:
    """The name that a wrong one stands for; None for None, which may be any of ten."""
    return None if wrong is None else TRUE_NAME[wrong]
