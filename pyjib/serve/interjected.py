"""A request's body in whose middle something happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pyjib.serve.message import Body, BodyInterrupted, Response


class Interjected(BodyInterrupted):
    """The body will not be read to its end, for ``response`` is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__("answered on purpose")
        self.response = response


class WatchedBody:
    """Hands on ``count`` bytes of a body, then calls ``act``, then goes on.

    ``act`` may hang up by raising ``BodyInterrupted``, or return the answer to give at once. It
    is not called for a body that is shorter.
    """

    def __init__(self, body: Body, count: int, act: Callable[[], Response | None]) -> None:
        self._body = body
        self._count = count
        self._act = act

    @property
    def length(self) -> int | None:
        """The bytes announced."""
        return self._body.length

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes as they come."""
        left: int | None = self._count
        for chunk in self._body.chunks():
            if left is None or len(chunk) < left:
                left = None if left is None else left - len(chunk)
                yield chunk
                continue
            yield chunk[:left]
            response = self._act()
            if response is not None:
                raise Interjected(response)
            yield chunk[left:]
            left = None


class Replayed:
    """A body that has been read already."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def length(self) -> int | None:
        """How many bytes there are."""
        return len(self._data)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes."""
        if self._data:
            yield self._data
