"""What every prompt is: a frozen dataclass that is also a JSON object, and a choice on a MaskSet."""

from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from anymask.maskset import MaskSet


class Prompt(Protocol):
    """The contract of a prompt."""

    type: ClassVar[str]  # its name in JSON

    def choose(self, found: MaskSet) -> NDArray[np.int64]:
        """Indices into ``found``, best first; empty when nothing answers.

        Raises:
            PromptError: the prompt makes no sense on this picture.
        """
        ...

    def to_json(self) -> dict[str, Any]:
        """The prompt as a JSON object with its ``type``."""
        ...

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Prompt":
        """The prompt of a JSON object without its ``type``.

        Raises:
            PromptError: fields are missing, unknown or of the wrong kind.
        """
        ...
