"""A directory in the OCI image layout, new or one that holds other images already."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path

from pyjib.cancellation import Cancellation
from pyjib.destination.archive import LAYOUT_CONTENT, image_blobs, index_entry
from pyjib.destination.files import (
    CHUNK,
    blob_chunks,
    cannot_write,
    check_folder,
    made,
    replacing,
)
from pyjib.destination.lock import locked
from pyjib.destination.model import Published
from pyjib.errors import DestinationError, MalformedDocumentError
from pyjib.events import (
    BlobPresent,
    Direction,
    Listener,
    TransferFinished,
    TransferProgress,
    TransferStarted,
    Warned,
    ignore,
)
from pyjib.files import is_partial, remove_abandoned
from pyjib.frozen import frozen
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.image import AnyImage
from pyjib.oci.json import Json, dump, load
from pyjib.oci.layout import IMAGE_NAME, INDEX_FILE, LAYOUT_FILE, REF_NAME, VERSION, blob_path
from pyjib.oci.reference import Reference

_INDEX_LOCK = threading.Lock()
"""Held while any layout's index is changed: builds may run in threads where nothing locks."""


@frozen
class LayoutDestination:
    """A directory; ``tags`` are the ref names of the image there.

    ``name`` is the full name that the image has elsewhere, if any, for containerd's sake.
    """

    path: Path
    tags: tuple[str, ...] = ("latest",)
    name: Reference | None = None
    listener: Listener = ignore
    cancellation: Cancellation = field(default_factory=Cancellation)

    def check(self) -> None:
        """Raise ``DestinationError`` unless the path is a layout, empty, or yet to be created."""
        try:
            check_folder(self.path.absolute(), self.path)
            if not self.path.exists():
                return
            if (self.path / LAYOUT_FILE).is_file():
                _check_version(self.path)
            elif any(not is_partial(path) for path in self.path.iterdir()):
                raise DestinationError(
                    f"cannot write {self.path}: it has files, but is no OCI layout",
                    hint="choose an empty or a new directory",
                )
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def write(self, image: AnyImage) -> Published:
        """Add the image: blobs first, then ``index.json`` in one step.

        Entries of other names stay; those of the same names are replaced. After an error the
        index is as it was, and directories that were created for the image are gone again.
        Others that write into the directory wait for their turn.
        """
        self.check()
        self._warn_of_format(image)
        existed = self.path.exists()
        with made(self.path.absolute().parent, self.path), self._alone():
            is_new = not (self.path / LAYOUT_FILE).exists()
            try:
                self._prepare()
                for blob in image_blobs(image):
                    self._write_blob(blob)
                self._write_index(image)
            except BaseException:
                if is_new and not (self.path / INDEX_FILE).exists():
                    _remove(self.path, keep_directory=existed)
                raise
        location = f"oci://{self.path}:{self.tags[0]}" if self.tags else f"oci://{self.path}"
        return Published(
            location=location, digest=image.digest, image_id=image.image_id, tags=self.tags
        )

    def _warn_of_format(self, image: AnyImage) -> None:
        if types.format_of(image.descriptor.media_type) is not types.ImageFormat.OCI:
            self.listener(
                Warned(
                    message=f"{self.path} gets an image with Docker's media types, which skopeo, "
                    "umoci and others do not look for in an OCI layout",
                    hint="pass --format oci",
                )
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(self.path, self.cancellation))
            except OSError as error:
                raise cannot_write(self.path, error) from None
            yield

    def _prepare(self) -> None:
        for directory in (self.path, *self.path.glob("blobs/*")):
            remove_abandoned(directory)
        if not (self.path / LAYOUT_FILE).exists():
            with replacing(self.path / LAYOUT_FILE) as file:
                file.write(LAYOUT_CONTENT)

    def _write_blob(self, blob: Blob) -> None:
        target = self.path / blob_path(blob.descriptor.digest)
        digest, size = str(blob.descriptor.digest), blob.descriptor.size
        if self._holds(target, blob):
            self.listener(BlobPresent(digest=digest, size=size, where=str(self.path)))
            return
        self.listener(
            TransferStarted(direction=Direction.WRITE, key=digest, label=digest, total=size)
        )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(target, error) from None
        done = 0
        with replacing(target) as file:
            for chunk in blob_chunks(blob):
                self.cancellation.check()
                file.write(chunk)
                done += len(chunk)
                self.listener(TransferProgress(direction=Direction.WRITE, key=digest, done=done))
        self.listener(TransferFinished(direction=Direction.WRITE, key=digest, size=done))

    def _holds(self, target: Path, blob: Blob) -> bool:
        """Tell whether a file has the blob's size and digest; one that has not is replaced."""
        try:
            if target.stat().st_size != blob.descriptor.size:
                return False
            state = blob.descriptor.digest.hasher()
            with target.open("rb") as file:
                while chunk := file.read(CHUNK):
                    self.cancellation.check()
                    state.update(chunk)
        except OSError:
            return False
        return state.hexdigest() == blob.descriptor.digest.hex

    def _write_index(self, image: AnyImage) -> None:
        path = self.path / INDEX_FILE
        with _INDEX_LOCK:
            document = _read_index(path)
            kept = [entry for entry in document["manifests"] if _ref_name(entry) not in self.tags]
            ours = [index_entry(image, self._annotations(tag)) for tag in self.tags]
            if not self.tags:
                kept = [entry for entry in kept if entry.get("digest") != str(image.digest)]
                ours = [index_entry(image, {})]
            with replacing(path) as file:
                file.write(dump({**document, "manifests": [*kept, *ours]}))

    def _annotations(self, tag: str) -> dict[str, str]:
        named = {IMAGE_NAME: f"{self.name.name}:{tag}"} if self.name else {}
        return {**named, REF_NAME: tag}


def _read_index(path: Path) -> Json:
    if not path.exists():
        return {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": []}
    document = _load(path)
    manifests = document.get("manifests")
    if not isinstance(manifests, list) or not all(isinstance(item, dict) for item in manifests):
        raise MalformedDocumentError(f"{path}: not a list of objects", path="manifests")
    return document


def _load(path: Path) -> Json:
    try:
        return load(path.read_bytes(), str(path))
    except OSError as error:
        raise cannot_write(path, error) from None


def _ref_name(entry: Json) -> str | None:
    annotations = entry.get("annotations")
    name = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
    return name if isinstance(name, str) else None


def _check_version(directory: Path) -> None:
    version = _load(directory / LAYOUT_FILE).get("imageLayoutVersion")
    if version != VERSION:
        raise DestinationError(
            f"cannot write {directory}: version {version!r} of the OCI layout is not known",
            hint="choose an empty or a new directory",
        )


def _remove(directory: Path, *, keep_directory: bool) -> None:
    """Take away a layout that got no index; what cannot be taken away stays."""
    if not keep_directory:
        shutil.rmtree(directory, ignore_errors=True)
        return
    shutil.rmtree(directory / "blobs", ignore_errors=True)
    with contextlib.suppress(OSError):
        (directory / LAYOUT_FILE).unlink(missing_ok=True)
