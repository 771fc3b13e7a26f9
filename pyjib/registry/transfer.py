"""Pushing a whole image, in the order that never shows a name without its content.

Blobs and configs first, then manifests by digest, then the index by digest, and the tags last
of all. A manifest that the registry has by its digest has everything below it there too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import TypeVar

from pyjib.cancellation import Cancellation
from pyjib.errors import DeniedError, RegistryError
from pyjib.events import BlobPresent, Listener
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.image import AnyImage, Image, ImageIndex, images_of
from pyjib.oci.reference import Reference
from pyjib.registry.calls.uploads import can_mount
from pyjib.registry.client import RegistryClient

T = TypeVar("T")
_REFILLS = 2


def push_image(
    client: RegistryClient,
    image: AnyImage,
    reference: Reference,
    tags: Sequence[str],
    *,
    found: Descriptor | None = None,
    jobs: int,
    listener: Listener,
    cancellation: Cancellation,
) -> None:
    """Push an image or an index under the reference's tag and ``tags``, ``jobs`` blobs at a time.

    ``found`` is what the reference's tag led to when this push was prepared, if that is known.

    The first failure cancels everything that shares the cancellation; no thread is left running.
    """
    wanted = _blobs(images_of(image))
    client.expect_push(
        reference, [blob.origin for blob in wanted if blob.origin and can_mount(blob, reference)]
    )
    names = list(dict.fromkeys((*([reference.tag] if reference.tag else []), *tags)))
    done: frozenset[str] = frozenset()
    refill = partial(_push_blobs, client, reference, wanted, jobs, cancellation)
    # A tag that leads to the image shows that all of the image is there, and has not to be set.
    # Should another push have moved it since, then theirs came last: as if ours had been done
    # when the tag was looked at.
    is_named = found is not None and reference.tag is not None and found.digest == image.digest
    if is_named:
        names.remove(str(reference.tag))
    present = is_named or _is_present(client, reference, image.descriptor)
    if present:
        size = image.descriptor.size
        listener(BlobPresent(digest=str(image.digest), size=size, where=reference.name))
    else:
        missing = _missing(client, image, reference)
        _push_blobs(client, reference, _blobs(missing), jobs, cancellation)
        done = _insist(lambda: _push_manifests(client, image, missing, reference, names), refill)
    for tag in names:
        if tag not in done:
            tagged = reference.with_tag(tag)
            _insist(partial(_tag, client, image, tagged, skip=present), refill)


def _insist(put: Callable[[], T], refill: Callable[[], None]) -> T:
    """Put manifests, and refill the repository where it turns out to lack a blob that it had.

    It may have been collected as garbage meanwhile, and Distribution 2 misses one for a moment
    while somebody else pushes the same.
    """
    for _ in range(_REFILLS):
        try:
            return put()
        except RegistryError as error:
            if all(one.code != "MANIFEST_BLOB_UNKNOWN" for one in error.diagnostics):
                raise
        refill()
    return put()


def _missing(client: RegistryClient, image: AnyImage, reference: Reference) -> Sequence[Image]:
    if isinstance(image, Image):
        return (image,)
    return [one for one in image.images if not _is_present(client, reference, one.descriptor)]


def _push_manifests(
    client: RegistryClient,
    image: AnyImage,
    missing: Iterable[Image],
    reference: Reference,
    tags: Sequence[str],
) -> frozenset[str]:
    """Push what is missing by its digest, the outermost last; return the tags it has by then.

    Several tags are asked for with it: few registries know that yet, and the others ignore it.
    """
    asked = tags if len(tags) > 1 else ()
    if isinstance(image, Image):
        return _put(client, reference.with_digest(image.digest), image, asked)
    for one in missing:
        _put(client, reference.with_digest(one.digest), one)
    return _put(client, reference.with_digest(image.digest), image, asked)


def _push_blobs(
    client: RegistryClient,
    name: Reference,
    wanted: Iterable[Blob],
    jobs: int,
    cancellation: Cancellation,
) -> None:
    """Push blobs, the largest first."""
    ordered = sorted(wanted, key=lambda blob: blob.descriptor.size, reverse=True)
    if not ordered:
        return
    with ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="pyjib-push") as pool:
        futures = [pool.submit(client.blob_push, name, blob) for blob in ordered]
        try:
            for future in as_completed(futures):  # so that the first failure is the one told
                future.result()
        except BaseException:
            cancellation.cancel()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _tag(client: RegistryClient, image: AnyImage, reference: Reference, *, skip: bool) -> None:
    """Let a tag name the image; with ``skip`` look first whether it does."""
    found = _look_up(client, reference) if skip else None
    if found is None or found.digest != image.digest:
        _put(client, reference, image)


def _put(
    client: RegistryClient, reference: Reference, image: AnyImage, tags: Sequence[str] = ()
) -> frozenset[str]:
    document = image.index if isinstance(image, ImageIndex) else image.manifest
    return client.manifest_put(reference, document.data, document.media_type, tags)


def _is_present(client: RegistryClient, name: Reference, wanted: Descriptor) -> bool:
    found = _look_up(client, name.with_digest(wanted.digest))
    return found is not None and found.digest == wanted.digest


def _look_up(client: RegistryClient, reference: Reference) -> Descriptor | None:
    try:
        return client.manifest_head(reference)
    except DeniedError:
        return None  # Artifactory answers so for what is missing; a push will tell


def _blobs(images: Iterable[Image]) -> list[Blob]:
    """Return all blobs of images once each; foreign layers are never pushed."""
    found: dict[Digest, Blob] = {}
    for image in images:
        for blob in (image.config_blob, *image.layers):
            if not types.is_foreign(blob.descriptor.media_type):
                found.setdefault(blob.descriptor.digest, blob)
    return list(found.values())
