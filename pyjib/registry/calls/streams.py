"""All blobs of a client that are sent while they are made, and the threads that send them."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from pyjib.events import Direction, TransferStarted
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.reference import Reference
from pyjib.registry.calls import tags
from pyjib.registry.calls.ladder import Ladders
from pyjib.registry.calls.upload_session import start_of_upload
from pyjib.registry.login.scope import Scopes
from pyjib.registry.session import Session

if TYPE_CHECKING:
    from pyjib.registry.calls.blob_stream import BlobStream

ANSWER = 10.0
"""Seconds that a registry may take to answer before the first byte is sent."""


class Streams:
    """Safe for threads; to be closed before the session is, whose cancellation is set by then."""

    def __init__(self, session: Session, ladders: Ladders) -> None:
        self._session = session.unless_busy()
        self._ladders = ladders
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._streams: list[BlobStream] = []
        self._finished: dict[tuple[str, Digest], BlobStream] = {}
        self._new: dict[str, Future[bool]] = {}
        self._closed = False

    def open(
        self, name: Reference, scopes: Scopes, layer: str = "", about: int | None = None
    ) -> BlobStream:
        """Return a stream to a repository; see ``RegistryClient.blob_stream``."""
        from pyjib.registry.calls.blob_stream import (  # noqa: PLC0415  for first builds alone
            BlobStream,
            StreamSender,
        )

        manners = self._ladders.of(name.registry)
        with self._lock:
            known = self._new.get(name.name)
            has_images = known is not None and known.done() and not known.result()
            stalled = any(one.pipe.stalled for one in self._streams)
            if self._closed or stalled or has_images or not manners.takes_streams:
                return BlobStream.declined()
            stream = BlobStream(
                self._session.cancellation.check,
                lambda stream, found: self._is_wanted(name, stream, found),
            )
            sender = StreamSender(
                self._session,
                start_of_upload(
                    f"send a layer to {name.name} while it is packed", name, scopes, ANSWER
                ),
                stream,
                manners,
                lambda: self._is_new(name, scopes),
                TransferStarted(
                    direction=Direction.PUSH,
                    key=f"{name.name} while packed {len(self._streams) + 1}",
                    label=f"layer {layer}".rstrip() + ", while it is packed",
                    about=about,
                ),
            )
            thread = threading.Thread(target=sender.run, name="pyjib-stream", daemon=True)
            self._threads.append(thread)
            self._streams.append(stream)
            thread.start()
        return stream

    def has_images(self, name: Reference) -> None:
        """Take note that a repository is not new: it has most layers, and nothing is sent."""
        with self._lock:
            if name.name not in self._new:
                self._new[name.name] = Future()
                self._new[name.name].set_result(False)

    def brought(self, name: Reference, digest: Digest) -> bool:
        """Wait for the stream of a blob, and tell whether it brought it; false if there is none.

        Told once: who asks again knows more than the stream does. Raises what
        ``BlobStream.arrived`` raises.
        """
        with self._lock:
            stream = self._finished.pop((name.name, digest), None)
        return stream is not None and stream.arrived(self._session.cancellation.check)

    def close(self) -> None:
        """Abandon what is under way, and wait for its threads."""
        with self._lock:
            self._closed = True
        for stream in self._streams:
            stream.abandon()
        for thread in self._threads:
            thread.join()

    def _is_wanted(self, name: Reference, stream: BlobStream, found: Descriptor) -> bool:
        """Take a finished stream up; false if there is one of the same blob already."""
        with self._lock:
            return self._finished.setdefault((name.name, found.digest), stream) is stream

    def _is_new(self, name: Reference, scopes: Scopes) -> bool:
        """Tell whether a repository has no images yet; one thread asks, once."""
        with self._lock:
            known = self._new.get(name.name)
            answer = self._new.setdefault(name.name, Future())
        if known is None:
            try:
                answer.set_result(not tags.has_any(self._session, name, scopes, ANSWER))
            except BaseException:
                answer.set_result(False)
                raise
        return answer.result()
