"""Pushing a blob: look, then link from another repository, then send.

An upload is POST, then one PUT of the whole blob with its length: the form that works on nearly
all registries alike. What refuses it is met on the next rung of the ``ladder``.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from pyjib.errors import RateLimitedError, RegistryError, TransportError
from pyjib.events import (
    BlobMounted,
    BlobPresent,
    Direction,
    TransferFinished,
    TransferStarted,
)
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.reference import Reference
from pyjib.registry.calls import blobs
from pyjib.registry.calls.ladder import Ladders
from pyjib.registry.calls.upload_session import UploadSession, start_of_upload
from pyjib.registry.calls.upload_ways import Sender
from pyjib.registry.login.scope import Scopes
from pyjib.registry.net.retry import PASSING_STATUSES
from pyjib.registry.session import Session

_CLIENT_ERRORS = frozenset(range(400, 500)) - PASSING_STATUSES


class Outcome(StrEnum):
    """How a blob came to be in a repository."""

    PRESENT = "present"
    MOUNTED = "mounted"
    UPLOADED = "uploaded"


def push(
    session: Session, name: Reference, blob: Blob, scopes: Scopes, ladders: Ladders
) -> Outcome:
    """See to it that the repository has the blob; see ``RegistryClient.blob_push``."""
    upload = _Upload(session, name, blob, scopes, ladders)
    if upload.is_there():
        session.listener(
            BlobPresent(
                digest=str(blob.descriptor.digest), size=blob.descriptor.size, where=name.name
            )
        )
        return Outcome.PRESENT
    begun = None
    if can_mount(blob, name) and ladders.of(name.registry).takes_mounts:
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
    def __init__(
        self, session: Session, name: Reference, blob: Blob, scopes: Scopes, ladders: Ladders
    ) -> None:
        self._session = session
        self._name = name
        self._blob = blob
        self._digest = blob.descriptor.digest
        self._size = blob.descriptor.size
        self._manners = ladders.of(name.registry)
        action = f"push blob {self._digest} to {name.name}"
        self._call = start_of_upload(action, name, scopes)

    def is_there(self) -> bool:
        """Tell whether the repository has the blob, of the right size."""
        found = blobs.head(self._session, self._name, self._digest, self._call.scopes)
        return found == self._size

    def mount(self) -> tuple[bool, UploadSession | None]:
        """Ask for a link from the blob's origin; a registry may begin an upload instead.

        Registries refuse with many statuses, a token server among them: all mean "upload". So
        does one that stays in trouble over it, or breaks off: only an upload shows whether all
        of it is.
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
            if error.status is None or error.status < 400:
                raise
            if error.status not in _CLIENT_ERRORS:
                self._manners.failed_mount()
            return False, None
        except TransportError:
            self._manners.failed_mount()
            return False, None
        if reply.status == 201:
            self._session.pushed.blob(self._name)
            self._session.listener(
                BlobMounted(
                    digest=str(self._digest), size=self._size, source=source, where=self._name.name
                )
            )
            return True, None
        if reply.status != 202:
            return False, None
        self._manners.read_least(reply.headers)
        return False, UploadSession(self._session, self._call, reply)

    def send(self, begun: UploadSession | None) -> None:
        """Upload; the session may have ``begun`` by a mount."""
        size = self._blob.descriptor.size
        kind = "config" if self._blob.descriptor.media_type in types.CONFIGS else "layer"
        self._session.listener(
            TransferStarted(
                direction=Direction.PUSH,
                key=str(self._digest),
                label=f"{kind} {self._digest.short}",
                total=size,
            )
        )
        Sender(self._session, self._call, self._blob, self._manners, self.is_there).send(begun)
        self._session.pushed.blob(self._name)
        self._session.listener(
            TransferFinished(direction=Direction.PUSH, key=str(self._digest), size=size)
        )
