"""A cache in front of another registry: what is missing here is fetched from there.

What was asked for by digest never changes and is fetched once. A tag is looked up each time, so
that it is never out of date; while the other registry cannot be reached, what is here has to do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from pyjib.errors import MalformedDocumentError, NotFoundError, PyjibError
from pyjib.oci.digest import Digest
from pyjib.serve.documents import Document
from pyjib.serve.message import Code, Refusal
from pyjib.serve.repositories import Repositories
from pyjib.serve.uploads import Upload

_LARGEST = 64 << 30


class Upstream(Protocol):
    """The registry behind a cache. All methods raise ``NotFoundError``, or ``PyjibError``."""

    def resolve(self, name: str, tag: str) -> Digest:
        """Return the digest of the manifest that a tag leads to."""
        ...

    def manifest(self, name: str, digest: Digest) -> bytes:
        """Return a manifest's bytes, verified."""
        ...

    def blob(self, name: str, digest: Digest) -> Iterator[bytes]:
        """Return a blob's bytes as they come; the taker verifies them."""
        ...


class PullThrough:
    """Fetches what is missing; safe for threads, of which one fetches and the others wait."""

    def __init__(self, upstream: Upstream, repositories: Repositories) -> None:
        self._upstream = upstream
        self._repositories = repositories
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, Digest], threading.Lock] = {}

    def want_manifest(self, name: str, target: Digest | str) -> None:
        """See to it that a manifest is here; refused with 502 if nobody knows."""
        try:
            if isinstance(target, Digest):
                self._fetch_manifest(name, target, ())
                return
            digest = self._upstream.resolve(name, target)
            known = self._repositories.manifest(name, target)
            if known is None or known[0].digest != digest:
                self._fetch_manifest(name, digest, (target,))
        except NotFoundError:
            if isinstance(target, str):
                self._repositories.delete_tag(name, target)
        except PyjibError as error:
            if self._repositories.manifest(name, target) is None:
                raise _unreachable(error) from None

    def want_blob(self, name: str, digest: Digest) -> None:
        """See to it that a blob is here; refused with 502 if nobody knows."""
        if self._repositories.blob(name, digest) is not None:
            return
        try:
            with self._alone(name, digest):
                if self._repositories.blob(name, digest) is None:
                    self._fetch_blob(name, digest)
        except NotFoundError:
            return
        except (PyjibError, Refusal) as error:  # refused is what is not what it should be
            raise _unreachable(error) from None

    def _fetch_manifest(self, name: str, digest: Digest, tags: tuple[str, ...]) -> None:
        with self._alone(name, digest):
            known = self._repositories.manifest(name, digest)
            if known is not None and not tags:
                return
            data = self._upstream.manifest(name, digest)
            try:
                document = Document.parse(data, digest)
            except MalformedDocumentError as error:
                raise _unreachable(error) from None
            self._repositories.put_manifest(name, data, document, tags, sparse=True)

    def _fetch_blob(self, name: str, digest: Digest) -> None:
        # Asked first: a name that nobody knows must not become a directory here.
        chunks = self._upstream.blob(name, digest)
        upload = Upload(self._repositories.storage.stage(name), digest.algorithm, _LARGEST)
        try:
            upload.take(chunks)
            upload.commit(digest)
        finally:
            upload.discard()

    @contextmanager
    def _alone(self, name: str, digest: Digest) -> Iterator[None]:
        key = name, digest
        with self._lock:
            lock = self._under_way.setdefault(key, threading.Lock())
        try:
            with lock:
                yield
        finally:
            with self._lock:
                self._under_way.pop(key, None)


def _unreachable(error: PyjibError | Refusal) -> Refusal:
    return Refusal(502, Code.UNKNOWN, f"the registry behind this cache: {error.message[:300]}")
