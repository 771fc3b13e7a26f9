"""The members of a tar file, read where they lie."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import BinaryIO, Self, cast

from pyjib.errors import ContentError
from pyjib.frozen import frozen
from pyjib.image.tar_headers import entries, tar_errors
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.json import MAX_DOCUMENT
from pyjib.oci.layout import blob_path

_MAX_LINKS = 8


@frozen
class _Member:
    """A file at an offset, or a link to another name."""

    offset: int = 0
    size: int = 0
    link: str | None = None


@frozen
class ArchiveFiles:
    """Files of an archive by their names; ``name`` is that of the archive, for errors."""

    name: str
    opener: Callable[[], BinaryIO] = field(repr=False)
    members: Mapping[str, _Member] = field(repr=False)

    @classmethod
    def of(cls, opener: Callable[[], BinaryIO], name: str) -> Self:
        """Read the directory of an archive; raises ``ContentError`` if it is no tar."""
        members: dict[str, _Member] = {}

        def unreadable(reason: object) -> ContentError:
            return ContentError(
                f"image {name} is no readable tar: {reason}",
                hint="name an archive made by `docker save` or by `pyjib build --to tar://FILE`",
            )

        with tar_errors(unreadable), opener() as file:
            for entry in entries(file):
                if (member := _member(entry)) is not None:
                    members[_normal(entry.name)] = member
        return cls(name=name, opener=opener, members=members)

    def read(self, path: str) -> bytes | None:
        """Return a small file, ``None`` if there is no such file."""
        member = self._find(path)
        if member is None:
            return None
        if member.size > MAX_DOCUMENT:
            raise ContentError(
                f"{path} in image {self.name} has {member.size} bytes, more than {MAX_DOCUMENT}"
            )
        with self.open(path) as file:
            return file.read()

    def open(self, path: str) -> BinaryIO:
        """Open a file; raises ``ContentError`` if there is no such file."""
        member = self._find(path)
        if member is None:
            raise ContentError(
                f"image {self.name} is not complete: it lacks {path}",
                hint="save or copy it again",
            )
        return cast(BinaryIO, _Slice(self.opener(), member.offset, member.size))

    def blob(self, descriptor: Descriptor) -> Blob | None:
        """Return a blob of the OCI layout, ``None`` if there is no such file."""
        path = blob_path(descriptor.digest)
        if self._find(path) is None:
            return None
        return Blob(descriptor=descriptor, opener=lambda: self.open(path))

    def _find(self, path: str) -> _Member | None:
        """Follow links, as old ``docker save`` makes for layers that two images share."""
        for _ in range(_MAX_LINKS):
            member = self.members.get(_normal(path))
            if member is None or member.link is None:
                return member
            path = member.link
        return None


def _member(entry: tarfile.TarInfo) -> _Member | None:
    if entry.issym():
        return _Member(link=posixpath.join(posixpath.dirname(entry.name), entry.linkname))
    if entry.islnk():
        return _Member(link=entry.linkname)
    # A sparse file's bytes are not simply those that lie in the archive.
    if not entry.isreg() or entry.issparse():
        return None
    return _Member(offset=entry.offset_data, size=entry.size)


def _normal(name: str) -> str:
    return posixpath.normpath(name).lstrip("/")


class _Slice(io.RawIOBase):
    """Part of a file, from ``offset`` on."""

    def __init__(self, source: BinaryIO, offset: int, size: int) -> None:
        super().__init__()
        self._source = source
        self._left = size
        source.seek(offset)

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        data = self._source.read(wanted)
        self._left -= len(data)
        return data

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()
