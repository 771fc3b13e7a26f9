"""Uploading in chunks, in order, from where the registry says that it is.

Nobody's account but the registry's counts: after each answer, and after each broken connection,
the next chunk begins where its ``Range`` ends. One that stands still is given up.
"""

from __future__ import annotations

from pyjib.errors import RegistryError, TransportError, UnauthorizedError
from pyjib.registry.calls.ladder import Manners, RefusedError
from pyjib.registry.calls.upload_body import BlobBody
from pyjib.registry.calls.upload_session import UploadSession, received
from pyjib.registry.net.message import Call, Reply
from pyjib.registry.net.retry import Passing
from pyjib.registry.session import Session

STANDSTILLS = 3
"""So many chunks without any progress are enough."""


class ChunkedUpload:
    """Sends a blob's bytes to a session; whoever calls makes them a blob."""

    def __init__(
        self,
        session: Session,
        start: Call,
        upload: UploadSession,
        body: BlobBody,
        manners: Manners,
    ) -> None:
        self._session = session
        self._start = start
        self._upload = upload
        self._body = body
        self._manners = manners
        self._furthest = 0
        self._attempts = session.attempts(start)
        self._renewed_at = -1

    def send(self, size: int) -> None:
        """Send ``size`` bytes.

        Raises ``RefusedError`` where the registry does not keep them, ``Passing`` where a new
        session may do better, and ``RegistryError`` for other answers that mean no.
        """
        at = standstills = 0
        while at < size:
            end = min(at + self._manners.chunk, size)
            at = self._chunk(at, end)
            if at > end:
                raise self._refused(f"claims to have {at} bytes of {end} sent")
            if at > self._furthest:
                self._furthest, standstills = at, 0
                self._attempts.got_on()
                continue
            standstills += 1
            if standstills >= STANDSTILLS:
                raise self._refused(f"stays at {at} of {size} bytes")

    def _chunk(self, at: int, end: int) -> int:
        """Send a chunk once, and return how many bytes the registry has then."""
        try:
            reply = self._upload.patch(self._body.part(at, end), at)
        except Passing as failure:
            self._attempts.again(failure)
            return self._asked(failure)
        except UnauthorizedError as error:
            if self._renewed_at == at:
                raise
            self._renewed_at = at
            return self._asked(Passing(error))
        except RegistryError as error:
            if error.status == 413 and self._manners.shrink(end - at):
                return self._chunk(at, min(end, at + self._manners.chunk))
            raise
        return self._place(reply, at, end)

    def _place(self, reply: Reply, at: int, end: int) -> int:
        got = received(reply.headers)
        if reply.status != 416:
            return end if got is None or end == 1 else got
        if got is None:
            got = self._upload.status()
        if got is None:
            raise self._refused("does not say where to go on")
        if got == at:
            self._manners.shrink(end - at)
        return got

    def _asked(self, failure: Passing) -> int:
        got = self._upload.status()
        if got is None:
            raise failure
        return got

    def _refused(self, what: str) -> RefusedError:
        message = f"cannot {self._start.action} in chunks: {self._start.registry} {what}"
        return RefusedError(TransportError(message))
