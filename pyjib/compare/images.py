"""Two images, from their manifests to the bytes in their layers."""

from __future__ import annotations

from collections.abc import Callable

from pyjib.cancellation import Cancellation
from pyjib.compare.documents import first_difference
from pyjib.compare.findings import Findings
from pyjib.compare.layers import compare_layers
from pyjib.compare.model import Comparison, Level
from pyjib.oci.image import AnyImage, Image, ImageIndex, images_of
from pyjib.oci.platform import Platform


def compare_images(
    jib: AnyImage,
    ours: AnyImage,
    *,
    has_manifest: bool = True,
    cancellation: Cancellation | None = None,
) -> Comparison:
    """Compare an image with the one that it should be equal to.

    ``has_manifest`` says whether ``jib`` has the manifest that Jib gave it, and layers compressed
    as Jib did; where a reader had to make these up they tell nothing, and are left out. Layers
    are read only where digests differ, side by side, in memory that does not grow with them.
    Raises ``ContentError`` for a layer that is not what its digest says, or is no tar.
    """
    check = (cancellation or Cancellation()).check
    findings = Findings()
    if has_manifest:
        _compare_indexes(jib, ours, findings)
    else:
        _compare_platforms(jib, ours, findings)
    for left, right in _pairs(jib, ours):
        where = f"{left.platform} " if isinstance(jib, ImageIndex) else ""
        _compare_pair(left, right, where, findings, has_manifest=has_manifest, check=check)
    return Comparison(
        jib_digest=jib.digest if has_manifest else None,
        our_digest=ours.digest,
        jib_image_id=jib.image_id,
        our_image_id=ours.image_id,
        has_manifest=has_manifest,
        differences=findings.ordered,
    )


def _compare_indexes(jib: AnyImage, ours: AnyImage, findings: Findings) -> None:
    left, right = _platforms(jib), _platforms(ours)
    if isinstance(jib, ImageIndex) and isinstance(ours, ImageIndex):
        found = first_difference(jib.index.data, ours.index.data, "index")
        if found is not None:
            findings.add(Level.INDEX, found.place, found.jib, found.ours)
    elif isinstance(jib, ImageIndex) or isinstance(ours, ImageIndex):
        findings.add(Level.INDEX, "kind", left, right)


def _compare_platforms(jib: AnyImage, ours: AnyImage, findings: Findings) -> None:
    """Tell of images that have no counterpart, where what lists them was not Jib's."""
    left, right = images_of(jib), images_of(ours)
    if len(left) == len(right) == 1:
        return
    if {image.platform for image in left} != {image.platform for image in right}:
        findings.add(Level.INDEX, "platforms", _platforms(jib), _platforms(ours))


def _platforms(image: AnyImage) -> str:
    if isinstance(image, Image):
        return f"one image for {image.platform}"
    entries = (entry.platform for entry in image.index.manifests if entry.platform)
    return f"an index for {', '.join(map(str, entries))}"


def _pairs(jib: AnyImage, ours: AnyImage) -> list[tuple[Image, Image]]:
    """Return images for the same platform; if there is one on each side, these."""
    left, right = images_of(jib), images_of(ours)
    if len(left) == len(right) == 1:
        return [(left[0], right[0])]
    by_platform: dict[Platform, Image] = {image.platform: image for image in right}
    return [(image, by_platform[image.platform]) for image in left if image.platform in by_platform]


def _compare_pair(
    jib: Image,
    ours: Image,
    where: str,
    findings: Findings,
    *,
    has_manifest: bool,
    check: Callable[[], None],
) -> None:
    if has_manifest:
        found = first_difference(jib.manifest.data, ours.manifest.data, "manifest")
        if found is not None:
            findings.add(Level.MANIFEST, f"{where}{found.place}", found.jib, found.ours)
    found = first_difference(jib.config.data, ours.config.data, "image config")
    if found is not None:
        findings.add(Level.CONFIG, f"{where}{found.place}", found.jib, found.ours)
    compare_layers(jib, ours, findings, compares_compressed=has_manifest, check=check)
