"""Which photo is drawn next."""

from collections.abc import Mapping, Sequence

import numpy as np

from anymask.datasets import LabelledPhoto, PhotoEntry
from anymask.errors import SettingsError


class PhotoSampler:
    """Draws photos, each collection as often as ``sampling`` says by its name, and then any photo of it.

    Where ``sampling`` names some of the collections, the others are not drawn. Where it names none of them, as for data
    other than the packaged recipe's, all are drawn equally often.

    Raises:
        SettingsError: there is no photo.
    """

    def __init__(self, photos: Sequence[PhotoEntry], sampling: Mapping[str, float]) -> None:
        self.by_collection: dict[str, list[PhotoEntry]] = {}
        for photo in photos:
            self.by_collection.setdefault(photo.collection, []).append(photo)
        if not self.by_collection:
            raise SettingsError("expected photos to draw from, got none at all; read some")
        known = {name: share for name, share in sampling.items() if name in self.by_collection}
        shares = known or dict.fromkeys(self.by_collection, 1.0)
        self.collections = list(shares)
        self.count = sum(len(self.by_collection[name]) for name in shares)
        weights = np.array(list(shares.values()))
        self.weights = weights / weights.sum()

    def __call__(self, rng: np.random.Generator) -> LabelledPhoto:
        """One photo with its annotations. Raises DatasetError if they cannot be read."""
        collection = self.by_collection[self.collections[rng.choice(len(self.collections), p=self.weights)]]
        return collection[rng.integers(len(collection))].load()
