"""Blobs on their way in, and the sessions that take several requests for one."""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pyjib.oci.digest import Digest, Hash
from pyjib.serve.message import Body, BodyInterrupted, Code, Refusal
from pyjib.serve.rules import Limits
from pyjib.serve.storage import Staging, Storage

_PATIENCE = 2.0
"""Seconds that a request waits for another one of the same session: a connection that broke may
not have been noticed when the client is back on a new one."""


class Upload:
    """One blob on its way in; hashes what passes. Used by one thread at a time."""

    def __init__(self, staging: Staging, algorithm: str, limit: int) -> None:
        self._staging = staging
        self._algorithm = algorithm
        self._hash: Hash = hashlib.new(algorithm)
        self._limit = limit

    @property
    def size(self) -> int:
        """How many bytes have come in."""
        return self._staging.size

    def receive(self, body: Body) -> None:
        """Take in a body. Raises ``BodyInterrupted``; what came before that is kept."""
        if self.size + (body.length or 0) > self._limit:
            raise self._too_large()
        self.take(body.chunks())

    def take(self, chunks: Iterable[bytes]) -> None:
        """Take in bytes from wherever they come."""
        for chunk in chunks:
            if self.size + len(chunk) > self._limit:
                raise self._too_large()
            self._staging.write(chunk)
            self._hash.update(chunk)

    def commit(self, digest: Digest) -> None:
        """Make it a blob; refused, and given up, if it is not the one that ``digest`` names."""
        try:
            if self._digest(digest.algorithm) != digest:
                message = f"the {self.size} bytes received do not have the digest {digest}"
                raise Refusal(400, Code.DIGEST_INVALID, message)
            self._staging.commit(digest)
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget what came in; does nothing after ``commit``."""
        self._staging.discard()

    def _digest(self, algorithm: str) -> Digest:
        state = self._hash
        if algorithm != self._algorithm:  # known only now: read it all once more
            state = hashlib.new(algorithm)
            content = self._staging.content()
            for chunk in content.chunks(0, content.size):
                state.update(chunk)
        return Digest(algorithm, state.hexdigest())

    def _too_large(self) -> Refusal:
        return Refusal(413, Code.SIZE_INVALID, f"a blob has at most {self._limit} bytes here")


class Session:
    """An upload with a name, for one repository."""

    def __init__(self, repository: str, upload: Upload) -> None:
        self.id = str(uuid.uuid4())
        self.repository = repository
        self.upload = upload
        self.lock = threading.Lock()
        self.used = time.monotonic()


class Uploads:
    """All sessions; safe for many threads."""

    def __init__(self, storage: Storage, limits: Limits) -> None:
        self._storage = storage
        self._limits = limits
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    @contextmanager
    def single(self, repository: str, algorithm: str) -> Iterator[Upload]:
        """Give an upload for one request; whatever is not committed at its end is forgotten."""
        upload = self._upload(repository, algorithm)
        try:
            yield upload
        finally:
            upload.discard()

    def begin(self, repository: str, algorithm: str) -> Session:
        """Open a session; refused with 429 while too many are open."""
        self._expire()
        with self._lock:  # counted and added in one step: many may come at once
            if len(self) >= self._limits.sessions:
                raise Refusal(
                    429,
                    Code.TOOMANYREQUESTS,
                    f"{self._limits.sessions} uploads are open; finish or cancel some",
                    headers=(("Retry-After", "5"),),
                )
            session = Session(repository, self._upload(repository, algorithm))
            self._sessions[session.id] = session
        return session

    def status(self, repository: str, session_id: str) -> Session:
        """Return an open session without waiting for its turn."""
        self._expire()
        session = self._sessions.get(session_id)
        if session is None or session.repository != repository:
            raise Refusal(404, Code.BLOB_UPLOAD_UNKNOWN, "there is no such upload")
        return session

    @contextmanager
    def using(self, repository: str, session_id: str) -> Iterator[Session]:
        """Give an open session to one request alone.

        The session survives an interrupted body, to be resumed; what is refused with 416 or
        for its form leaves it as it was; everything else that goes wrong ends it.
        """
        session = self.status(repository, session_id)
        if not session.lock.acquire(timeout=_PATIENCE):
            raise Refusal(409, Code.BLOB_UPLOAD_INVALID, "another request uses this upload")
        try:
            self.status(repository, session_id)  # it may have ended while we waited
            yield session
        except BodyInterrupted:
            raise
        except BaseException as error:
            if not (isinstance(error, Refusal) and error.code is Code.BLOB_UPLOAD_INVALID):
                self.end(session)
            raise
        finally:
            session.used = time.monotonic()
            session.lock.release()

    def end(self, session: Session) -> None:
        """Close a session that the caller uses, and forget what was not committed."""
        with self._lock:
            self._sessions.pop(session.id, None)
        session.upload.discard()

    def close(self) -> None:
        """Close all sessions."""
        for session in list(self._sessions.values()):
            self.end(session)

    def _upload(self, repository: str, algorithm: str) -> Upload:
        return Upload(self._storage.stage(repository), algorithm, self._limits.upload)

    def _expire(self) -> None:
        oldest = time.monotonic() - self._limits.session_idle
        with self._lock:
            idle = [one for one in self._sessions.values() if one.used < oldest]
        for session in idle:
            if session.lock.acquire(blocking=False):
                self.end(session)
                session.lock.release()
