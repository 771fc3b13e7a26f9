"""Laws of documents: JSON, descriptors, manifests, indexes and configs."""

from __future__ import annotations

import json as stdlib_json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import MalformedDocumentError
from pyjib.oci import media_type as types
from pyjib.oci.config import ImageConfig
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.json import MAX_DOCUMENT, dump, load
from pyjib.oci.manifest import Index, Manifest, parse_document
from pyjib.oci.platform import Platform

texts = st.text(max_size=20)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=12,
)
digests = st.binary(max_size=4).map(Digest.of)
platforms = st.builds(
    Platform,
    os=st.sampled_from(["linux", "windows"]),
    architecture=st.sampled_from(["amd64", "arm64", "arm"]),
    variant=st.sampled_from([None, "v7", "v8"]),
)


def descriptors(media_types: set[str] | frozenset[str]) -> st.SearchStrategy[Descriptor]:
    return st.builds(
        Descriptor,
        media_type=st.sampled_from(sorted(media_types)),
        digest=digests,
        size=st.integers(0, 2**62),
        platform=st.one_of(st.none(), platforms),
        annotations=st.dictionaries(texts.filter(bool), texts, max_size=2),
    )


layers = descriptors({types.OCI_LAYER_GZIP, types.DOCKER_LAYER_ZSTD})


@given(st.dictionaries(texts, values, max_size=4))
def test_json_round_trip(document: dict[str, Any]) -> None:
    data = dump(document)
    assert load(data, "document") == document
    assert list(load(data, "document")) == list(document)
    assert dump(load(data, "document")) == data


def test_json_is_what_jackson_writes() -> None:
    document = {"b": 'ä\u2028<&>\x00\x1f"\\/\n', "a": ["\U0001f600", "\\u00e4", 1, True, None]}
    assert dump(document).decode() == (
        '{"b":"ä\u2028<&>\\u0000\\u001F\\"\\\\/\\n","a":["\\uD83D\\uDE00","\\\\u00e4",1,true,null]}'
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"a":1}x',
        b'{"a":1,"a":2}',
        b'{"x":{"a":1,"a":2}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b" " * MAX_DOCUMENT + b"{}",
    ],
)
def test_what_is_no_document(data: bytes) -> None:
    with pytest.raises(MalformedDocumentError):
        load(data, "document")


@given(layers)
def test_descriptor_round_trip(descriptor: Descriptor) -> None:
    assert Descriptor.from_json(descriptor.to_json(), "x") == descriptor


GOOD = {"mediaType": "a/b", "digest": str(Digest.of(b"")), "size": 0}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"size": -1}, "x.size"),
        ({"size": True}, "x.size"),
        ({"size": "1"}, "x.size"),
        ({"size": 1.0}, "x.size"),
        ({"size": None}, "x.size"),
        ({"digest": "sha256:../../x"}, "x.digest"),
        ({"digest": 1}, "x.digest"),
        ({"mediaType": ""}, "x.mediaType"),
        ({"platform": []}, "x.platform"),
        ({"platform": {"os": "linux"}}, "x.platform.architecture"),
        ({"annotations": {"a": 1}}, "x.annotations"),
    ],
)
def test_what_is_no_descriptor(change: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedDocumentError) as caught:
        Descriptor.from_json(GOOD | change, "x")
    assert caught.value.path == path


@given(
    st.sampled_from(sorted(types.MANIFESTS)),
    descriptors(types.CONFIGS),
    st.lists(layers, max_size=3).map(tuple),
)
def test_manifest_round_trip(
    media_type: str, config: Descriptor, below: tuple[Descriptor, ...]
) -> None:
    manifest = Manifest.of(media_type, config, below)
    assert parse_document(manifest.data) == manifest
    assert manifest.descriptor == Descriptor.of(manifest.data, media_type)


@given(st.sampled_from(sorted(types.INDEXES)), st.lists(layers, max_size=3).map(tuple))
def test_index_round_trip(media_type: str, below: tuple[Descriptor, ...]) -> None:
    index = Index.of(media_type, below)
    assert parse_document(index.data) == index
    assert index.descriptor.digest == Digest.of(index.data)


CONFIG = GOOD | {"mediaType": types.OCI_CONFIG}
MANIFEST = {"schemaVersion": 2, "config": CONFIG, "layers": []}
INDEX = {"schemaVersion": 2, "manifests": []}


@pytest.mark.advisories
@pytest.mark.parametrize(
    "document",
    [
        MANIFEST | INDEX,
        INDEX | {"layers": []},
        INDEX | {"config": CONFIG},
        INDEX | {"fsLayers": []},
        MANIFEST | {"mediaType": types.OCI_INDEX},
        INDEX | {"mediaType": types.OCI_MANIFEST},
        MANIFEST | {"mediaType": "application/json"},
        MANIFEST | {"mediaType": 1},
        MANIFEST | {"schemaVersion": 1},
        MANIFEST | {"schemaVersion": "2"},
        MANIFEST | {"layers": None},
        MANIFEST | {"layers": [1]},
        MANIFEST | {"config": None},
        {"schemaVersion": 2},
        {"schemaVersion": 1, "fsLayers": [], "history": []},
    ],
)
def test_ambiguous_documents_are_refused(document: dict[str, Any]) -> None:
    """CVE-2021-41190: one digest must not mean two things."""
    with pytest.raises(MalformedDocumentError):
        parse_document(stdlib_json.dumps(document).encode())


def test_documents_without_a_media_type_are_oci() -> None:
    assert parse_document(dump(MANIFEST)).media_type == types.OCI_MANIFEST
    assert parse_document(dump(INDEX)).media_type == types.OCI_INDEX


@given(st.binary(max_size=60))
def test_any_bytes_are_a_document_or_an_error(data: bytes) -> None:
    for parse in (parse_document, Manifest.parse, Index.parse, ImageConfig.parse):
        with pytest.raises(MalformedDocumentError):
            parse(data)


def test_config_is_a_view() -> None:
    data = dump(
        {
            "os": "linux",
            "architecture": "arm64",
            "variant": "v8",
            "config": {"Env": ["A=1=2", "odd", "B="]},
            "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(b""))]},
            "x-unknown": {"kept": True},
        }
    )
    config = ImageConfig.parse(data)
    assert str(config.platform) == "linux/arm64/v8"
    assert config.environment == {"A": "1=2", "B": ""}
    assert config.diff_ids == (Digest.of(b""),)
    assert config.digest == Digest.of(data)
    assert config.document["x-unknown"] == {"kept": True}


@pytest.mark.parametrize(
    "change",
    [
        {"os": None},
        {"architecture": 1},
        {"rootfs": {"diff_ids": "x"}},
        {"rootfs": {"diff_ids": ["x"]}},
        {"rootfs": {"diff_ids": [1]}},
    ],
)
def test_what_is_no_config(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedDocumentError):
        ImageConfig.parse(dump({"os": "linux", "architecture": "amd64"} | change))


@pytest.mark.parametrize("image_format", types.ImageFormat)
def test_media_types(image_format: types.ImageFormat) -> None:
    for compression in types.Compression:
        media_type = types.layer_type(image_format, compression)
        assert types.layer_compression(media_type) is compression
        assert types.format_of(media_type) is image_format
        assert not types.is_foreign(media_type)
    assert types.is_index(types.index_type(image_format))
    assert types.is_manifest(types.manifest_type(image_format))
    assert not types.is_index(types.manifest_type(image_format))
    assert types.format_of(types.config_type(image_format)) is image_format
