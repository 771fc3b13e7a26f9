"""Sending a blob by one way after another until one of them works.

A broken connection, a lost session and a server in trouble lead to a new session, a refusal to
another way. Nothing is taken for lost before the registry was asked whether it has the blob.
"""

from __future__ import annotations

from collections.abc import Callable

from pyjib.errors import (
    CancelledError,
    PyjibError,
    RateLimitedError,
    RegistryError,
    TransportError,
    UnauthorizedError,
)
from pyjib.oci.blob import Blob
from pyjib.registry.calls.chunks import ChunkedUpload
from pyjib.registry.calls.ladder import Climb, Manners, RefusedError, Way
from pyjib.registry.calls.upload_body import BlobBody
from pyjib.registry.calls.upload_session import UploadSession, check_stored
from pyjib.registry.net.message import NOTHING, Call, Reply
from pyjib.registry.net.retry import Passing
from pyjib.registry.session import Session

SESSIONS = 3
_SESSION_GONE = frozenset({404, 416})
_NO_SUCH_WAY = frozenset({405, 411, 413, 501, 505, 507})
_NO_PATCH = frozenset({400, 415, 416})
_ANOTHER_WAY = frozenset({404, *range(500, 600)})


class Sender:
    """Sends one blob. ``start`` begins a session; ``is_there`` asks whether the blob arrived."""

    def __init__(
        self,
        session: Session,
        start: Call,
        blob: Blob,
        manners: Manners,
        is_there: Callable[[], bool],
    ) -> None:
        self._session = session
        self._start = start
        self._digest = blob.descriptor.digest
        self._size = blob.descriptor.size
        self._body = BlobBody(session, blob)
        self._manners = manners
        self._is_there = is_there
        self._renewed = False

    def send(self, begun: UploadSession | None) -> None:
        """Send, in ``begun`` and then in new sessions.

        The first way is tried in up to ``SESSIONS`` of them, and where the registry answered
        each time that it cannot, those that are left in one more each. Raises the first
        failure.
        """
        try:
            self._climb(begun or self._begin())
        finally:
            self._body.close()

    def _climb(self, upload: UploadSession) -> None:
        climb, first = Climb(self._manners, self._size), None
        attempts = self._session.attempts(self._start, most=SESSIONS)
        while True:
            try:
                self._try(climb.way, upload)
            except RefusedError as refused:
                error, status = refused.error, refused.status
                attempts.next_way()
            except Passing as failure:
                if self._has_arrived(upload):  # the answer may have been lost, not the blob
                    return
                error, status = failure.error, _status(failure.error)
                if attempts.left > 1 or status not in _ANOTHER_WAY:
                    upload.cancel()
                    attempts.again(failure)
                    upload = self._begin()
                    continue
                attempts.made += 1
            except BaseException:
                upload.cancel()
                raise
            else:
                return
            upload.cancel()
            first = first or error
            if not climb.go_on(status):
                raise attempts.given_up(first) from None
            upload = self._begin()

    def _has_arrived(self, upload: UploadSession) -> bool:
        try:
            return self._is_there()
        except BaseException:
            upload.cancel()
            raise

    def _begin(self) -> UploadSession:
        reply = self._session.ask(self._start)
        self._manners.read_least(reply.headers)
        return UploadSession(self._session, self._start, reply)

    def _try(self, way: Way, upload: UploadSession) -> None:
        """Send by one way; raises ``RefusedError``, ``Passing`` or what no way would change."""
        try:
            if way is Way.WHOLE:
                reply = upload.put(self._body.part(0, self._size), self._digest)
            else:
                self._fill(way, upload)
                reply = upload.put(NOTHING, self._digest)
        except UnauthorizedError as error:
            # The login ended while the body was under way; it has been renewed by now.
            if self._renewed:
                raise
            self._renewed = True
            reply = self._commit_rest(upload, error)
        except RateLimitedError:
            raise
        except RegistryError as error:
            if error.status in _SESSION_GONE:
                raise upload.lost(error) from None
            if error.status in _NO_SUCH_WAY:
                raise RefusedError(error, error.status) from None
            raise
        check_stored(self._start.registry, self._digest, reply)

    def _fill(self, way: Way, upload: UploadSession) -> None:
        """Give a session all bytes by PATCH."""
        try:
            if way is Way.STREAM:
                self._stream(upload)
            else:
                ChunkedUpload(self._session, self._start, upload, self._body, self._manners).send(
                    self._size
                )
        except RegistryError as error:
            if error.status in _NO_PATCH:
                raise RefusedError(error, error.status) from None
            raise

    def _stream(self, upload: UploadSession) -> None:
        reply = upload.patch(self._body.part(0, self._size))
        if not upload.keeps_all(reply, self._size):
            message = f"{self._start.registry} did not keep all of its {self._size} bytes"
            raise RefusedError(TransportError(f"cannot {self._start.action}: {message}"))

    def _commit_rest(self, upload: UploadSession, error: UnauthorizedError) -> Reply:
        """Finish a session that has received everything; raises ``Passing`` if it has not."""
        try:
            if upload.status() == self._size:
                return upload.put(NOTHING, self._digest)
        except CancelledError:
            raise
        except (Passing, PyjibError):
            pass
        raise Passing(error)


def _status(error: PyjibError) -> int | None:
    return error.status if isinstance(error, RegistryError) else None
