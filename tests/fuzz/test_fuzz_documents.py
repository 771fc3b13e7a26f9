from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given

from pyjib.compare.documents import first_difference
from pyjib.image.assemble import assemble_image
from pyjib.image.validate import validate
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.identity import Identity
from pyjib.oci.image import Image
from pyjib.oci.json import dump
from pyjib.oci.manifest import Index, Manifest, parse_document
from pyjib.registry.refusal import parse_error
from tests.support.fuzzing import fuzz, odd_json_bytes, survives
from tests.support.images import random_image, random_index, temurin_image
from tests.support.plans import plan

IMAGES = (random_image(3), temurin_image())
MANIFESTS = [json.loads(image.manifest.data) for image in IMAGES]
MANIFESTS[0]["annotations"] = {"a": "b"}
MANIFESTS[0]["layers"][0]["urls"] = ["https://example.org/layer"]
INDEXES = [json.loads(random_index(5).index.data)]
CONFIGS = [json.loads(image.config.data) for image in IMAGES]
CONFIG_BYTES = json.dumps(CONFIGS[0]).encode()
PLANS = (plan(), plan(identity=Identity.of_jib("3.5.2")))
ERRORS = [{"errors": [{"code": "DENIED", "message": "no", "detail": {"a": 1}}, {"code": "X"}]}]


def surrogate_label() -> bytes:
    return json.dumps({**CONFIGS[1], "config": {"Labels": {"a": "\ud800"}}}).encode()


@given(data=odd_json_bytes([*MANIFESTS, *INDEXES]))
@example(data=json.dumps({**MANIFESTS[0], "mediaType": []}).encode())
@fuzz
def test_manifests_and_indexes(data: bytes) -> None:
    survives(lambda: use_document(data))


def use_document(data: bytes) -> None:
    document = parse_document(data)
    if isinstance(document, Index):
        dump([entry.to_json() for entry in document.manifests])
        assert Index.parse(data) == document
    else:
        dump([layer.to_json() for layer in (document.config, *document.layers)])
        assert Manifest.parse(data) == document


@given(data=odd_json_bytes(CONFIGS))
@example(data=surrogate_label())
@example(data=CONFIG_BYTES.replace(b"amd64", b"\xed\xa0\x80amd64", 1))
@fuzz
def test_configs_of_bases(data: bytes) -> None:
    for chosen in PLANS:
        survives(lambda: use_config(data, chosen))  # noqa: B023  called at once


def use_config(data: bytes, chosen: Any) -> None:
    config = ImageConfig.parse(data)
    assert isinstance(config.run, dict)
    assert isinstance(config.history, tuple)
    assert all(isinstance(value, str) for value in config.environment.values())
    base = IMAGES[0] if len(config.diff_ids) == len(IMAGES[0].layers) else IMAGES[1]
    image = Image(manifest=base.manifest, config=config, layers=base.layers)
    made = assemble_image(image, (), chosen)
    assert ImageConfig.parse(made.config.data) == made.config


@given(data=odd_json_bytes(CONFIGS))
@fuzz
def test_validating_configs(data: bytes) -> None:
    def check() -> None:
        config = Blob.of_bytes(data, IMAGES[0].manifest.config.media_type)
        manifest = Manifest.of(
            IMAGES[0].manifest.media_type, config.descriptor, IMAGES[0].manifest.layers
        )
        validate(Image(manifest=manifest, config=ImageConfig.parse(data), layers=IMAGES[0].layers))

    survives(check)


@given(data=odd_json_bytes([*CONFIGS, *MANIFESTS]))
@fuzz
def test_comparing_documents(data: bytes) -> None:
    survives(first_difference, data, IMAGES[1].config.data, "config")
    survives(first_difference, IMAGES[1].config.data, data, "config")


@given(data=odd_json_bytes(ERRORS))
@fuzz
def test_errors_of_registries(data: bytes) -> None:
    found, text = parse_error(data)
    assert all(len(str(one)) < 10_000 for one in found)
    assert len(text) < 10_000


@pytest.mark.parametrize("parse", [parse_document, ImageConfig.parse])
def test_many_small_lists(parse: Callable[[bytes], object]) -> None:
    assert (
        survives(parse, b'{"schemaVersion":2,"manifests":[' + b"[]," * 1_300_000 + b"0]}") is None
    )


@pytest.mark.parametrize("parse", [parse_document, ImageConfig.parse])
def test_a_member_that_is_there_twice_among_many(parse: Callable[[bytes], object]) -> None:
    names = [f'"{number:x}":0' for number in range(60_000)]
    survives(parse, ("{" + ",".join([*names, names[-1]]) + "}").encode(), mebibytes=60)
