"""Checksums of Maven repositories: found in headers or in files beside a file, and compared."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from pyjib.maven_remote.problem import TransferError

IGNORE, WARN, FAIL = "ignore", "warn", "fail"

_LENGTHS = {"sha512": 128, "sha256": 64, "sha1": 40, "md5": 32}
_HEADERS = ("x-checksum-", "x-goog-meta-checksum-")
_BESIDE = ("sha1", "md5", "sha256", "sha512")  # Maven's order, then what newer tools write
_NAMED = re.compile(r".+= ?([0-9A-Fa-f]+)")
_CHUNK = 1 << 20


class Expected(NamedTuple):
    """A checksum that somebody states; ``name`` is that of its algorithm in ``hashlib``."""

    name: str
    value: str


def stated_in(headers: Mapping[str, str]) -> Expected | None:
    """Return the strongest checksum that came with the file itself."""
    for name, length in _LENGTHS.items():
        for prefix in _HEADERS:
            value = headers.get(prefix + name, "").strip().lower()
            if len(value) == length and re.fullmatch(r"[0-9a-f]+", value):
                return Expected(name, value)
    return None


def stated_beside(read: Callable[[str], bytes | None]) -> Expected | None:
    """Return the first checksum that a file beside states; ``read`` gets it by its suffix."""
    for name in _BESIDE:
        data = read(f".{name}")
        value = _parse(data) if data is not None else ""
        if len(value) == _LENGTHS[name]:
            return Expected(name, value)
    return None


def require(path: Path, expected: Expected) -> None:
    """Raise ``TransferError`` if a file has another checksum than is expected."""
    actual = digest_of(path, expected.name)
    if actual != expected.value:
        raise TransferError(
            f"Checksum validation failed, expected {expected.value} ({expected.name}) but is "
            f"{actual}",
            hint="the repository holds a damaged file, or a proxy changed it on the way: tell "
            "whoever runs it; nothing was kept",
        )


def digest_of(path: Path, name: str) -> str:
    """Return a file's checksum."""
    digest = hashlib.new(name, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _parse(data: bytes) -> str:
    """Return what ``HEX``, ``HEX  FILE`` or ``SHA1(FILE)= HEX`` states; nothing for the rest."""
    lines = (line.strip() for line in data.decode("utf-8", errors="replace").splitlines())
    text = next(filter(None, lines), "")
    named = _NAMED.fullmatch(text)
    value = (named[1] if named else text.partition(" ")[0]).lower()
    return value if re.fullmatch(r"[0-9a-f]+", value) else ""
