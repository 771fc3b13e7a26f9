"""Blobs: whether a repository has one, and downloads that survive a cut connection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyjib.errors import ContentError, NotFoundError, SizeMismatchError, TransportError
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.reference import Reference
from pyjib.patterns import late
from pyjib.registry.login.scope import Scopes
from pyjib.registry.net.message import PATIENCE, Call
from pyjib.registry.net.retry import CUT, Passing
from pyjib.registry.refusal import MAX_ERROR
from pyjib.registry.session import Session

if TYPE_CHECKING:
    from pyjib.registry.net.wire import Answer

_CONTENT_RANGE = late(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)
_PROGRESS = 1024 * 1024
_PATIENCE = PATIENCE
_DAMAGED = "check the registry, and mirrors and proxies in front of it"
_LOST = (
    "a manifest names this blob, and the registry does not have it: it was lost or deleted there, "
    "or a proxy in front of it does not pass it on; push that image there again, or take another "
    "tag of it"
)


def head(session: Session, name: Reference, digest: Digest, scopes: Scopes) -> int | None:
    """Return a blob's size in bytes, ``None`` if the repository has it not or will not say."""
    call = Call(
        action=f"look up blob {digest} in {name.name}",
        registry=name.registry,
        method="HEAD",
        target=f"/v2/{name.repository}/blobs/{digest}",
        scopes=scopes,
        accepted=frozenset({200, 403, 404, 405}),
    )
    reply = session.ask(call)
    size = reply.headers.get("content-length", "")
    return int(size[:19]) if reply.status == 200 and size.isdecimal() else None


def part(
    session: Session,
    name: Reference,
    descriptor: Descriptor,
    start: int,
    count: int,
    scopes: Scopes,
) -> bytes | None:
    """Return ``count`` bytes of a blob from ``start`` on, not verified.

    ``None`` unless the repository has the blob, of the described size, and serves ranges.
    """
    end = start + count - 1
    call = Call(
        action=f"look into blob {descriptor.digest} of {name.name}",
        registry=name.registry,
        target=f"/v2/{name.repository}/blobs/{descriptor.digest}",
        scopes=scopes,
        headers={"Range": f"bytes={start}-{end}"},
        accepted=frozenset({200, 206, 404, 416}),
    )
    try:
        reply = session.ask(call, max(count, MAX_ERROR))
    except ContentError:
        return None  # all of it came, or more than was asked for
    stated = f"bytes {start}-{end}/{descriptor.size}"
    if reply.status != 206 or reply.headers.get("content-range", "").strip() != stated:
        return None
    return reply.data if len(reply.data) == count else None


def chunks(
    session: Session, name: Reference, descriptor: Descriptor, scopes: Scopes
) -> Iterator[bytes]:
    """Yield a blob's bytes as stored; a broken download goes on where it broke.

    Whoever takes them compares them with the digest. Raises ``SizeMismatchError`` as soon as
    there is a byte too many, and where the server has less, ``TransportError`` when nothing more
    comes.
    """
    download = _Download(session, name, descriptor, scopes)
    while download.done < descriptor.size:
        try:
            yield from download.part()
        except Passing as failure:
            download.broke(failure)
        except NotFoundError as error:
            error.advise(_LOST)
            raise


class _Download:
    """How far a download has come, and whether ranges are any use with this server."""

    def __init__(
        self, session: Session, name: Reference, descriptor: Descriptor, scopes: Scopes
    ) -> None:
        self.done = 0
        self._session = session
        self._size = descriptor.size
        self._what = f"blob {descriptor.digest} from {name.name}"
        self._call = Call(
            action=f"get {self._what}",
            registry=name.registry,
            target=f"/v2/{name.repository}/blobs/{descriptor.digest}",
            scopes=scopes,
            patience=_PATIENCE,
        )
        self._ranges = True
        self._attempts = session.attempts(self._call)
        self._mark = 0
        self._whole: int | None = None

    def part(self) -> Iterator[bytes]:
        """Yield what one request brings of the bytes that are missing."""
        answer = self._session.open(self._ranged())
        try:
            skip, got = self._skip(answer), 0
            for chunk in answer.chunks():
                self._session.cancellation.check()
                got += len(chunk)
                fresh = chunk[skip:]
                skip = max(0, skip - len(chunk))
                self.done += len(fresh)
                if self.done > self._size:
                    raise SizeMismatchError(
                        f"{self._what} has more bytes than the {self._size} it should have",
                        hint=_DAMAGED,
                    )
                if fresh:
                    yield fresh
        finally:
            answer.close()
        if self.done < self._size:
            raise self._ended_early(answer, got)

    def _ended_early(self, answer: Answer, got: int) -> Passing:
        """Return the failure for an answer that ended early; raises the second time it is whole.

        A proxy may cut a body and count it anew: the first time, the rest is asked for.
        """
        if answer.status == 200 and {"content-length", "transfer-encoding"} & set(answer.headers):
            if self._whole == got:
                raise self._short()
            self._whole = got
        message = f"it ended after {self.done} of {self._size} bytes"
        return Passing(TransportError(message, hint=CUT))

    def _short(self) -> SizeMismatchError:
        return SizeMismatchError(
            f"cannot get {self._what}: it has {self._whole} bytes there, and should have "
            f"{self._size}",
            hint=_DAMAGED,
        )

    def broke(self, failure: Passing) -> None:
        """Wait before going on; raises when it broke too often without getting anywhere."""
        if self.done >= self._size:
            return
        if self.done - self._mark >= _PROGRESS:
            self._attempts.got_on()
        self._mark = self.done
        self._attempts.again(failure)

    def _ranged(self) -> Call:
        if not self.done or not self._ranges:
            return self._call
        return Call(
            action=self._call.action,
            registry=self._call.registry,
            target=self._call.target,
            scopes=self._call.scopes,
            headers={"Range": f"bytes={self.done}-"},
            accepted=frozenset({200, 206, 416}),
            patience=_PATIENCE,
        )

    def _skip(self, answer: Answer) -> int:
        """Return how many bytes of this answer are here already."""
        if answer.status == 200:
            return self.done
        if answer.status == 416 and self._whole == self.done:
            raise self._short()
        match = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        fits = match is not None and int(match[1]) == self.done
        if match is None or not fits or match[3] not in ("*", str(self._size)):
            self._ranges = False
            message = f"it cannot be had from byte {self.done} on"
            raise Passing(TransportError(message, hint=_DAMAGED))
        return 0
