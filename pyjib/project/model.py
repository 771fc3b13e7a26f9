"""What a Java project is made of, as facts on disk: no container words here."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from pyjib.errors import ProjectError


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
        """Open the file; raises ``ProjectError`` if it cannot be read."""
        try:
            return self.path.open("rb")
        except OSError as error:
            raise _unreadable(self.path, error) from None

    def fingerprint(self) -> str:
        """Return path, size, time of change and inode, like git's index."""
        status = _stat(self.path)
        return f"{self.path.absolute()}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ino}"

    def describe(self) -> str:
        """Return the path."""
        return str(self.path)


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """A file within a jar or war, read from there: nothing is extracted to disk.

    ``size`` and ``crc`` are those of the archive's directory; a member that turns out to have
    others raises ``ProjectError`` while it is read.
    """

    archive: Path
    name: str
    size: int
    crc: int

    def open(self) -> BinaryIO:
        """Open the member; raises ``ProjectError`` if the archive cannot be read."""
        try:
            with zipfile.ZipFile(self.archive) as jar:
                # The member keeps the underlying file open until it is closed itself.
                return cast(BinaryIO, _MemberReader(jar.open(self.name), self))
        except (OSError, zipfile.BadZipFile, KeyError, NotImplementedError) as error:
            raise _unreadable(self.archive, error) from None

    def fingerprint(self) -> str:
        """Return what identifies the archive on disk, and the member in it."""
        return f"{DiskFile(self.archive).fingerprint()}\0{self.name}\0{self.crc:08x}"

    def describe(self) -> str:
        """Return the archive and the member."""
        return f"{self.archive}!/{self.name}"


class _MemberReader(io.RawIOBase):
    """Reads no more than the archive's directory promised (a jar bomb lies there)."""

    def __init__(self, source: object, member: ArchiveMember) -> None:
        super().__init__()
        self._source = cast(BinaryIO, source)
        self._member = member
        self._left = member.size

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = -1 if size is None or size < 0 else size
        try:
            data = self._source.read(min(wanted, self._left + 1) if wanted >= 0 else self._left + 1)
        except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
            raise _unreadable(Path(self._member.describe()), error) from None
        except Exception as error:  # zlib.error, and whatever another method's decoder raises
            raise _unreadable(Path(self._member.describe()), error) from error
        self._left -= len(data)
        if self._left < 0 or (not data and wanted != 0 and self._left):
            raise ProjectError(
                f"cannot read {self._member.describe()}: it does not have the "
                f"{self._member.size} bytes that its archive promises",
                hint="build the archive again: it is damaged, or made to harm",
            )
        return data

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFile:
    """A file or directory at a relative POSIX path below some root of the project.

    ``source`` is ``None`` for a directory.
    """

    path: str
    source: FileSource | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A library of the application.

    ``name`` is its file name; ``group`` one of ``Project.dependency_groups``, by how often it
    changes.
    """

    name: str
    source: FileSource
    group: str = DEPENDENCIES


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGroup:
    """Files that belong together and change together; paths are below the application's root."""

    name: str
    files: tuple[ProjectFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A compiled Java project.

    ``classes`` and ``resources`` have paths below the class path's root (for a war, below the
    archive's), in the order of a sorted walk, and may both list the same directories.
    ``dependencies`` are in the order of the class path; ``dependency_groups`` in the order of
    layers. ``archive`` is the project's own jar or war where one was built. ``groups`` is for
    applications that bring their own layout and start by ``java -jar launcher`` (Quarkus):
    then the class path is not ours to write. ``ordered`` tells whether the order of
    dependencies is known; if not, a wildcard stands for them. ``main_class_candidates`` holds
    the classes with a main method, where ``main_class`` is not stated by the project.
    ``java_version`` is the release that the newest of its own classes needs.
    """

    kind: ProjectKind
    root: Path
    name: str
    classes: tuple[ProjectFile, ...] = ()
    resources: tuple[ProjectFile, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    dependency_groups: tuple[str, ...] = DEPENDENCY_GROUPS
    archive: Path | None = None
    groups: tuple[FileGroup, ...] = ()
    launcher: str | None = None
    ordered: bool = True
    main_class: str | None = None
    main_class_candidates: tuple[str, ...] = ()
    java_version: int | None = None
    detail: str = field(default="", compare=False)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> ProjectError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ProjectError(f"cannot read {path}: {reason}")
