"""Two images' layers: which there are, and what is in those that differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO

from pyjib.compare.findings import Findings
from pyjib.compare.model import Level
from pyjib.compare.tars import compare_tars, first_difference
from pyjib.errors import ContentError
from pyjib.frozen import frozen
from pyjib.layer.decompress import decompressed, sniff
from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest
from pyjib.oci.image import Image
from pyjib.oci.media_type import Compression

_CHUNK = 1 << 20
_SHOWN = 8
_INNER = (Level.ENTRY, Level.HEADER, Level.BYTE)
_GZIP_FIELDS = {
    **dict.fromkeys(range(2), "magic"),
    2: "method",
    3: "flags",
    **dict.fromkeys(range(4, 8), "time"),
    8: "extra flags",
    9: "operating system",
}


@frozen
class _NamedLayer:
    """A layer; ``name`` is what history says of it, with a number where it says so twice."""

    name: str
    blob: Blob
    diff_id: Digest | None


def compare_layers(
    jib: Image,
    ours: Image,
    findings: Findings,
    *,
    compares_compressed: bool,
    check: Callable[[], None],
) -> None:
    """Find the first differences from the level of layers on.

    Layers are paired by name. Raises ``ContentError`` if one cannot be read.
    """
    left, right = _named(jib), _named(ours)
    _compare_lists(left, right, findings)
    others = {layer.name: layer for layer in right}
    pairs = [(layer, others[layer.name]) for layer in left if layer.name in others]
    for one, other in pairs:
        is_same_tar = one.diff_id == other.diff_id
        if is_same_tar and (not compares_compressed or _digest(one) == _digest(other)):
            continue
        where = f"layer {one.name!r}"
        if is_same_tar:
            findings.add(Level.LAYER, f"{where}, digest", _digest(one), _digest(other))
        else:
            findings.add(Level.LAYER, f"{where}, diff id", str(one.diff_id), str(other.diff_id))
        if findings.has_all(_INNER):
            continue
        if is_same_tar:
            _compare_compressed(one.blob, other.blob, where, findings, check)
        else:
            _compare_content(one, other, where, findings, check)


def _digest(layer: _NamedLayer) -> str:
    return str(layer.blob.descriptor.digest)


def _named(image: Image) -> list[_NamedLayer]:
    """Give each layer a name of its own."""
    steps = [step for step in image.config.history if not step.get("empty_layer")]
    names = [str(step.get("comment") or step.get("created_by") or "") for step in steps]
    names += [""] * (len(image.layers) - len(names))
    ids = [*image.config.diff_ids, *[None] * len(image.layers)]
    result: list[_NamedLayer] = []
    seen: dict[str, int] = {}
    for name, blob, diff_id in zip(names, image.layers, ids, strict=False):
        seen[name] = seen.get(name, 0) + 1
        number = f" ({seen[name]})" if seen[name] > 1 else ""
        shown = (name or "without a name") + number
        result.append(_NamedLayer(name=shown, blob=blob, diff_id=diff_id))
    return result


def _compare_lists(
    jib: Sequence[_NamedLayer], ours: Sequence[_NamedLayer], findings: Findings
) -> None:
    left, right = [layer.name for layer in jib], [layer.name for layer in ours]
    if left == right:
        return
    for name in left:
        if name not in right:
            findings.add(Level.LAYER, "layers", name, None)
    for name in right:
        if name not in left:
            findings.add(Level.LAYER, "layers", None, name)
    findings.add(Level.LAYER, "order of layers", ", ".join(left), ", ".join(right))


def _compare_content(
    jib: _NamedLayer,
    ours: _NamedLayer,
    where: str,
    findings: Findings,
    check: Callable[[], None],
) -> None:
    with jib.blob.open() as left, ours.blob.open() as right:
        try:
            compare_tars(_tar(jib.blob, left), _tar(ours.blob, right), where, findings, check)
        except ContentError as error:
            raise type(error)(f"{where}: {error.message}", hint=error.hint) from None


def _tar(blob: Blob, reader: BinaryIO) -> BinaryIO:
    # By its first bytes, not its media type: Jib calls every base layer gzip.
    return decompressed(reader, _compression(blob))


def _compression(blob: Blob) -> Compression:
    with blob.open() as reader:
        return sniff(reader.read(16))


def _compare_compressed(
    jib: Blob, ours: Blob, where: str, findings: Findings, check: Callable[[], None]
) -> None:
    left_kind, right_kind = _compression(jib), _compression(ours)
    if left_kind is not right_kind:
        findings.add(Level.BYTE, f"{where}, compression", left_kind, right_kind)
        return
    at = 0
    with jib.open() as left, ours.open() as right:
        while True:
            check()
            one, other = _read(left), _read(right)
            if one != other:
                break
            if not one:
                return
            at += len(one)
    within = first_difference(one, other)
    offset = at + within
    is_field = left_kind is Compression.GZIP and offset in _GZIP_FIELDS
    what = f"gzip header, {_GZIP_FIELDS[offset]}" if is_field else f"{left_kind} data"
    findings.add(
        Level.BYTE,
        f"{where}, {what}, byte {offset}",
        one[within : within + (1 if is_field else _SHOWN)].hex(" ") or None,
        other[within : within + (1 if is_field else _SHOWN)].hex(" ") or None,
    )


def _read(reader: BinaryIO) -> bytes:
    """Return a whole chunk, or all that is left: two readers must not be cut differently."""
    parts, size = [], _CHUNK
    while size and (part := reader.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
