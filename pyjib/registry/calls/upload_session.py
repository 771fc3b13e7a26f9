"""One upload session of a registry (Distribution 1.1, "Pushing blobs")."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import replace

from pyjib.errors import DigestMismatchError, NotFoundError, PyjibError, TransportError
from pyjib.oci.digest import Digest
from pyjib.oci.reference import Reference
from pyjib.patterns import late
from pyjib.registry.login.scope import Scopes
from pyjib.registry.net.message import NOTHING, PATIENCE, Body, Call, Reply
from pyjib.registry.net.retry import Passing
from pyjib.registry.net.urls import Url
from pyjib.registry.refusal import telling
from pyjib.registry.session import Session

_COMMIT_PATIENCE = 300.0
_CANCEL_PATIENCE = 1.0
_RANGE = late(r"(?:bytes[= ])?0-(\d{1,19})", re.ASCII | re.IGNORECASE)
_BYTES: Mapping[str, str] = {"Content-Type": "application/octet-stream"}


def start_of_upload(
    action: str, name: Reference, scopes: Scopes, patience: float = PATIENCE
) -> Call:
    """Return the call that begins a session in a repository."""
    return Call(
        action=action,
        registry=name.registry,
        method="POST",
        target=f"/v2/{name.repository}/blobs/uploads/",
        scopes=scopes,
        body=NOTHING,
        accepted=frozenset({202}),
        patience=patience,
    )


class UploadSession:
    """Where the bytes of one blob go; each answer may move it to another ``Location``.

    ``start`` is the call that begins a session, ``reply`` its answer, or that of a mount.
    """

    def __init__(self, session: Session, start: Call, reply: Reply) -> None:
        self._session = session
        self._call = replace(start, accepted=frozenset({202}))
        self._location = self._moved(reply)
        self._gone = False

    def put(self, body: Body, digest: Digest) -> Reply:
        """Send ``body``, the last of the blob, and make it a blob."""
        call = replace(
            self._call,
            method="PUT",
            url=self._location.with_query(f"digest={digest}"),
            headers=_BYTES,
            body=body,
            repeatable=body.size == 0,
            accepted=frozenset({201, 204}),
            patience=_COMMIT_PATIENCE,
        )
        return self._session.once(call)

    def patch(self, body: Body, start: int | None = None) -> Reply:
        """Send the next bytes, as a chunk that begins at ``start`` or as a stream.

        A reply of 416 tells what comes next, if it has a ``Range``.
        """
        headers = dict(_BYTES)
        if start is not None and body.size is not None:
            headers["Content-Range"] = f"{start}-{start + body.size - 1}"
        call = replace(
            self._call,
            method="PATCH",
            url=self._location,
            headers=headers,
            body=body,
            repeatable=False,
            accepted=frozenset({201, 202, 204, *(() if start is None else (416,))}),
        )
        reply = self._session.once(call)
        self._follow(reply)
        return reply

    def keeps_all(self, reply: Reply, size: int) -> bool:
        """Tell whether the registry has the ``size`` bytes that a stream brought it.

        ``reply`` is the answer to the stream; where it tells of less, the registry is asked.
        """
        got = received(reply.headers)
        if got is not None and got < size and size > 1:
            got = self.status()  # some answer a PATCH with less than they have
        return got is None or got >= size or size <= 1

    def status(self) -> int | None:
        """Return how many bytes the registry has; ``None`` if it does not say.

        Raises ``Passing`` if the session is gone.
        """
        call = replace(
            self._call,
            method="GET",
            url=self._location,
            body=None,
            accepted=frozenset({200, 202, 204}),
        )
        try:
            reply = self._session.once(call)
        except NotFoundError as error:
            raise self.lost(error) from None
        self._follow(reply)
        return received(reply.headers)

    def lost(self, error: PyjibError) -> Passing:
        """Take note that the registry has forgotten this session; another may do better."""
        self._gone = True
        return Passing(error)

    def cancel(self) -> None:
        """Free what the registry keeps of an unfinished session, if it cares to listen."""
        if self._gone:
            return
        call = replace(
            self._call,
            method="DELETE",
            url=self._location,
            body=NOTHING,
            patience=_CANCEL_PATIENCE,
        )
        with contextlib.suppress(Passing, PyjibError):
            self._session.last_word(call)

    def _follow(self, reply: Reply) -> None:
        if reply.headers.get("location"):
            self._location = self._moved(reply)

    def _moved(self, reply: Reply) -> Url:
        location = reply.headers.get("location")
        if not location:
            raise TransportError(
                f"cannot {self._call.action}: {self._call.registry} did not say where to",
                hint="check the registry's address, and the proxy in front of it",
            )
        try:
            return self._session.resolve(self._call.registry, reply.url, location)
        except TransportError as error:
            raise telling(self._call, error) from None


def check_stored(registry: str, digest: Digest, reply: Reply) -> None:
    """Raise ``DigestMismatchError`` where a registry says that it made another blob of it."""
    stored = reply.headers.get("docker-content-digest", "")
    if stored.startswith(f"{digest.algorithm}:") and stored != str(digest):
        raise DigestMismatchError(
            f"{registry} stored {stored} instead of {digest}",
            hint="something between here and the registry changes what is sent: check proxies",
        )


def received(headers: Mapping[str, str]) -> int | None:
    """Return how many bytes a ``Range`` says have been received.

    ``0-0`` is what Distribution says for one byte and for none: it is read as none.
    """
    match = _RANGE.fullmatch(headers.get("range", "").strip())
    if match is None:
        return None
    last = int(match[1])
    return last + 1 if last else 0
