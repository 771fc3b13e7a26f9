"""Laws of the parts: ranges, the catalogue of a repository, content in memory."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import MalformedDocumentError
from pyjib.oci import media_type as types
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.json import dump
from pyjib.serve.catalogue import EMPTY_INDEX, Catalogue
from pyjib.serve.documents import Document
from pyjib.serve.memory import MemoryContent
from pyjib.serve.ranges import UnsatisfiableRange, asked_range, sent_range

SIZES = st.integers(0, 50)


@given(first=st.none() | SIZES, last=st.none() | SIZES, size=SIZES)
def test_asked_range_is_that_of_a_slice(first: int | None, last: int | None, size: int) -> None:
    data = bytes(range(size))
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if first is None:
        expected = data if last is None else data[max(0, size - last) :]
    else:
        expected = data[first:] if last is None else data[first : last + 1]
    try:
        found = asked_range(header, size)
    except UnsatisfiableRange:
        assert expected == b""
        return
    if first is None and last is None:
        assert found is None
    else:
        assert found is not None
        start, length = found
        assert (data[start : start + length], length > 0) == (expected, True)


@given(first=SIZES, last=SIZES)
def test_sent_range(first: int, last: int) -> None:
    expected = (first, last - first + 1) if first <= last else None
    assert sent_range(f"{first}-{last}") == expected


@given(pieces=st.lists(st.binary(min_size=1, max_size=9), max_size=6), start=SIZES, length=SIZES)
def test_content_in_pieces(pieces: list[bytes], start: int, length: int) -> None:
    data = b"".join(pieces)
    content = MemoryContent(tuple(pieces), len(data))
    assert b"".join(content.chunks(start, length)) == data[start : start + length]


def document(number: int, children: Sequence[Document] = ()) -> Document:
    entries = tuple(
        Descriptor(media_type=child.media_type, digest=child.digest, size=child.size)
        for child in children
    )
    return Document(
        digest=Digest.of(str(number).encode()),
        media_type=types.OCI_INDEX if children else types.OCI_MANIFEST,
        size=number,
        blobs=(),
        manifests=entries,
        subject=None,
        artifact_type=None,
        annotations={},
    )


LEAVES = [document(number) for number in range(4)]
INNER = [document(10 + number, LEAVES[number : number + 2]) for number in range(3)]
ROOTS = [document(20, INNER[:2]), document(21, [*INNER[1:], LEAVES[0]])]
EVERYTHING = {one.digest: one for one in (*LEAVES, *INNER, *ROOTS)}
TAGS = st.sampled_from(["a", "b", "c"])
DOCUMENTS = st.sampled_from(list(EVERYTHING.values()))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), DOCUMENTS, st.lists(TAGS, max_size=2)),
        st.tuples(st.just("untag"), st.none(), TAGS),
        st.tuples(st.just("delete"), DOCUMENTS, st.none()),
    ),
    max_size=25,
)


@given(STEPS)
def test_catalogue_is_a_set_of_manifests_and_a_map_of_tags(steps: list) -> None:
    catalogue = Catalogue.parse(EMPTY_INDEX, EVERYTHING.get)
    manifests: set[Digest] = set()
    tags: dict[str, Digest] = {}
    for step, one, more in steps:
        if step == "put":
            catalogue = catalogue.with_manifest(one, more)
            manifests.add(one.digest)
            tags |= dict.fromkeys(more, one.digest)
        elif step == "untag":
            catalogue = catalogue.without_tag(more)
            tags.pop(more, None)
        else:
            catalogue = catalogue.without_manifest(one.digest)
            manifests.discard(one.digest)
            tags = {tag: digest for tag, digest in tags.items() if digest != one.digest}
        assert (set(catalogue.manifests), catalogue.tags) == (manifests, tags)
        stored = {digest: EVERYTHING[digest] for digest in manifests}
        again = Catalogue.parse(catalogue.data, stored.get)
        assert (again.manifests, again.tags) == (catalogue.manifests, catalogue.tags)
        nested = {entry.digest for one in stored.values() for entry in one.manifests}
        listed = [entry["digest"] for entry in again.document["manifests"] if len(entry) == 3]
        assert not {str(digest) for digest in nested} & set(listed)
        assert len(listed) == len(set(listed))


def test_catalogue_of_odd_documents() -> None:
    assert Catalogue.parse(dump({"manifests": None}), EVERYTHING.get).manifests == {}
    for data in (b"", b"[]", b"{"):
        with pytest.raises(MalformedDocumentError, match=r"index\.json"):
            Catalogue.parse(data, EVERYTHING.get)
