"""Layer entries and file sources for tests of packing."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from pyjib.oci.instant import Instant
from pyjib.plan.model import LayerEntry
from pyjib.project.model import InlineFile


def file_entry(
    target: str,
    content: bytes = b"",
    *,
    mode: int = 0o644,
    mtime: str | int = 1,
    owner: str = "",
) -> LayerEntry:
    """Return an entry for bytes in memory; ``mtime`` is ISO 8601 text, or seconds."""
    return LayerEntry(
        target=target, source=InlineFile(content), mode=mode, mtime=_instant(mtime), owner=owner
    )


def directory_entry(
    target: str, *, mode: int = 0o755, mtime: str | int = 1, owner: str = ""
) -> LayerEntry:
    return LayerEntry(target=target, mode=mode, mtime=_instant(mtime), owner=owner)


def _instant(mtime: str | int) -> Instant:
    return Instant.parse(mtime) if isinstance(mtime, str) else Instant.of_seconds(mtime)


TRICKY_ENTRIES = (
    directory_entry("/app", mode=0o711, owner="app:users"),
    file_entry("/app/grüße.txt", b"x", mtime="2020-01-02T03:04:05.678Z", owner="1000:1001"),
    file_entry("/app/five-milliseconds", b"", mtime="2020-01-02T03:04:05.005Z"),
    file_entry("/app/nanosecond", b"n", mtime="1970-01-01T00:00:00.000000001Z"),
    file_entry("/app/before-epoch", b"-", mtime="1960-01-02T03:04:05.5Z"),
    file_entry("/app/just-before-epoch", b"-", mtime="1969-12-31T23:59:59.999Z"),
    file_entry("/app/far-future", b"+", mtime=0o77777777777 + 1),
    file_entry("/app/last-octal-second", b"+", mtime=0o77777777777),
    file_entry("/app/" + "a" * 94, b"99", mode=0o600),
    file_entry("/app/" + "b" * 96, b"100", mode=0o755),
    file_entry("/app/" + "名" * 40 + ".txt", b"more", owner="u" * 40 + ":ö" + "g" * 40),
    file_entry("/app/back\\slash", b"y" * 512, owner=":7"),
    file_entry("/app/owner-negative", b"z" * 513, owner="-5:+7"),
    file_entry("/app/owner-large", b"", owner="2097152:2097151"),
    file_entry("/app/owner-huge", b"", owner="9223372036854775807:9223372036854775808"),
    directory_entry("/var/lib/" + "d" * 120, mode=0o700, mtime="2001-02-03T04:05:06.123456789Z"),
)
"""Entries at which tar writers differ; see ``tests/layer/test_tar.py``."""


@dataclass
class KnownFile:
    """A file with a fingerprint that says it changed long ago; counts how often it is opened."""

    path: str
    content: bytes
    version: int = 1
    opened: int = field(default=0, compare=False)

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> BinaryIO:
        self.opened += 1
        return io.BytesIO(self.content)

    def fingerprint(self) -> str:
        return f"{self.path}\0{len(self.content)}\0{self.version}\0{self.version}\0{self.version}"

    def describe(self) -> str:
        return self.path


@dataclass
class LargeFile:
    """A file of any size that takes no memory and no disk; every MiB of it differs."""

    size: int

    def open(self) -> BinaryIO:
        return cast(BinaryIO, _Large(self.size))

    def fingerprint(self) -> None:
        return None

    def describe(self) -> str:
        return "a large file"


class _Large(io.RawIOBase):
    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        count = min(self._left, size if size >= 0 else 1 << 20)
        data = (b"%015d\n" % self._left * (count // 16 + 1))[:count]
        self._left -= count
        return data
