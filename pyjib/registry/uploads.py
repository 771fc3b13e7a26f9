"""Pushing a blob: look, then link from another repository, then send.

An upload is POST, then one PUT of the whole blob with its length: the form that works on all
registries alike, and the only one that can start over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from pyjib.errors import (
    DigestMismatchError,
    PyjibError,
    RateLimitedError,
    RegistryError,
    TransportError,
    UnauthorizedError,
)
from pyjib.events import (
    BlobMounted,
    BlobPresent,
    Direction,
    TransferFinished,
    TransferProgress,
    TransferStarted,
)
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.reference import Reference
from pyjib.registry import blobs
from pyjib.registry.message import NOTHING, Body, Call, Reply
from pyjib.registry.retry import PASSING_STATUSES, Passing
from pyjib.registry.scope import Scopes
from pyjib.registry.session import Session
from pyjib.registry.urls import Url

CHUNK = 256 * 1024
SESSIONS = 3
_COMMIT_PATIENCE = 300.0
_CANCEL_PATIENCE = 1.0
_CLIENT_ERRORS = frozenset(range(400, 500)) - PASSING_STATUSES
_SESSION_GONE = frozenset({404, 416})


class Outcome(StrEnum):
    """How a blob came to be in a repository."""

    PRESENT = "present"
    MOUNTED = "mounted"
    UPLOADED = "uploaded"


def push(session: Session, name: Reference, blob: Blob, scopes: Scopes) -> Outcome:
    """See to it that the repository has the blob; see ``RegistryClient.blob_push``."""
    upload = _Upload(session, name, blob, scopes)
    if upload.is_there():
        session.listener(
            BlobPresent(
                digest=str(blob.descriptor.digest), size=blob.descriptor.size, where=name.name
            )
        )
        return Outcome.PRESENT
    begun = None
    if can_mount(blob, name):
        mounted, begun = upload.mount()
        if mounted:
            return Outcome.MOUNTED
    upload.send(begun)
    return Outcome.UPLOADED


def can_mount(blob: Blob, name: Reference) -> bool:
    """Tell whether a blob's origin is another repository of the same registry."""
    origin = blob.origin
    return (
        origin is not None
        and origin.registry == name.registry
        and origin.repository != name.repository
    )


class _Upload:
    def __init__(self, session: Session, name: Reference, blob: Blob, scopes: Scopes) -> None:
        self._session = session
        self._name = name
        self._blob = blob
        self._digest = blob.descriptor.digest
        self._size = blob.descriptor.size
        self._call = Call(
            action=f"push blob {self._digest} to {name.name}",
            registry=name.registry,
            method="POST",
            target=f"/v2/{name.repository}/blobs/uploads/",
            scopes=scopes,
            body=NOTHING,
            accepted=frozenset({202}),
        )

    def is_there(self) -> bool:
        """Tell whether the repository has the blob, of the right size."""
        found = blobs.head(self._session, self._name, self._digest, self._call.scopes)
        return found == self._size

    def mount(self) -> tuple[bool, Url | None]:
        """Ask for a link from the blob's origin; a registry may begin an upload instead.

        Registries refuse with many statuses, a token server among them: all mean "upload".
        """
        origin = self._blob.origin
        source = origin.repository if origin else ""
        call = replace(
            self._call,
            target=f"{self._call.target}?mount={self._digest}&from={source}",
            accepted=frozenset({201, 202}) | _CLIENT_ERRORS,
        )
        try:
            reply = self._session.ask(call)
        except RateLimitedError:
            raise
        except RegistryError as error:
            if error.status in _CLIENT_ERRORS:
                return False, None
            raise
        if reply.status == 201:
            self._session.listener(
                BlobMounted(
                    digest=str(self._digest), size=self._size, source=source, where=self._name.name
                )
            )
            return True, None
        return False, self._location(reply) if reply.status == 202 else None

    def send(self, begun: Url | None) -> None:
        """Upload, in up to ``SESSIONS`` sessions; the first may have ``begun`` by a mount."""
        self._started()
        attempt = 1
        location = begun or self._begin()
        while True:
            try:
                self._put(location)
                break
            except Passing as failure:
                # The answer may have been lost, not the blob.
                if self.is_there():
                    break
                attempt += 1
                self._session.pause(self._call, attempt, failure, most=SESSIONS)
                location = self._begin()
            except BaseException:
                self._abandon(location)
                raise
        self._session.listener(
            TransferFinished(direction=Direction.PUSH, key=str(self._digest), size=self._size)
        )

    def _begin(self) -> Url:
        return self._location(self._session.ask(self._call))

    def _location(self, reply: Reply) -> Url:
        location = reply.headers.get("location")
        if not location:
            raise TransportError(
                f"cannot {self._call.action}: {self._name.registry} did not say where to",
                hint="check the registry's address, and the proxy in front of it",
            )
        return self._session.resolve(self._name.registry, reply.url, location)

    def _put(self, location: Url) -> None:
        """Send the whole blob once; raises ``Passing`` where a new session may do better."""
        body = Body(size=self._size, chunks=self._chunks)
        try:
            reply = self._session.once(self._put_call(location, body))
        except UnauthorizedError as error:
            # The login ended while the body was under way; it has been renewed by now.
            if self._commit(location):
                return
            raise Passing(error) from None
        except RateLimitedError:
            raise
        except RegistryError as error:
            if error.status in _SESSION_GONE:
                raise Passing(error) from None
            raise
        stored = reply.headers.get("docker-content-digest", "")
        if stored.startswith(f"{self._digest.algorithm}:") and stored != str(self._digest):
            raise DigestMismatchError(
                f"{self._name.registry} stored {stored} instead of {self._digest}",
                hint="something between here and the registry changes what is sent: check proxies",
            )

    def _commit(self, location: Url) -> bool:
        """Finish a session that has received everything; false if it has not."""
        status = replace(
            self._call, method="GET", url=location, body=None, accepted=frozenset({204, 202})
        )
        try:
            reply = self._session.once(status)
            if reply.headers.get("range", "") != f"0-{self._size - 1}":
                return False
            location = self._location(reply) if "location" in reply.headers else location
            self._session.once(self._put_call(location, NOTHING))
        except (Passing, PyjibError):
            return False
        return True

    def _put_call(self, location: Url, body: Body) -> Call:
        return replace(
            self._call,
            method="PUT",
            url=location.with_query(f"digest={self._digest}"),
            headers={"Content-Type": "application/octet-stream"},
            body=body,
            repeatable=False,
            accepted=frozenset({201, 204}),
            patience=_COMMIT_PATIENCE,
        )

    def _abandon(self, location: Url) -> None:
        """Free what the registry keeps of a broken session, if it cares to listen."""
        call = replace(
            self._call, method="DELETE", url=location, body=NOTHING, patience=_CANCEL_PATIENCE
        )
        with contextlib.suppress(Passing, PyjibError):
            self._session.last_word(call)

    def _started(self) -> None:
        kind = "config" if self._blob.descriptor.media_type in types.CONFIGS else "layer"
        self._session.listener(
            TransferStarted(
                direction=Direction.PUSH,
                key=str(self._digest),
                label=f"{kind} {self._digest.short}",
                total=self._size,
            )
        )

    def _chunks(self) -> Iterator[bytes]:
        """Yield the blob from its start; the last chunk only after all have proved right."""
        done, held = 0, b""
        with self._blob.open() as reader:
            while chunk := reader.read(CHUNK):
                self._session.cancellation.check()
                if held:
                    yield held
                held = chunk
                done += len(chunk)
                self._session.listener(
                    TransferProgress(direction=Direction.PUSH, key=str(self._digest), done=done)
                )
        if held:
            yield held
