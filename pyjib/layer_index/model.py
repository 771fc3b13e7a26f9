"""What an index of layers says, and its JSON.

::

    {"entries": [{"key": "…", "diffId": "sha256:…", "recipe": "gzip level 6 …",
                  "descriptor": {"mediaType": "…", "digest": "sha256:…", "size": 123},
                  "signature": {"key": "0123456789abcdef", "ed25519": "…"}}]}

The newest entries come first. An index holds at most ``MOST_ENTRIES`` and ``MOST_BYTES``. Each
entry is signed for itself, or not at all, so that entries can be dropped and indexes merged by
whoever has no key.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from pyjib.errors import InvalidReferenceError, MalformedDocumentError
from pyjib.frozen import frozen
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.json import Json, dump, load

MEDIA_TYPE = "application/vnd.pyjib.layer-index.v1+json"
MOST_ENTRIES = 1000
MOST_BYTES = 1 << 20

_MOST_TEXT = 1000
_LARGEST = 1 << 63
_SIGNED = b"pyjib layer index entry 1\n"
"""What signed messages begin with: to be counted up when they come to mean something else."""


@frozen
class Signature:
    """An Ed25519 signature of an entry; ``key`` is the ``key_id`` of whose it is said to be."""

    key: str
    value: bytes


@frozen
class Entry:
    """A claim: the tar with a ``diff_id``, compressed by a recipe, is the described blob.

    ``key`` is the layer's cache key and ``recipe`` its recipe's text; both are empty where the
    entry comes from an image, which does not tell them.
    """

    diff_id: Digest
    descriptor: Descriptor
    key: str = ""
    recipe: str = ""
    signature: Signature | None = None

    @property
    def claim(self) -> Entry:
        """The entry without its signature."""
        return self if self.signature is None else replace(self, signature=None)

    @property
    def message(self) -> bytes:
        """What is signed: all that is believed of an entry, and nothing else."""
        blob = self.descriptor
        facts = (self.key, str(self.diff_id), self.recipe)
        return _SIGNED + dump([*facts, blob.media_type, str(blob.digest), blob.size])

    def to_json(self) -> Json:
        """Return the entry as an index has it."""
        document: Json = {
            "key": self.key,
            "diffId": str(self.diff_id),
            "recipe": self.recipe,
            "descriptor": self.descriptor.to_json(),
        }
        if self.signature is not None:
            value = b64encode(self.signature.value).decode()
            document["signature"] = {"key": self.signature.key, "ed25519": value}
        return document


def parse_entries(data: bytes) -> tuple[Entry, ...]:
    """Read an index; raises ``MalformedDocumentError``."""
    values = load(data, "layer index", limit=MOST_BYTES).get("entries")
    if not isinstance(values, list) or len(values) > MOST_ENTRIES:
        raise MalformedDocumentError(
            f"not a list of at most {MOST_ENTRIES} entries", path="entries"
        )
    return tuple(_parse(value, f"entries[{place}]") for place, value in enumerate(values))


def dump_entries(entries: Iterable[Entry]) -> bytes:
    """Write an index of the first entries, as many as it may hold.

    Of two with one key the first is kept, but one of each signer: readers trust different ones.
    An entry that was read has a few thousand bytes at most, so that the bound in bytes is met by
    leaving out the last.
    """
    newest: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        signer = "" if entry.signature is None else entry.signature.key
        newest.setdefault((entry.key, signer), entry)
    kept = [entry.to_json() for entry in islice(newest.values(), MOST_ENTRIES)]
    data = _document(kept)
    while len(data) > MOST_BYTES:
        kept = kept[: len(kept) * 9 // 10]
        data = _document(kept)
    return data


def _document(entries: Sequence[Json]) -> bytes:
    return dump({"entries": list(entries)})


def _parse(value: object, path: str) -> Entry:
    if not isinstance(value, dict):
        raise MalformedDocumentError("not an object", path=path)
    try:
        diff_id = Digest.parse(_text(value, "diffId", path))
    except InvalidReferenceError as error:
        raise MalformedDocumentError(error.message, path=f"{path}.diffId") from None
    return Entry(
        key=_text(value, "key", path),
        diff_id=diff_id,
        recipe=_text(value, "recipe", path),
        descriptor=_descriptor(value.get("descriptor"), f"{path}.descriptor"),
        signature=_signature(value.get("signature"), f"{path}.signature"),
    )


def _descriptor(value: object, path: str) -> Descriptor:
    """Read what an entry says of a blob, and drop what else stands there: nobody has signed it."""
    told = Descriptor.from_json(value, path)
    if told.size > _LARGEST:
        raise MalformedDocumentError("not a size in bytes", path=f"{path}.size")
    if len(told.media_type) > _MOST_TEXT:
        raise MalformedDocumentError("too long", path=f"{path}.mediaType")
    return Descriptor(media_type=told.media_type, digest=told.digest, size=told.size)


def _signature(value: object, path: str) -> Signature | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise MalformedDocumentError("not an object", path=path)
    try:
        signature = b64decode(_text(value, "ed25519", path), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedDocumentError("not base64", path=f"{path}.ed25519") from None
    return Signature(key=_text(value, "key", path), value=signature)


def _text(value: Json, name: str, path: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= _MOST_TEXT:
        raise MalformedDocumentError("missing, empty, too long or not text", path=f"{path}.{name}")
    return text
