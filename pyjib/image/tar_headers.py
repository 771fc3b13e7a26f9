"""``tarfile`` with other people's tars: memory is bounded, and what goes wrong has one name."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from pyjib.errors import ContentError

LONGEST_HEADER = 1 << 20
"""The largest header in bytes that is read; ``tarfile`` itself takes any, at once."""
MOST_ENTRIES = 1_000_000
"""The most entries that a tar may have."""


def check_header_size(size: int) -> None:
    """Raise ``ContentError`` where ``tarfile`` asks for a header that is too large to be one."""
    if size > LONGEST_HEADER:
        raise ContentError(f"the tar has an extended header of {size} bytes")


@contextmanager
def tar_errors(describe: Callable[[object], ContentError]) -> Iterator[None]:
    """Raise what ``describe`` makes of a reason for whatever ``tarfile`` complains by."""
    try:
        yield
    except RecursionError:  # one call for each of the extended headers that follow each other
        raise describe("too many extended headers for one entry") from None
    except (tarfile.TarError, OSError, ValueError, EOFError, IndexError, KeyError) as error:
        raise describe(error) from None


def entries(source: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """Yield a plain tar's entries one by one, and keep none.

    Raises ``ContentError`` for headers beyond measure, sizes below nothing and more than
    ``MOST_ENTRIES``, and whatever ``tarfile`` does.
    """
    place, count = -1, 0
    with tarfile.open(fileobj=cast(BinaryIO, _Headers(source)), mode="r:") as tar:
        while (entry := tar.next()) is not None:
            # What leads back to itself, by a size below nothing, would be read for ever.
            if entry.size < 0 or entry.offset <= place:
                raise ContentError("the tar has an entry of negative size")
            place, count = entry.offset, count + 1
            if count > MOST_ENTRIES:
                raise ContentError(f"the tar has more than {MOST_ENTRIES} entries")
            yield entry
            # Or it keeps an object for every entry.
            tar.members = []  # type: ignore[attr-defined]


class _Headers:
    """A file as far as ``tarfile`` needs it for headers: each read is one."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.tell, self.seek = source.tell, source.seek

    def read(self, size: int) -> bytes:
        check_header_size(size)
        return self._source.read(size)
