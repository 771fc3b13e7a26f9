"""What a Java project is made of, as facts on disk: no container words here."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from pyjib.errors import ProjectError
from pyjib.events import Warned
from pyjib.frozen import frozen

_BINARY: int = getattr(os, "O_BINARY", 0)
_NO_WAITING: int = getattr(os, "O_NONBLOCK", 0)
"""Without it, opening a pipe waits for whoever writes to it."""


class FileSource(Protocol):
    """Where a file's bytes come from; reopenable."""

    @property
    def size(self) -> int:
        """The number of bytes."""
        ...

    def open(self) -> BinaryIO:
        """Open at the first byte."""
        ...

    def fingerprint(self) -> str | None:
        """Return text that changes whenever the bytes may have, without reading them.

        ``None`` means that reading is as cheap as asking.
        """
        ...

    def describe(self) -> str:
        """Name the source in messages."""
        ...


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A file on disk, symbolic links followed."""

    path: Path

    @property
    def size(self) -> int:
        """The number of bytes now."""
        return _stat(self.path).st_size

    def open(self) -> BinaryIO:
        """Open the file; raises ``ProjectError`` if it cannot be read, or is no regular file."""
        try:
            return open(self.path, "rb", opener=_open_regular)
        except OSError as error:
            raise unreadable(self.path, error) from None

    def head(self, count: int) -> bytes:
        """Return the first ``count`` bytes, or all if there are fewer, at less cost than ``open``.

        Raises ``ProjectError``, as ``open`` does.
        """
        content = b""
        try:
            opened = _open_regular(self.path, os.O_RDONLY | _BINARY)
            try:
                while more := os.read(opened, count - len(content)):
                    content += more
            finally:
                os.close(opened)
        except OSError as error:
            raise unreadable(self.path, error) from None
        return content

    def fingerprint(self) -> str:
        """Return path, size, both times of change and inode, divided by NUL, like git's index.

        The second time, of the file's properties, is one that no program can set back: it tells
        files apart whose first was set to a constant, as ``tar`` and reproducible builds do.
        """
        path, found = str(self.path), _stat(self.path)
        if not self.path.is_absolute():
            path = f"{os.getcwd()}{os.sep}{path}"  # noqa: PTH109  a third of pathlib's price
        return f"{path}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ctime_ns}\0{found.st_ino}"

    def describe(self) -> str:
        """Return the path."""
        return str(self.path)


@dataclass(frozen=True, slots=True)
class InlineFile:
    """A small file whose bytes are made here."""

    content: bytes

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self.content)

    def open(self) -> BinaryIO:
        """Open the bytes."""
        return io.BytesIO(self.content)

    def fingerprint(self) -> None:
        """Return ``None``: hashing the bytes is cheap."""

    def describe(self) -> str:
        """Return what it is."""
        return "a file made by pyjib"


@frozen
class ProjectFile:
    """A file or directory at a relative POSIX path below some root of the project.

    ``source`` is ``None`` for a directory.
    """

    path: str
    source: FileSource | None = None


def by_path(files: Iterable[ProjectFile]) -> tuple[ProjectFile, ...]:
    """Sort by the bytes of UTF-8, as Java sorts paths on Unix: parents before what they hold."""
    return tuple(sorted(files, key=lambda file: file.path.encode()))


class ProjectKind(StrEnum):
    """How a project was read, in words."""

    CLASSES = "compiled classes"
    JAR = "jar"
    SPRING_BOOT = "Spring Boot jar"
    QUARKUS = "Quarkus application"
    WAR = "war"


DEPENDENCIES = "dependencies"
SNAPSHOT_DEPENDENCIES = "snapshot dependencies"
PROJECT_DEPENDENCIES = "project dependencies"
DEPENDENCY_GROUPS = (DEPENDENCIES, SNAPSHOT_DEPENDENCIES, PROJECT_DEPENDENCIES)
"""The groups that Jib has, in its order."""


@frozen
class Dependency:
    """A library of the application.

    ``name`` is its file name; ``group`` one of ``Project.dependency_groups``, by how often it
    changes. ``on_class_path`` tells whether a class path that lists all libraries has it.
    """

    name: str
    source: FileSource
    group: str = DEPENDENCIES
    on_class_path: bool = True


@frozen
class FileGroup:
    """Files that belong together and change together; paths are below the application's root."""

    name: str
    files: tuple[ProjectFile, ...]


@frozen
class Project:
    """A compiled Java project.

    ``classes`` and ``resources`` have paths below the class path's root (for a war, below the
    archive's), in the order of a sorted walk, and may both list the same directories.
    ``dependencies`` are in the order of the class path; ``dependency_groups`` in the order of
    layers. ``archive`` is the project's own jar or war where one was built, ``archive_name`` what
    it is called in the image where its file has another name. ``groups`` is for applications
    that bring their own layout and start by ``java -jar launcher`` (Quarkus): then the class
    path is not ours to write. ``ordered`` tells whether the order of dependencies is known; if
    not, a wildcard stands for them. ``main_class_candidates`` holds the classes with a main
    method, where ``main_class`` is not stated by the project.
    ``java_version`` is the release that the newest of its own classes needs; ``declared_java``
    is what the build declares, by Jib's rule, where that is known. ``detail`` tells where the
    class path comes from; ``warnings`` are for the user.
    """

    kind: ProjectKind
    root: Path
    name: str
    classes: tuple[ProjectFile, ...] = ()
    resources: tuple[ProjectFile, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    dependency_groups: tuple[str, ...] = DEPENDENCY_GROUPS
    archive: Path | None = None
    archive_name: str | None = None
    groups: tuple[FileGroup, ...] = ()
    launcher: str | None = None
    ordered: bool = True
    main_class: str | None = None
    main_class_candidates: tuple[str, ...] = ()
    java_version: int | None = None
    declared_java: int | None = None
    detail: str = field(default="", compare=False)
    warnings: tuple[Warned, ...] = field(default=(), compare=False)


@frozen
class BootLayer:
    """A layer of Spring Boot's ``layers.idx``: files of the jar, and directories with all in them.

    Directories end in a slash.
    """

    name: str
    files: frozenset[str]
    directories: tuple[str, ...]

    @classmethod
    def of(cls, name: str, content: Iterable[str]) -> Self:
        """Return the layer of that name, with the paths that the index lists for it."""
        paths = tuple(content)
        directories = tuple(path for path in paths if path.endswith("/"))
        return cls(name=name, files=frozenset(paths), directories=directories)

    def holds(self, path: str) -> bool:
        """Tell whether a file belongs to the layer."""
        return path in self.files or path.startswith(self.directories)


@frozen
class AppArchive:
    """A jar or war of an application.

    ``files`` are its files, sorted by path, and directories that are called like a class file.
    ``main_class`` is what ``java -jar`` starts; ``launcher`` is Spring Boot's of this jar, ``None``
    for another jar. ``libraries`` are those of the manifest's ``Class-Path``, by their paths
    relative to the archive, in its order.
    ``layers`` are Spring Boot's, ``None`` without an index. ``java_version`` is the release that
    jib-cli takes it to need: that of the first class, or of the one that starts if that is newer.
    """

    path: Path
    is_war: bool
    files: tuple[ProjectFile, ...]
    main_class: str | None = None
    launcher: str | None = None
    libraries: tuple[ProjectFile, ...] = ()
    layers: tuple[BootLayer, ...] | None = None
    java_version: int | None = None

    @property
    def is_boot(self) -> bool:
        """Whether Spring Boot packed the jar."""
        return self.launcher is not None


def _stat(path: Path) -> os.stat_result:
    try:
        status = path.stat()
    except OSError as error:
        raise unreadable(path, error) from None
    if not stat.S_ISREG(status.st_mode):
        raise _irregular(path)
    return status


def _open_regular(path: str | Path, flags: int) -> int:
    opened = os.open(path, flags | _NO_WAITING)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise _irregular(path)
    return opened


def _irregular(path: str | Path) -> ProjectError:
    return ProjectError(f"cannot read {path}: it is not a regular file")


def unreadable(path: Path, error: OSError) -> ProjectError:
    """Return what to raise when the system does not give a file's bytes."""
    closed = isinstance(error, PermissionError)
    return ProjectError(
        f"cannot read {path}: {error.strerror or error}",
        hint="make it readable for the user who runs pyjib" if closed else None,
    )
