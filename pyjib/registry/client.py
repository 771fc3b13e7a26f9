"""The registry client: what can be asked of a registry, a method each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pyjib.cancellation import Cancellation
from pyjib.errors import InvalidReferenceError, OfflineError
from pyjib.events import Listener, ignore
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.manifest import Index
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.calls import blobs, deletes, manifests, referrers, tags, uploads
from pyjib.registry.calls.ladder import Ladders
from pyjib.registry.calls.streams import Streams
from pyjib.registry.calls.uploads import Outcome
from pyjib.registry.flight import SingleFlight
from pyjib.registry.lifetime import Lifetime
from pyjib.registry.login.scope import Scope, Scopes, union
from pyjib.registry.mirrors import Place, find_places
from pyjib.registry.net.message import Call
from pyjib.registry.net.reach import is_loopback
from pyjib.registry.session import Session

if TYPE_CHECKING:
    from pyjib.registry.calls.blob_stream import BlobStream


class RegistryClient:
    """Pulls and pushes by OCI Distribution 1.1; safe for threads, to be closed.

    No request is made, and nothing is looked up, before a method needs it. All methods raise
    ``RegistryError`` for an answer that means no, ``TransportError`` for none at all,
    ``ContentError`` for bytes that are not what they should be, ``ConfigurationError`` for
    logins that cannot be read, and ``CancelledError``.

    ``wait`` sleeps that many seconds before another attempt; by default it is the
    cancellation's, so that giving up does not have to wait.
    """

    def __init__(
        self,
        options: RegistryOptions,
        host: HostEnvironment,
        *,
        listener: Listener = ignore,
        cancellation: Cancellation | None = None,
        wait: Callable[[float], None] | None = None,
    ) -> None:
        self.options = options
        self._lifetime = Lifetime(cancellation or Cancellation())
        self._session = Session(
            options,
            host,
            listener=listener,
            cancellation=self._lifetime,
            wait=wait,
        )
        self._lock = threading.Lock()
        self._scopes: dict[str, Scopes] = {}
        self._pushes: SingleFlight[tuple[str, Digest], Outcome] = SingleFlight()
        self._ladders = Ladders()
        self._streams = Streams(self._session, self._ladders)
        self._support = referrers.Support()

    def places(self, reference: Reference) -> tuple[Place, ...]:
        """Return where to pull a reference from: its mirrors in order, then the last resort.

        Raises ``ConfigurationError`` for set-ups of mirrors that cannot be used.
        """
        return find_places(reference, self.options, self._session.machine)

    def hasty(self, attempts: int = 1) -> RegistryClient:
        """Return this client for asking where another could be asked: it tries once.

        Of more ``attempts`` none begins ten seconds after the first.
        """
        other = copy(self)
        other._session = self._session.hasty(attempts)
        return other

    def at(self, place: Place) -> RegistryClient:
        """Return this client for pulling from a place, which may have to be told why."""
        if not place.namespace:
            return self
        other = copy(self)
        other._session = self._session.at(place.namespace)
        return other

    def ping(self, registry: str) -> None:
        """Check that a registry is there and accepts the login that there is for it."""
        self._session.ask(Call(action=f"log in to {registry}", registry=registry))

    def manifest_head(self, reference: Reference) -> Descriptor | None:
        """Describe what a tag or digest leads to; ``None`` if there is nothing."""
        found = manifests.head(self._session, reference, self._reading(reference))
        if found is not None:
            self._streams.has_images(reference)
        return found

    def manifest_get(self, reference: Reference) -> tuple[bytes, str]:
        """Return a manifest's or index's bytes, verified, and the media type that they state.

        Raises ``NotFoundError``.
        """
        return manifests.get(self._session, reference, self._reading(reference))

    def manifest_read(self, reference: Reference) -> tuple[bytes, str | None]:
        """Return a manifest's or index's bytes, verified, and its ETag if it has one.

        Raises ``NotFoundError``.
        """
        data, _, etag = manifests.read(self._session, reference, self._reading(reference))
        return data, etag

    def manifest_put(
        self,
        reference: Reference,
        data: bytes,
        media_type: str,
        tags: Sequence[str] = (),
        if_match: str | None = None,
    ) -> frozenset[str]:
        """Store a manifest's or index's exact bytes under a tag or its digest.

        If it has a subject, it can be found by that afterwards, whether the registry knows
        referrers or not. ``tags`` are asked for in the same request; those that the registry has
        set are returned, none by most registries of today. With ``if_match``, an ETag,
        ``RegistryError`` tells by its status 412 that something else is there by now; not all
        registries look.
        """
        scopes = self._writing(reference)
        reply = manifests.put(self._session, reference, data, media_type, scopes, tags, if_match)
        referrers.register(self._session, reference, data, reply, scopes)
        return manifests.tagged(reply) & frozenset(tags)

    def manifest_delete(self, reference: Reference) -> bool:
        """Delete a tag or, by digest, a manifest with its tags; false if it was not there."""
        return deletes.manifest(self._session, reference)

    def blob_delete(self, name: Reference, digest: Digest) -> bool:
        """Delete a blob; false if it was not there."""
        return deletes.blob(self._session, name, digest)

    def blob_head(self, name: Reference, digest: Digest) -> int | None:
        """Return a blob's size in bytes; ``None`` if it is not in the repository."""
        return blobs.head(self._session, name, digest, self._reading(name))

    def blob_part(
        self, name: Reference, descriptor: Descriptor, start: int, count: int
    ) -> bytes | None:
        """Return some of a blob's bytes, which nobody can verify.

        ``None`` unless the repository has the blob, of the described size, and serves ranges.
        """
        return blobs.part(self._session, name, descriptor, start, count, self._reading(name))

    def blob_chunks(self, name: Reference, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob's bytes as stored, over broken connections; the taker verifies them."""
        return blobs.chunks(self._session, name, descriptor, self._reading(name))

    def blob_push(self, name: Reference, blob: Blob) -> Outcome:
        """See to it that a repository has a blob, and tell how.

        What a stream brings is waited for. Otherwise it is not sent where the repository has it,
        nor where the registry links it from the blob's origin. Threads that push the same blob to
        the same repository share one push.
        """
        sources = [blob.origin] if blob.origin and uploads.can_mount(blob, name) else []
        scopes = self._writing(name, sources)
        return self._pushes.do(
            (name.name, blob.descriptor.digest),
            lambda: self._push(name, blob, scopes),
        )

    def blob_stream(self, name: Reference, layer: str = "", about: int | None = None) -> BlobStream:
        """Begin to send a blob to a repository while it is still being made.

        Events call it by the name of the ``layer``, and its size is ``about`` that many bytes.

        It is a try that nothing depends on: a stream never fails, and ``blob_push`` is to be
        called for its blob in any case. Only repositories without images get streams: others
        have most layers, and looking costs less than sending. A stream that is not finished
        when the client is closed, or the build cancelled, leaves nothing behind.
        """
        return self._streams.open(name, self._writing(name), layer, about)

    def tag_list(self, name: Reference) -> list[str]:
        """Return all tags of a repository. Raises ``NotFoundError``."""
        return tags.list_all(self._session, name, self._reading(name))

    def referrers(self, name: Reference, digest: Digest, artifact_type: str | None = None) -> Index:
        """Return an index, perhaps empty, of the manifests whose subject is ``digest``."""
        scopes = self._reading(name)
        return referrers.list_all(self._session, name, digest, artifact_type, scopes, self._support)

    def expect_push(self, name: Reference, sources: Iterable[Reference] = ()) -> None:
        """Announce a push, so that the first token asked for will do for all of it.

        ``sources`` are repositories of the same registry that blobs may be linked from. Raises
        ``OfflineError`` if that registry is not to be asked.
        """
        if name.digest is not None:
            raise InvalidReferenceError(
                f"cannot push to {name}: a digest follows from the content",
                hint="push to a tag, or to the repository alone",
            )
        if self.options.offline and not is_loopback(name.registry):
            raise OfflineError(
                f"cannot push to {name}: no network is to be used (--offline)",
                hint="write to tar://FILE, oci://DIR or docker://NAME, or leave --offline out",
            )
        self._writing(name, sources)

    def close(self) -> None:
        """Give up what is still under way, and close all connections."""
        self._lifetime.end()
        self._streams.close()
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _push(self, name: Reference, blob: Blob, scopes: Scopes) -> Outcome:
        if self._streams.brought(name, blob.descriptor.digest):
            self._session.pushed.blob(name)
            return Outcome.UPLOADED
        return uploads.push(self._session, name, blob, scopes, self._ladders)

    def _reading(self, name: Reference) -> Scopes:
        """Return what a token must allow for pulling; what a push needs, if one was announced."""
        known = self._scopes.get(name.name)
        return known or (Scope.of_repository(name.repository, "pull"),)

    def _writing(self, name: Reference, sources: Iterable[Reference] = ()) -> Scopes:
        with self._lock:
            scopes = union(
                (
                    *self._scopes.get(name.name, ()),
                    Scope.of_repository(name.repository, "pull", "push"),
                    *(Scope.of_repository(source.repository, "pull") for source in sources),
                )
            )
            self._scopes[name.name] = scopes
            return scopes
