"""Recipes: what was selected in a picture as a program that makes it again, byte for byte under the same conditions.

document.py holds what a recipe is, form.py what its JSON holds, checked.py how that is checked, conditions.py on what
masks depend besides, replaying.py how they are made again.
"""

from anymask.recipe.conditions import Conditions, Picture
from anymask.recipe.document import Look, Parameters, Recipe, Selected, selected
from anymask.recipe.replaying import Replay, Replayed, replay

__all__ = [
    "Conditions",
    "Look",
    "Parameters",
    "Picture",
    "Recipe",
    "Replay",
    "Replayed",
    "Selected",
    "replay",
    "selected",
]
