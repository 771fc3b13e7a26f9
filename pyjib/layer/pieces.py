"""A layer's tar in pieces that depend on nothing but the files in them.

Pieces are hashed and compressed as they come. Where each is compressed on its own, a file of
``PIECE`` bytes or more has the same pieces whatever lies beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from pyjib.layer.tar import END, tar_chunks
from pyjib.plan.model import LayerEntry

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

Result = TypeVar("Result")

PIECE = 1 << 20
"""The bytes of the largest piece."""


def tar_pieces(
    entries: Iterable[LayerEntry], *, time_records: bool, check: Callable[[], None]
) -> Iterator[bytes]:
    """Yield a whole tar in pieces of at most ``PIECE`` bytes; see ``tar.tar_chunks``."""
    for group in _groups(entries):
        yield from _cut(tar_chunks(group, time_records=time_records, check=check))
    yield END


def in_order(
    work: Callable[[bytes], Result], pieces: Iterable[bytes], pool: Executor, *, ahead: int
) -> Iterator[Result]:
    """Yield the result of ``work`` for each piece, in their order, worked on by ``pool``.

    At most ``ahead`` pieces wait or are under way, which bounds the memory.
    """
    waiting: deque[Future[Result]] = deque()
    try:
        for piece in pieces:
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, piece))
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def ahead_of(
    look: Callable[[bytes], object], pieces: Iterable[bytes], pool: Executor
) -> Iterator[bytes]:
    """Yield the pieces, while ``pool``, of one thread, looks at each in their order.

    The last one has been looked at when the iteration ends.
    """
    looking: Future[object] | None = None
    for piece in pieces:
        if looking is not None:
            looking.result()
        looking = pool.submit(look, piece)
        yield piece
    if looking is not None:
        looking.result()


def _groups(entries: Iterable[LayerEntry]) -> Iterator[list[LayerEntry]]:
    """Yield entries that share pieces: a large file stands alone, small ones in runs."""
    run: list[LayerEntry] = []
    size = 0
    for entry in entries:
        own = 0 if entry.source is None else entry.source.size
        if own >= PIECE and run:
            yield run
            run, size = [], 0
        run.append(entry)
        size += own
        if size >= PIECE:
            yield run
            run, size = [], 0
    if run:
        yield run


def _cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    gathered: list[bytes] = []
    room = PIECE
    for chunk in chunks:
        rest = chunk
        while len(rest) >= room:
            yield b"".join([*gathered, rest[:room]])
            rest = rest[room:]
            gathered, room = [], PIECE
        if rest:
            gathered.append(rest)
            room -= len(rest)
    if gathered:
        yield b"".join(gathered)
