"""Which photo is drawn next."""

from collections.abc import Mapping

import numpy as np

from anymask.dataset import LabelledPhoto
from anymask.errors import SettingsError


class PhotoSampler:
    """Draws photos, each collection as often as ``sampling`` says by its name.

    Raises:
        SettingsError: no photo is of a collection that is sampled.
    """

    def __init__(self, photos: list[LabelledPhoto], sampling: Mapping[str, float]) -> None:
        self.by_collection: dict[str, list[LabelledPhoto]] = {}
        for photo in photos:
            self.by_collection.setdefault(photo.collection, []).append(photo)
        self.collections = [name for name in sampling if name in self.by_collection]
        if not self.collections:
            raise SettingsError(
                f"no photo belongs to a collection that is sampled ({', '.join(sampling)}), got photos of "
                f"{', '.join(self.by_collection) or 'none at all'}; name the collections in `sampling`"
            )
        weights = np.array([sampling[name] for name in self.collections])
        self.weights = weights / weights.sum()

    def __call__(self, rng: np.random.Generator) -> LabelledPhoto:
        """One photo."""
        collection = self.by_collection[self.collections[rng.choice(len(self.collections), p=self.weights)]]
        return collection[rng.integers(len(collection))]
