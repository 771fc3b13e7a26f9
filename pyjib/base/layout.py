"""Base images from an OCI layout: a directory, or an archive that holds the same files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol

from pyjib.base.model import BaseImages, BaseTools, check_single, choose
from pyjib.errors import ConfigurationError, ContentError, MalformedDocumentError
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.image import Image
from pyjib.oci.json import MAX_DOCUMENT
from pyjib.oci.layout import IMAGE_NAME, INDEX_FILE, REF_NAME, blob_path
from pyjib.oci.location import LayoutLocation
from pyjib.oci.manifest import Index, Manifest, parse_document
from pyjib.oci.platform import Platform

_MAX_DEPTH = 3
"""How deep indexes may lie in each other: ``index.json``, an image index, and one to spare."""


class LayoutFiles(Protocol):
    """The files of an OCI layout."""

    def read(self, path: str) -> bytes | None:
        """Return a small file, ``None`` if there is no such file."""
        ...

    def blob(self, descriptor: Descriptor) -> Blob | None:
        """Return a blob to be verified when read, ``None`` if there is no such file."""
        ...


def pull(location: LayoutLocation, platforms: Sequence[Platform], tools: BaseTools) -> BaseImages:  # noqa: ARG001  (one signature for all bases)
    """Read images from a directory; layers stay where they are until they are opened.

    Raises ``ConfigurationError`` if it is no layout, or none or several images have the tag.
    """
    _check_directory(location)
    return read_layout(
        _Directory(location.path), name=str(location), tag=location.tag, platforms=platforms
    )


def _check_directory(location: LayoutLocation) -> None:
    try:
        is_directory, is_there = location.path.is_dir(), location.path.exists()
    except OSError:  # whoever reads what is in it says so
        return
    if is_directory:
        return
    if is_there:
        raise ConfigurationError(
            f"cannot read the image {location}: {location.path} is no directory",
            hint=f"name the directory of an OCI layout, or an archive by tar://{location.path}",
        )
    raise ConfigurationError(
        f"cannot read the image {location}: there is no directory {location.path}",
        hint="check the path: relative paths start at the working directory",
    )


def read_layout(
    files: LayoutFiles, *, name: str, tag: str | None = None, platforms: Sequence[Platform]
) -> BaseImages:
    """Choose an image by its tag, or the only one there is, and in it the platforms."""
    entries = _select(read_entries(files, name), tag, name)
    if len(entries) > 1:
        images = _images_of_index(files, entries, platforms, name, _MAX_DEPTH)
        return BaseImages(name=name, digest=None, images=images)
    images = _images(files, entries[0], platforms, name, _MAX_DEPTH)
    document = parse_document(_blob(files, entries[0], name).read(MAX_DOCUMENT))
    return BaseImages(
        name=name,
        digest=entries[0].digest,
        images=images,
        index=document if isinstance(document, Index) else None,
    )


def read_entries(files: LayoutFiles, name: str) -> tuple[Descriptor, ...]:
    """Return the entries of ``index.json``."""
    data = files.read(INDEX_FILE)
    if data is None:
        raise ConfigurationError(
            f"image {name} is no OCI layout: it has no {INDEX_FILE}",
            hint="make one by `pyjib build --to oci://DIR`, or by `skopeo copy … oci:DIR:TAG`",
        )
    try:
        return Index.parse(data).manifests
    except MalformedDocumentError as error:
        raise MalformedDocumentError(f"{INDEX_FILE} of image {name}: {error.message}") from None


def _select(entries: Iterable[Descriptor], tag: str | None, name: str) -> list[Descriptor]:
    """Return one entry, or those that together are an image for several platforms."""
    everything = list(entries)
    fitting = [entry for entry in everything if tag is None or tag in _tags(entry)]
    if not fitting:
        raise ConfigurationError(
            f"image {name} is not there; {_listed(everything)}",
            hint="choose a tag: oci://DIR:TAG",
        )
    unique = list({entry.digest: entry for entry in fitting}.values())
    platforms = {entry.platform for entry in unique}
    names = {_tags(entry)[:1] for entry in unique}
    is_index = None not in platforms and len(platforms) == len(unique) and len(names) == 1
    if len(unique) > 1 and not is_index:
        raise ConfigurationError(
            f"image {name} could be any of several; {_listed(fitting)}",
            hint="choose a tag: oci://DIR:TAG, or use an archive of one image only",
        )
    return unique


def _tags(entry: Descriptor) -> tuple[str, ...]:
    """Return the tag of an entry; some tools write full names where a tag belongs."""
    values = (entry.annotations.get(REF_NAME), entry.annotations.get(IMAGE_NAME))
    return tuple(
        form
        for value in values
        if value
        for form in (value, value.rpartition("/")[2].rpartition(":")[2])
    )


def _listed(entries: Iterable[Descriptor]) -> str:
    tags = sorted({_tags(entry)[0] for entry in entries if _tags(entry)})
    return f"the tags are {', '.join(tags)}" if tags else "nothing in it has a tag"


def _images(
    files: LayoutFiles,
    entry: Descriptor,
    platforms: Sequence[Platform],
    name: str,
    depth: int,
) -> tuple[Image, ...]:
    document = parse_document(_blob(files, entry, name).read(MAX_DOCUMENT))
    if isinstance(document, Index):
        return _images_of_index(files, document.manifests, platforms, name, depth - 1)
    image = _image(files, document, name)
    check_single(image, platforms, name=name)
    return (image,)


def _images_of_index(
    files: LayoutFiles,
    entries: Iterable[Descriptor],
    platforms: Sequence[Platform],
    name: str,
    depth: int,
) -> tuple[Image, ...]:
    if not depth:
        raise ContentError(f"image {name} has indexes within indexes within indexes")
    # Docker saves an index whole, but of its images only those that it has.
    present = [entry for entry in entries if files.blob(entry)]
    return tuple(
        image
        for entry in choose(present, platforms, name=name)
        for image in _images(files, entry, _wanted(entry), name, depth)
    )


def _wanted(entry: Descriptor) -> tuple[Platform, ...]:
    return () if entry.platform is None else (entry.platform,)


def _image(files: LayoutFiles, manifest: Manifest, name: str) -> Image:
    if manifest.config.media_type not in types.CONFIGS:
        raise ContentError(
            f"image {name} is no container image: its config is of the type "
            f"{manifest.config.media_type}"
        )
    return Image(
        manifest=manifest,
        config=ImageConfig.parse(_blob(files, manifest.config, name).read(MAX_DOCUMENT)),
        layers=tuple(_blob(files, layer, name) for layer in manifest.layers),
    )


def _blob(files: LayoutFiles, descriptor: Descriptor, name: str) -> Blob:
    blob = files.blob(replace(descriptor, platform=None))
    if blob is None:
        raise ContentError(
            f"image {name} is not complete: it lacks {descriptor.digest}",
            hint="save or copy it again",
        )
    return blob


@dataclass(frozen=True, slots=True)
class _Directory:
    path: Path

    def read(self, path: str) -> bytes | None:
        try:
            with (self.path / path).open("rb") as file:
                return file.read(MAX_DOCUMENT + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(self.path / path, error) from None

    def blob(self, descriptor: Descriptor) -> Blob | None:
        # Links are followed, since build tools make layouts of them: whatever they lead to has to
        # have the digest that the path is made of.
        path = self.path / blob_path(descriptor.digest)
        try:
            if not path.is_file():
                return None
        except OSError as error:
            raise _unreadable(path, error) from None
        return Blob(descriptor=descriptor, opener=lambda: _open(path))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"cannot read {path}: {error.strerror or error}")
