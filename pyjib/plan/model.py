"""The build plan: everything that decides an image's bytes, and nothing that is left to ask."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import field
from typing import Self

from pyjib.errors import ProjectError
from pyjib.frozen import frozen
from pyjib.oci.identity import PYJIB, Identity
from pyjib.oci.instant import EPOCH, EPOCH_PLUS_SECOND, Instant
from pyjib.oci.location import Location
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import LINUX_AMD64, Platform
from pyjib.project.model import FileSource

DIRECTORY_MODE = 0o755
FILE_MODE = 0o644

LONG_TERM_RELEASES = (8, 11, 17, 21, 25)
"""The Java releases that Eclipse Temurin publishes JRE images of, and that Jib chooses among."""


@frozen
class LayerEntry:
    """A file, or a directory if ``source`` is ``None``, at an absolute POSIX ``target``.

    ``owner`` is ``user[:group]`` by names or numbers, empty for root. ``implied`` marks a
    directory that nobody asked for but what lies in it.
    """

    target: str
    source: FileSource | None = None
    mode: int = FILE_MODE
    mtime: Instant = EPOCH_PLUS_SECOND
    owner: str = ""
    implied: bool = field(default=False, compare=False)

    @property
    def name(self) -> str:
        """The name in the tar: no leading slash, one trailing slash for a directory."""
        name = "/".join(part for part in self.target.split("/") if part)
        return f"{name}/" if self.source is None else name


@frozen
class LayerPlan:
    """A layer to pack. Entries are unique, complete with parents, and sorted: see ``of``.

    ``name`` is for people and history; two layers may have the same.
    """

    name: str
    entries: tuple[LayerEntry, ...]

    @classmethod
    def of(cls, name: str, entries: Iterable[LayerEntry]) -> Self:
        """Apply Jib's rules (ReproducibleLayerBuilder).

        The first of two entries of one name wins; missing parents are added just before an
        entry, as directories of mode 755 at one second after the epoch; then all are sorted by
        UTF-16 code units, the slash that ends a directory's name included.

        Raises ``ProjectError`` for what no unpacker could honour: a target with ``.`` or
        ``..``, and a file where another entry needs a directory.
        """
        seen: dict[str, LayerEntry] = {}
        for entry in entries:
            entry_name = entry.name
            if entry_name in seen or entry_name == "/":
                continue
            if (folder := _folder(entry_name)) and folder not in seen:  # what has one has all
                for parent in [*_parents(folder), folder]:
                    if parent not in seen:
                        seen[parent] = _implied(parent)
            seen[entry_name] = entry
        _check_names(name, seen)
        ordered = sorted(seen.items(), key=lambda item: _utf16(item[0]))
        return cls(name=name, entries=tuple(entry for _, entry in ordered))

    @property
    def files(self) -> tuple[LayerEntry, ...]:
        """The entries that are no directories."""
        return tuple(entry for entry in self.entries if entry.source is not None)

    @property
    def stated(self) -> tuple[LayerEntry, ...]:
        """The entries without the directories that only follow from them."""
        return tuple(entry for entry in self.entries if not entry.implied)


@frozen
class LayerRecipe:
    """How layers become bytes.

    ``time_records`` and ``gzip_os`` choose among Jib's byte eras; ``level`` is the
    compression's own, ``None`` for its default. ``in_parts`` tells whether pieces of the tar are
    compressed each on its own, by the fastest compressor there is; else they are one stream,
    whose gzip is what Java writes.
    """

    compression: Compression = Compression.GZIP
    level: int | None = None
    in_parts: bool = False
    time_records: bool = True
    gzip_os: int = 0xFF


@frozen
class ContainerConfig:
    """What a container runs with, laid over what the base image says.

    ``None`` inherits. Ports are ``N/tcp`` or ``N/udp``; an ``entrypoint`` that is set drops the
    base's arguments, as Docker does.
    """

    environment: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    user: str | None = None
    working_directory: str | None = None
    entrypoint: tuple[str, ...] | None = None
    arguments: tuple[str, ...] | None = None


@frozen
class BuildPlan:
    """Complete: two equal plans over equal files give two equal images on any machine.

    ``java_version`` is what the classes need, so that a base that is too old can be refused.
    """

    base: Location
    platforms: tuple[Platform, ...] = (LINUX_AMD64,)
    layers: tuple[LayerPlan, ...] = ()
    config: ContainerConfig = field(default_factory=ContainerConfig)
    created: Instant = EPOCH
    format: ImageFormat = ImageFormat.DOCKER
    identity: Identity = PYJIB
    recipe: LayerRecipe = field(default_factory=LayerRecipe)
    java_version: int | None = None


def _implied(name: str) -> LayerEntry:
    return LayerEntry(target=f"/{name[:-1]}", mode=DIRECTORY_MODE, implied=True)


def _folder(name: str) -> str:
    """Return the directory that an entry lies in, empty for one at the top."""
    return name[: name.rfind("/", 0, -1) + 1]


def _parents(name: str) -> list[str]:
    parts = name.rstrip("/").split("/")[:-1]
    return ["/".join(parts[: depth + 1]) + "/" for depth in range(len(parts))]


def _check_names(layer: str, names: Collection[str]) -> None:
    for name in names:
        if "/./" in f"/{name}/" or "/../" in f"/{name}/":
            raise ProjectError(f"the layer {layer!r} would have a file outside its place: /{name}")
        if name.endswith("/") and name[:-1] in names:
            raise ProjectError(
                f"the layer {layer!r} would have a file and a directory /{name[:-1]}"
            )


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")
