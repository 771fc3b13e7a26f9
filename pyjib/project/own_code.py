"""What a project's own files tell: classes or resources, the Java they need, where it starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.project.archive_member import ArchiveMember, mapped_errors, open_archive
from pyjib.project.classfile import (
    HEAD_SIZE,
    ClassVersion,
    MalformedClassError,
    find_main,
    read_major,
)
from pyjib.project.model import DiskFile, FileSource, ProjectFile

CLASS_SUFFIX = ".class"
_VERSIONS = "META-INF/versions/"  # for newer Java than the rest needs
_LARGEST_CLASS = 64 << 20
_MOST_CLASSES = 64 << 10  # are smaller than so many bytes
_NAMED = 3


@frozen
class Findings:
    """What the class files say.

    ``java_version`` is the release that the newest needs; ``main_classes`` are sorted;
    ``warnings`` are for the user.
    """

    java_version: int | None = None
    main_classes: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()


def split_classes(
    files: Sequence[ProjectFile],
) -> tuple[tuple[ProjectFile, ...], tuple[ProjectFile, ...]]:
    """Return classes and resources; each has all directories, as in Jib's layers."""
    classes = tuple(file for file in files if file.source is None or is_class(file))
    resources = tuple(file for file in files if file.source is None or not is_class(file))
    return classes, resources


def is_class(file: ProjectFile) -> bool:
    """Tell whether it is a file that Java would load a class from, by its name as Jib does."""
    return file.source is not None and file.path.endswith(CLASS_SUFFIX)


def examine_classes(files: Iterable[ProjectFile], *, find_mains: bool) -> Findings:
    """Look into the class files among ``files``.

    Only the first bytes of each are read, unless ``find_mains``. One that is malformed gives a
    warning and is left out of account; versions for newer Java in a multi-release jar and
    module descriptors do not count. Raises ``ProjectError`` if a file cannot be read.
    """
    majors: set[int] = set()
    mains: set[str] = set()
    malformed: list[str] = []
    with ExitStack() as stack:
        reader = _Reader(stack)
        for source in _own_classes(files):
            try:
                content = reader.content(source) if find_mains else reader.head(source)
                majors.add(read_major(content))
                main = find_main(content) if find_mains else None
            except MalformedClassError:
                malformed.append(source.describe())
                continue
            if main is not None:
                mains.add(main)
    return Findings(
        java_version=ClassVersion(major=max(majors)).release if majors else None,
        main_classes=tuple(sorted(mains)),
        warnings=_warnings(malformed),
    )


def _own_classes(files: Iterable[ProjectFile]) -> Iterator[FileSource]:
    for file in files:
        if file.source is None or not file.path.endswith(CLASS_SUFFIX):
            continue
        if _VERSIONS in file.path or file.path.endswith("module-info.class"):
            continue
        yield file.source


class _Reader:
    """Reads many members of an archive through one open file."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._archives: dict[Path, BinaryIO] = {}

    def head(self, source: FileSource) -> bytes:
        if isinstance(source, DiskFile):
            return source.head(HEAD_SIZE)
        if isinstance(source, ArchiveMember):
            return source.head_from(self._archive(source.archive), HEAD_SIZE)
        return self._read(source, HEAD_SIZE)

    def content(self, source: FileSource) -> bytes:
        if isinstance(source, DiskFile):
            # Without a look at its size: where there are thousands, each question counts.
            content = source.head(_MOST_CLASSES)
            if len(content) < _MOST_CLASSES:
                return content
        if source.size > _LARGEST_CLASS:
            raise MalformedClassError("it is too large")
        if isinstance(source, ArchiveMember):
            return source.read_from(self._archive(source.archive))
        return self._read(source, _LARGEST_CLASS)

    def _read(self, source: FileSource, count: int) -> bytes:
        with source.open() as file, mapped_errors(source.describe()):
            return file.read(count)

    def _archive(self, path: Path) -> BinaryIO:
        if path not in self._archives:
            self._archives[path] = self._stack.enter_context(open_archive(path))
        return self._archives[path]


def _warnings(malformed: Sequence[str]) -> tuple[Warned, ...]:
    if not malformed:
        return ()
    more = f" and {len(malformed) - _NAMED} more" if len(malformed) > _NAMED else ""
    names = ", ".join(malformed[:_NAMED])
    return (
        Warned(
            message=f"not a class file, in spite of its name: {names}{more}",
            hint="compile again; it is in the image all the same",
        ),
    )
