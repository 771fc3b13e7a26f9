"""The directory of a jar or war: what is in it, by the ZIP format (PKWARE's APPNOTE).

Own code instead of ``zipfile``: members must keep their place in the file so that each opens by
one seek, names are read as Java reads them, and bounds are checked before memory is spent.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from pyjib.errors import ProjectError
from pyjib.frozen import frozen
from pyjib.project.archive_member import (
    DEFLATED,
    STORED,
    ArchiveMember,
    damaged,
    mapped_errors,
    open_archive,
)
from pyjib.project.model import ProjectFile, by_path

MAX_MEMBERS = 1_000_000
MAX_SIZE = 10 << 30
"""What all members may take together, uncompressed, in bytes."""
MAX_RATIO = 1000
"""How many times its own size an archive may grow; deflate itself ends at 1,032."""
HARMLESS_SIZE = 10 << 20
"""Up to this many bytes the ratio does not matter."""

_MAX_DIRECTORY = 256 << 20
_MAX_IMPLIED = 16 << 20  # letters in the names of directories that names of members imply
_END = struct.Struct("<4s6xHLLH")  # APPNOTE 4.3.16
_END_SIGNATURE = b"PK\x05\x06"
_LOCATOR = struct.Struct("<4s4xQ4x")  # 4.3.15
_LOCATOR_SIGNATURE = b"PK\x06\x07"
_END64 = struct.Struct("<4s28xQQQ")  # 4.3.14
_END64_SIGNATURE = b"PK\x06\x06"
_HEADER = struct.Struct("<4s4xHH4xLLLHHH8xL")  # 4.3.12
_HEADER_SIGNATURE = b"PK\x01\x02"
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_UNKNOWN16 = 0xFFFF
_UNKNOWN32 = 0xFFFFFFFF


@frozen
class Archive:
    """What a jar or war holds.

    ``members`` are its files by name, in the order of its directory; ``directories`` those
    that it lists and those that a member's name implies.
    """

    path: Path
    members: Mapping[str, ArchiveMember]
    directories: frozenset[str]

    def read(self, name: str, limit: int = 16 << 20) -> bytes | None:
        """Return a member's bytes, ``None`` if there is no such member.

        Raises ``ProjectError`` if it is damaged or larger than ``limit`` bytes.
        """
        member = self.members.get(name)
        if member is None:
            return None
        if member.size > limit:
            raise ProjectError(f"cannot read {member.describe()}: {member.size} bytes are too many")
        with member.open() as file:
            return file.read()

    def files_below(self, prefix: str = "") -> tuple[ProjectFile, ...]:
        """Return files and directories below ``prefix`` (empty, or ends in a slash), sorted.

        Paths are relative to it. Raises ``ProjectError`` where one name is both a file and a
        directory, which no file system can hold.
        """
        start = len(prefix)
        inside = (name for name in self.members if name.startswith(prefix))
        both = next((name for name in inside if name in self.directories), None)
        if both is not None:
            raise damaged(str(self.path), f"{both!r} is both a file and a directory in it")
        files = [
            ProjectFile(path=name[start:], source=member)
            for name, member in self.members.items()
            if name.startswith(prefix)
        ]
        directories = [
            ProjectFile(path=name[start:])
            for name in self.directories
            if name.startswith(prefix) and len(name) > start
        ]
        return by_path([*files, *directories])


def read_archive(path: Path) -> Archive:
    """Read the directory of the jar or war at ``path``.

    Of two members of one name the last counts, as in Java. Raises ``ProjectError`` if the file
    is no archive, is cut off or damaged, has encrypted members, other methods than stored and
    deflated, names that lead out of it, or would grow beyond all measure.
    """
    with open_archive(path) as file, mapped_errors(str(path)):
        size = file.seek(0, 2)
        place = _find_directory(file, size, path)
        file.seek(place.start)
        directory = file.read(place.size)
    members: dict[str, ArchiveMember] = {}
    directories: set[str] = set()
    for name, member in _read_headers(directory, place, path):
        if name.endswith("/"):
            directories.add(member.name)
        else:
            members[member.name] = member
    directories.update(_implied(set(members) | directories, path))
    directories.discard("")
    _refuse_bomb(members, size, path)
    return Archive(path=path, members=MappingProxyType(members), directories=frozenset(directories))


@frozen
class _Place:
    """Where the central directory is. ``prefix`` counts bytes put before the archive."""

    start: int
    size: int
    entries: int
    prefix: int


def _find_directory(file: BinaryIO, size: int, path: Path) -> _Place:
    # The record stands at the end, followed by a comment of at most 65,535 bytes.
    tail_start = max(0, size - _END.size - 0xFFFF)
    file.seek(tail_start)
    tail = file.read()
    position = len(tail)
    while (position := tail.rfind(_END_SIGNATURE, 0, position)) >= 0:
        if len(tail) - position < _END.size:
            continue
        _, entries, length, offset, comment = _END.unpack_from(tail, position)
        end = tail_start + position
        behind = len(tail) - position - _END.size - comment
        if behind < 0:
            continue
        if entries == _UNKNOWN16 or _UNKNOWN32 in (length, offset):
            end, entries, length, offset = _wide_end(file, end, (entries, length, offset))
        start = end - length
        prefix = start - offset
        # Nothing but its place tells an empty archive from such bytes in a comment.
        is_found = _is_header(file, start) if length else not behind
        if start >= 0 and prefix >= 0 and is_found:
            return _checked(_Place(start=start, size=length, entries=entries, prefix=prefix), path)
    raise ProjectError(
        f"cannot read {path}: it is not a jar or war, or its end is missing",
        hint="build or download it again, and name the file that the build tool wrote",
    )


def _wide_end(file: BinaryIO, end: int, narrow: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Read the ZIP64 record, if there is one, whose numbers have 64 bits."""
    file.seek(max(0, end - _LOCATOR.size))
    locator = file.read(_LOCATOR.size)
    if len(locator) == _LOCATOR.size and locator.startswith(_LOCATOR_SIGNATURE):
        # Bytes before the archive move the record away from where the locator says.
        for place in (_LOCATOR.unpack(locator)[1], end - _LOCATOR.size - 56):
            if not 0 <= place < end:
                continue
            file.seek(place)
            record = file.read(_END64.size)
            if len(record) == _END64.size and record.startswith(_END64_SIGNATURE):
                _, entries, length, offset = _END64.unpack(record)
                return place, entries, length, offset
    return end, *narrow


def _is_header(file: BinaryIO, start: int) -> bool:
    file.seek(max(0, start))
    return file.read(4) == _HEADER_SIGNATURE


def _checked(place: _Place, path: Path) -> _Place:
    if place.entries > MAX_MEMBERS or place.size > _MAX_DIRECTORY:
        raise _too_many(place.entries, path)
    return place


def _read_headers(
    directory: bytes, place: _Place, path: Path
) -> Iterator[tuple[str, ArchiveMember]]:
    """Yield each entry with its name as it stands there.

    To the end of the directory, as Java does: tools that know no ZIP64 write how many entries
    there are in 16 bits, whatever does not fit in left out.
    """
    position = entries = 0
    while position < len(directory) or entries < place.entries:
        entries += 1
        if entries > MAX_MEMBERS:
            raise _too_many(entries, path)
        if len(directory) - position < _HEADER.size:
            raise damaged(str(path), "its directory ends too early")
        (signature, flags, method, crc, packed, size, *lengths, offset) = _HEADER.unpack_from(
            directory, position
        )
        if signature != _HEADER_SIGNATURE:
            raise damaged(str(path), "its directory is damaged")
        name_end = position + _HEADER.size + lengths[0]
        raw = directory[position + _HEADER.size : name_end]
        extra = directory[name_end : name_end + lengths[1]]
        position += _HEADER.size + sum(lengths)
        if position > len(directory):
            raise damaged(str(path), "its directory ends too early")
        if _UNKNOWN32 in (size, packed, offset):
            size, packed, offset = _wide_numbers(extra, (size, packed, offset))
        name = _checked_name(raw, path)
        member = ArchiveMember(
            path, _normalised(name), size, crc, method, packed, place.prefix + offset
        )
        if flags & _ENCRYPTED:
            raise ProjectError(
                f"cannot read {member.describe()}: it is encrypted",
                hint="Java cannot read encrypted archives either: build it without a password",
            )
        if not name.endswith("/"):
            _check_numbers(member, place)
        yield name, member


def _wide_numbers(extra: bytes, numbers: tuple[int, int, int]) -> tuple[int, int, int]:
    """Replace the numbers that do not fit in 32 bits by those of the ZIP64 field (4.5.3)."""
    while len(extra) >= 4:
        identifier, length = struct.unpack_from("<HH", extra)
        if identifier == 1:
            values = extra[4 : 4 + length]
            wide = iter(struct.unpack_from(f"<{len(values) // 8}Q", values))
            size, packed, offset = (
                next(wide, number) if number == _UNKNOWN32 else number for number in numbers
            )
            return size, packed, offset
        extra = extra[4 + length :]
    return numbers


def _checked_name(raw: bytes, path: Path) -> str:
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise _bad_name(path, repr(raw), "is not UTF-8") from None
    if "\0" in name or "\\" in name:
        raise _bad_name(path, repr(name), "has a backslash or a zero byte")
    if name.startswith("/") or ".." in name.split("/"):
        raise _bad_name(path, repr(name), "leads out of the archive")
    return name


def _normalised(name: str) -> str:
    if "//" not in name and "./" not in name and not name.endswith(("/", ".")):
        return name
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _check_numbers(member: ArchiveMember, place: _Place) -> None:
    if member.method not in (STORED, DEFLATED):
        raise ProjectError(
            f"cannot read {member.describe()}: compression method {member.method} is unknown",
            hint="Java reads stored and deflated members only: build the archive with those",
        )
    if member.method == STORED and member.size != member.compressed_size:
        raise damaged(member.describe(), "its two sizes differ, and it is not compressed")
    if member.offset + member.compressed_size > place.start or not member.name:
        raise damaged(member.describe(), "it does not lie within the archive")


def _implied(names: set[str], path: Path) -> set[str]:
    found: set[str] = set()
    size = 0
    for name in names:
        parent = name.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            size += len(parent)
            if size > _MAX_IMPLIED:
                raise _bomb(path, "its names lead through too many directories")
            parent = parent.rpartition("/")[0]
    return found


def _refuse_bomb(members: Mapping[str, ArchiveMember], size: int, path: Path) -> None:
    total = sum(member.size for member in members.values())
    if total > MAX_SIZE or total > max(HARMLESS_SIZE, size * MAX_RATIO):
        raise _bomb(path, f"its {size} bytes would grow to {total}")


def _too_many(members: int, path: Path) -> ProjectError:
    return _bomb(path, f"{members} members are more than the {MAX_MEMBERS} allowed")


def _bomb(path: Path, reason: str) -> ProjectError:
    return ProjectError(
        f"refusing to read {path}: {reason}",
        hint="look at what is in the archive: no honest application is packed like this",
    )


def _bad_name(path: Path, name: str, reason: str) -> ProjectError:
    return ProjectError(
        f"refusing to read {path}: the member name {name} {reason}",
        hint="build the archive again with jar, Maven or Gradle, which write no such names",
    )
