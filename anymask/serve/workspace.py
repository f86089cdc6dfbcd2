"""What the server does with pictures: receive one, find its masks, choose among them, look closer, write them.

Everything here blocks. Routes call what is short in a thread, and hand the rest to a lane.
"""

import contextlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from threading import Lock
from typing import Any

from anymask import __version__
from anymask.errors import AnymaskError, ImageError
from anymask.image import load_image, read_header
from anymask.maskset import MaskSet
from anymask.prompts import Prompt, Text
from anymask.recipe import Look, Parameters, Recipe, replay
from anymask.recipe.conditions import hash_of
from anymask.runtimes import runtime_name
from anymask.segment import Refine, Segmenter
from anymask.serve.database import Database
from anymask.serve.images import ImageRecord, Images, NewImage
from anymask.serve.lanes import CancelledError, Job, Lane
from anymask.serve.objects import ObjectRecord, Objects
from anymask.serve.opened import Opened, OpenImage
from anymask.serve.packed_masks import pack
from anymask.serve.pictures import Pictures
from anymask.serve.recipes import document_of, looks_of, selected_of
from anymask.serve.refusals import BusyError, ConflictError, FullError, NotFoundError, TooLargeError
from anymask.serve.settings import ServeSettings

logger = logging.getLogger(__name__)

# Files that every browser shows as we read them, where they lie upright or are JPEGs, whose EXIF browsers heed
SHOWN_AS_SENT = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
SHOWN_MODES = {"RGB", "RGBA", "L", "LA", "P", "1"}
OTHER = "application/octet-stream"

PLACES = "places"  # among what is computed of a set: the index of each of its masks, by run lengths


@dataclass(frozen=True)
class Selected:
    """Answers to prompts: the image they are of, the chosen masks, and all of which they were chosen.

    found: with label scores, where a text asked for a noun.
    """

    opened: OpenImage
    picked: MaskSet
    found: MaskSet


class Workspace:
    """One server's pictures, masks and objects, and the threads that work on them.

    Raises SettingsError where the data folder cannot be used.
    """

    def __init__(self, settings: ServeSettings, segmenter: Segmenter) -> None:
        self.settings, self.segmenter = settings, segmenter
        self.database = Database(settings.data, quota=settings.quota)
        self.images, self.objects = Images(self.database), Objects(self.database)
        self.pictures = Pictures(settings.data)
        self.opened = Opened(self.images, self.pictures, settings.memory, settings.max_pixels)
        self.finding = Lane("segmented", 1, settings.waiting_finds)
        self.looking = Lane("looked at", 1, settings.waiting_finds)  # one after another, as each changes the masks
        self.choosing = Lane("answered", settings.choosers, settings.waiting_choices)
        self.lanes = {"finding": self.finding, "looking": self.looking, "choosing": self.choosing}
        self._lock = Lock()
        with self.pictures.settled():
            self.pictures.sweep(self.images.pictures())

    def close(self) -> None:
        """Stop what runs, and close the database."""
        for lane in self.lanes.values():
            lane.close()
        self.database.close()

    # Receive

    def receive(self, content: bytes, name: str, parameters: dict[str, Any]) -> ImageRecord:
        """Keep a picture file; its masks are found when they are asked for, with those keywords of the Segmenter.

        Raises ImageError for what is no picture, TooLargeError for too many pixels, FullError above the quota.
        """
        header = read_header(content, name)
        pixels = header.height * header.width
        if pixels > self.settings.max_pixels:
            raise TooLargeError(
                f"{name}: is {header.width} x {header.height} = {pixels} pixels, more than the limit of "
                f"{self.settings.max_pixels} of this server: make it smaller, or start it with --max-pixels {pixels}"
            )
        as_sent = header.mode in SHOWN_MODES and (header.upright or header.format == "JPEG")
        media_type = SHOWN_AS_SENT.get(header.format, OTHER) if as_sent else OTHER
        with self.pictures.settled():
            self.database.check_room(name, len(content))
            try:
                picture, is_new = self.pictures.put(content)
            except OSError as error:
                raise FullError(f"{name}: cannot be kept ({error}); make room where the data folder lies") from error
            new = NewImage(picture, media_type, len(content), name, header.width, header.height, parameters)
            try:
                return self.images.add(new)
            except BaseException:
                if is_new:  # a file without a row would take room that nothing accounts for
                    self.pictures.remove(picture)
                raise

    def remove(self, image: str) -> None:
        """Delete an image, its objects, and its file where no other image has it. Raises NotFoundError."""
        with self.pictures.settled():
            record, last = self.images.remove(image)
            if last:
                self.pictures.remove(record.picture)
        for job in self._jobs(image):
            job.cancel()
        self.opened.drop(image)

    # Find

    def find(self, image: str) -> Job[OpenImage]:
        """The job that finds the masks of an image, one for all who wait for it. Raises BusyError."""
        with self._lock:
            finds = (job for job in self.finding.of(image) if job.doing == "masks")
            return next(finds, None) or self.finding.submit(partial(self._find, image), image, "masks")

    def doing(self, image: str) -> tuple[Job[Any] | None, int]:
        """The job that changes an image now or next, where there is one, and how many jobs are before it."""
        return min(self._jobs(image).items(), key=lambda each: each[1], default=(None, 0))

    def _jobs(self, image: str) -> dict[Job[Any], int]:
        """The jobs that change an image, and how many are before each."""
        return {job: lane.ahead(job) for lane in self.lanes.values() for job in lane.of(image)}

    def _find(self, image: str, job: Job[OpenImage]) -> OpenImage:
        """Find masks, or wait until another process, to which a request for the same image came, has found them."""
        with self.pictures.finding(image, job.check):
            record = self.images.get(image)
            return self.opened.get(image) if record.state != "waiting" else self._find_alone(record, job)

    def _find_alone(self, record: ImageRecord, job: Job[OpenImage]) -> OpenImage:
        image = record.id
        try:
            pixels = load_image(
                self.pictures.read(record.picture), max_pixels=self.settings.max_pixels, name=record.name
            )
            job.check()
            if pixels.shape[:2] != (record.height, record.width):
                raise ImageError(
                    f"{record.name}: has {pixels.shape[1]} x {pixels.shape[0]} pixels, but its header tells of "
                    f"{record.width} x {record.height}: save it anew"
                )
            found = self.segmenter(
                pixels,
                max_pixels=self.settings.max_pixels,
                report=job.report,
                **Parameters(**record.parameters).of_call(),
            )
            job.check()
            opened = OpenImage(self.images.set_masks(image, pack(found), read=record.masks_revision), found)
        except (CancelledError, NotFoundError, BusyError, FullError, OSError):  # another time it may be found
            raise
        except ConflictError:  # another process was faster, where the file system has no locks
            return self.opened.get(image)
        except AnymaskError as error:
            self.images.fail(image, str(error))
            raise
        except Exception:
            self.images.fail(image, f"{record.name}: the server failed at it, a fault of its own; its log says more")
            logger.exception("image %s", image)
            raise
        self.opened.put(opened)
        self._label_when_idle(opened)
        return opened

    def _label_when_idle(self, opened: OpenImage) -> None:
        """Have the label scores ready for the first words that are typed, where no other picture waits."""
        waiting, _ = self.finding.counts()
        if waiting:
            return
        with contextlib.suppress(BusyError):  # they are made when they are asked for
            self.finding.submit(lambda _: self.segmenter.label(opened.found))

    # Choose

    def select(
        self,
        image: str,
        prompts: list[Prompt],
        *,
        refine: Refine = "auto",
        zoom: bool = True,
        check: Callable[[], None] = lambda: None,
    ) -> Selected:
        """The masks that answer prompts, see `Segmenter.select`. Raises PromptError, NotFoundError, as ``check``."""
        opened = self.opened.get(image)
        check()
        drawn = Parameters(**opened.record.parameters).drawn
        picked = self.segmenter.select(opened.found, prompts, refine=refine, zoom=zoom, drawn=drawn)
        found = opened.found
        if any(isinstance(each, Text) and each.has_nouns for each in prompts):
            found = self.segmenter.label(found)  # as `select` did, which keeps it
        return Selected(opened, picked, found)

    def look(
        self,
        image: str,
        box: tuple[float, float, float, float],
        image_size: int | None,
        check: Callable[[], None] = lambda: None,
    ) -> tuple[OpenImage, MaskSet]:
        """Look closer at a region, see `Segmenter.look`: the image with what that adds, and the masks it had before.

        Raises PromptError, SettingsError, NotFoundError; ConflictError where a recipe or another process was faster;
        FullError above the quota.
        """
        opened = self.opened.get(image)
        check()
        parameters = Parameters(**opened.record.parameters)
        found = Look(box, image_size).at(self.segmenter, opened.found, parameters)
        before = opened.found
        if found == before:
            return opened, before
        looks = (*opened.record.looks, {"box": list(box), "image_size": image_size})
        with self.database.changing(keeps=f"closer look at image {image}") as rows:
            record = self.images.set_masks(
                image, pack(found), read=opened.record.masks_revision, looks=looks, within=rows
            )
        opened = replace(opened, record=record, found=found)
        self.opened.put(opened)
        return opened, before

    # Recipes

    def recipe(self, image: str, ids: list[str] | None = None, hidden: bool = True) -> Recipe:
        """The objects of an image as a recipe, see `Objects.chosen`. Raises NotFoundError."""
        opened = self.opened.get(image)
        record = opened.record
        objects = [selected_of(each.document) for each in self.objects.chosen(image, ids, hidden)]
        parameters = Parameters(**record.parameters)
        return Recipe.of(self.segmenter, opened.found, parameters, looks_of(record), objects, record.name)

    def replay(
        self, image: str, recipe: Recipe, report: Callable[[int, int], None]
    ) -> tuple[ImageRecord, list[ObjectRecord], list[str]]:
        """Select the objects of a recipe, in the place of those the image has; what differs, in lines.

        report: as of `anymask.replay`.

        Raises PromptError, NotFoundError; ConflictError where masks or objects were changed meanwhile; FullError above
        the quota.
        """
        opened = self.opened.get(image)
        pixels, name = opened.pixels, opened.record.name
        again = replay(recipe, self.segmenter, pixels, max_pixels=pixels.size, name=name, report=report)
        made = again.recipe
        packed = pack(again.found)
        documents = {secrets.token_hex(16): document_of(each, made.picture.size) for each in made.objects}
        with self.database.changing(keeps=f"recipe for image {image}") as rows:  # masks and objects, or neither
            record = self.images.set_masks(
                image,
                packed,
                read=opened.record.masks_revision,
                looks=tuple(asdict(each) for each in made.looks),
                parameters=asdict(made.parameters),
                within=rows,
            )
            if record.revision != opened.record.revision + 1:  # it takes their place, also of those nobody has seen
                raise ConflictError(f"image {image}: its objects have changed meanwhile; read them and send it again")
            objects = self.objects.replace(image, documents, within=rows)
        self.opened.put(OpenImage(record, again.found))
        return self.images.get(image), objects, list(again.warnings)

    def health(self) -> dict[str, Any]:
        """What can be said of the server without asking for anything."""
        waiting = [sum(each) for each in zip(*(lane.counts() for lane in self.lanes.values()), strict=True)]
        images, held = self.opened.counts()
        return {
            "status": "ok",
            "version": __version__,
            "weights": hash_of(self.segmenter.weights),
            "runtime": runtime_name(self.segmenter.runtime),
            "saved": self.settings.saved,
            "waiting": waiting[0],
            "running": waiting[1],
            "open_images": images,
            "open_bytes": held,
        }


def places(found: MaskSet) -> dict[bytes, int]:
    """The index of each mask of a set, by its run lengths."""
    kept: dict[bytes, int] = found.computed.setdefault(
        PLACES, {counts: index for index, counts in reversed(list(enumerate(found.rles)))}
    )
    return kept
