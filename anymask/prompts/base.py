"""What every prompt is: a frozen dataclass that is also a JSON object, and a choice on a MaskSet."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from anymask.maskset import MaskSet


class Prompt(Protocol):
    """The contract of a prompt."""

    type: ClassVar[str]  # its name in JSON
    schema: ClassVar[Mapping[str, Any]]  # the JSON Schema of each other field; one with a "default" may be left out

    def choose(self, found: MaskSet) -> MaskSet:
        """Masks of ``found``, or new ones made of them, best first; empty when nothing answers.

        Raises:
            PromptError: the prompt makes no sense on this picture.
        """
        ...

    def closer(self, found: MaskSet, chosen: MaskSet) -> tuple[float, float, float, float] | None:
        """Where a closer look may find what is not among ``chosen`` of ``found``; None if something there fits.

        x1, y1, x2, y2 in source pixels; it meets the picture.
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
