"""A file within a jar or war, read from its place there: nothing is extracted to disk.

A member knows where it lies, so that opening it costs one seek, not the reading of a directory
of thousands. What comes out has the size and the CRC-32 that the archive's directory states,
or ``ProjectError`` is raised while it is read; no more than that size is ever inflated.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pyjib.errors import ProjectError
from pyjib.project.model import DiskFile

STORED = 0
DEFLATED = 8

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # APPNOTE 4.3.7: signature, two lengths at its end
_LOCAL_SIGNATURE = b"PK\x03\x04"
_SMALL = 1 << 20  # up to this size a member is read at once, and its archive closed again
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """A file within an archive, as the archive's directory describes it.

    ``name`` is a relative POSIX path; ``size`` and ``compressed_size`` are in bytes; ``method``
    is ``STORED`` or ``DEFLATED``; ``offset`` is that of the member's local header in the file.
    """

    archive: Path
    name: str
    size: int
    crc: int
    method: int
    compressed_size: int
    offset: int

    def open(self) -> BinaryIO:
        """Open at the first byte; raises ``ProjectError`` here or while it is read."""
        file = open_archive(self.archive)
        try:
            if self.size > _SMALL:
                return io.BufferedReader(_MemberReader(file, self), _CHUNK)
            content = self.read_from(file)
        except BaseException:
            file.close()
            raise
        file.close()
        return io.BytesIO(content)

    def read_from(self, file: BinaryIO) -> bytes:
        """Return all bytes, out of the archive that is open already and stays so."""
        content = bytearray(self.size)
        with _MemberReader(file, self, owns_file=False) as reader:
            view = memoryview(content)
            while count := reader.readinto(view):
                view = view[count:]
        return bytes(content)

    def head_from(self, file: BinaryIO, count: int) -> bytes:
        """Return up to ``count`` bytes of the beginning, unverified, out of the open archive."""
        content = b""
        with _MemberReader(file, self, owns_file=False, chunk=count + 256) as reader:
            while len(content) < count and (more := reader.read(count - len(content))):
                content += more
        return content

    def fingerprint(self) -> str:
        """Return what identifies the archive on disk, and the member in it."""
        return f"{DiskFile(self.archive).fingerprint()}\0{self.name}\0{self.offset}\0{self.crc:08x}"

    def describe(self) -> str:
        """Return the archive and the member, as Java writes it."""
        return f"{self.archive}!/{self.name}"


def open_archive(path: Path) -> BinaryIO:
    """Open a jar or war; raises ``ProjectError`` if it cannot be read, or is no regular file."""
    return DiskFile(path).open()


@contextmanager
def mapped_errors(where: str) -> Iterator[None]:
    """Raise ``ProjectError`` for what the disk or the inflater complains of in ``where``."""
    try:
        yield
    except OSError as error:
        raise damaged(where, error.strerror or str(error)) from None
    except zlib.error:
        raise damaged(where, "its compressed data are damaged") from None


def damaged(where: str, reason: str) -> ProjectError:
    """Return what to raise for an archive that breaks its format, or its own promises."""
    return ProjectError(
        f"cannot read {where}: {reason}",
        hint="build the archive again: it is damaged, or was changed while it was read",
    )


class _MemberReader(io.RawIOBase):
    """Inflates a member bit by bit, and checks size and CRC at the end."""

    def __init__(
        self, file: BinaryIO, member: ArchiveMember, *, owns_file: bool = True, chunk: int = _CHUNK
    ) -> None:
        super().__init__()
        self._file = file
        self._owns_file = owns_file
        self._chunk = chunk
        self._member = member
        self._packed_left = member.compressed_size
        self._left = member.size
        self._crc = 0
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == DEFLATED else None
        self._verified = False
        with mapped_errors(member.describe()):
            self._seek_data()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        with mapped_errors(self._member.describe()):
            wanted = min(len(buffer), self._left)
            data = self._next(wanted) if wanted else b""
            self._left -= len(data)
            self._crc = zlib.crc32(data, self._crc)
            buffer[: len(data)] = data
            if not self._left and not self._verified:
                self._verify()
        return len(data)

    def close(self) -> None:
        if self._owns_file and not self.closed:
            self._file.close()
        super().close()

    def _seek_data(self) -> None:
        """Skip the local header, whose lengths may differ from the directory's."""
        offset = self._member.offset
        self._file.seek(offset)
        header = self._file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size:
            raise damaged(self._member.describe(), "the archive ends before it")
        signature, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        if signature != _LOCAL_SIGNATURE:
            raise damaged(self._member.describe(), "it is not where the archive's directory says")
        self._file.seek(offset + _LOCAL_HEADER.size + name_length + extra_length)

    def _next(self, wanted: int) -> bytes:
        """Return between one and ``wanted`` bytes."""
        if self._inflater is None:
            data = self._packed(wanted)
            if not data:
                raise damaged(self._member.describe(), "the archive ends within it")
            return data
        while True:
            packed = self._inflater.unconsumed_tail or self._packed(self._chunk)
            # Even with no input left there may be output that did not fit in before.
            data = self._inflater.decompress(packed, wanted)
            if data:
                return data
            if self._inflater.eof or not packed:
                raise self._wrong_size()

    def _packed(self, most: int) -> bytes:
        data = self._file.read(min(most, self._packed_left))
        self._packed_left -= len(data)
        return data

    def _verify(self) -> None:
        inflater = self._inflater
        while inflater is not None and not inflater.eof:
            packed = inflater.unconsumed_tail or self._packed(self._chunk)
            if inflater.decompress(packed, 1) or not packed:
                raise self._wrong_size()
        if self._crc != self._member.crc:
            raise damaged(self._member.describe(), "its CRC-32 is not the one its archive states")
        self._verified = True

    def _wrong_size(self) -> ProjectError:
        return damaged(
            self._member.describe(),
            f"it does not have the {self._member.size} bytes that its archive states",
        )
