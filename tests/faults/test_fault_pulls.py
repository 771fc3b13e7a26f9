"""Faults 30 to 42: blobs and manifests that are elsewhere, cut, damaged or not what they say."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyjib.errors import (
    ContentError,
    DigestMismatchError,
    MalformedDocumentError,
    RegistryError,
    SizeMismatchError,
    TransportError,
)
from pyjib.oci import media_type as types
from pyjib.registry.transfer import push_image
from pyjib.serve import Fault, Moment, RegistryServer
from pyjib.store.store import Store
from tests.support.images import random_image
from tests.support.registry import image_in, put_blob, put_image
from tests.support.trouble import BLOBS, MIB, SESSION, Client, Stage, at, blob_of, name, seen

pytestmark = pytest.mark.faults
BLOB = blob_of(3 * MIB)
IMAGE = random_image(1)
MANIFESTS = "**/manifests/*"
HIDDEN = at(Moment.BEFORE, "GET", BLOBS, hide=frozenset({"range"}))


def opened(stage: Stage, *faults: Fault, **options: Any) -> tuple[RegistryServer, Client]:
    """Open a registry that has the blob and the image, and a client."""
    server = stage.registry(*faults, **options)
    put_blob(server, "team/app", BLOB)
    put_image(server, "team/app", IMAGE, "1")
    return server, stage.client()


def on_blob(**more: Any) -> Fault:
    return at(Moment.AFTER, "GET", BLOBS, **more)


def on_manifest(method: str = "GET", **more: Any) -> Fault:
    return at(Moment.AFTER, method, MANIFESTS, **more)


def check_pulled(server: RegistryServer, it: Client) -> None:
    data = b"".join(it.client.blob_chunks(name(server), BLOB.descriptor))
    with BLOB.open() as reader:
        assert data == reader.read()


def asked(server: RegistryServer) -> list[tuple[int, str | None]]:
    """Return status and range of each request for the blob."""
    return [(one.status, one.headers.get("range")) for one in seen(server, "GET", "blobs")]


def test_fault_30_redirect_to_another_host(stage: Stage) -> None:
    store = stage.registry()
    put_blob(store, "team/app", BLOB)
    there = (("Location", f"{store.url}{{path}}?X-Sig=a%2Fb+c="),)
    away = at(Moment.AFTER, "GET", BLOBS, answered=200, status=307, headers=there, body=b"")
    server, _ = opened(stage, away, users={"me": "pw"})
    check_pulled(server, stage.client(login=(server.address, "me", "pw")))
    assert "authorization" in seen(server, "GET", "blobs")[-1].headers
    assert [one.query for one in store.journal] == ["X-Sig=a%2Fb+c="]
    assert "authorization" not in store.journal[0].headers


def test_fault_31_redirects_in_a_circle(stage: Stage) -> None:
    again = (("Location", "{path}?again"),)
    server, it = opened(stage, at(Moment.BEFORE, "GET", BLOBS, status=307, headers=again))
    with pytest.raises(RegistryError, match="more than 5 redirects"):
        check_pulled(server, it)
    assert len(asked(server)) == 6


def test_fault_31_redirect_out_of_tls(stage: Stage) -> None:
    spy = stage.plain()
    put_blob(spy, "team/app", BLOB)
    there = (("Location", f"{spy.url}{{path}}"),)
    server, it = opened(stage, at(Moment.BEFORE, "GET", BLOBS, status=307, headers=there))
    if stage.tls:
        with pytest.raises(TransportError, match="plain http"):
            check_pulled(server, it)
        assert spy.journal == ()
    else:
        check_pulled(server, it)
    assert len(asked(server)) == 1


def test_fault_32_302_on_put(stage: Stage) -> None:
    there = (("Location", "/elsewhere"),)
    server = stage.registry(at(Moment.BEFORE, "PUT", SESSION, status=302, headers=there))
    with pytest.raises(RegistryError, match="302"):
        stage.client().client.blob_push(name(server), BLOB)
    assert len(seen(server, "PUT")) == 1
    assert [one for one in server.journal if one.path == "/elsewhere"] == []


def test_fault_33_blob_cut_short(stage: Stage) -> None:
    server, it = opened(stage, on_blob(truncate=MIB, calls=(1, 1)))
    check_pulled(server, it)
    assert asked(server) == [(200, None), (206, f"bytes={MIB}-")]


def test_fault_34_range_ignored(stage: Stage) -> None:
    server, it = opened(stage, HIDDEN, on_blob(truncate=MIB, calls=(1, 1)))
    check_pulled(server, it)
    assert asked(server) == [(200, None), (200, f"bytes={MIB}-")]


@pytest.mark.parametrize(
    "stated",
    [f"bytes 0-{3 * MIB - 1}/{3 * MIB}", f"bytes {MIB}-{3 * MIB}/{3 * MIB + 1}", "pages 1-2"],
)
def test_fault_35_206_from_elsewhere(stage: Stage, stated: str) -> None:
    wrong = on_blob(answered=206, headers=(("Content-Range", stated),), calls=(1, 1))
    server, it = opened(stage, wrong, on_blob(truncate=MIB, calls=(1, 1)))
    check_pulled(server, it)
    assert asked(server) == [(200, None), (206, f"bytes={MIB}-"), (200, None)]


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        ({"corrupt": -1}, DigestMismatchError),
        ({"append": b"x"}, SizeMismatchError),
        ({"shorten": 3 * MIB - 1}, SizeMismatchError),
    ],
    ids=["flip", "long", "short"],
)
def test_fault_36_other_bytes(
    stage: Stage, tmp_path: Path, damage: dict[str, Any], error: type[Exception]
) -> None:
    server, it = opened(stage, HIDDEN, on_blob(**damage))
    store = Store(tmp_path)
    with pytest.raises(error):
        store.fetch(BLOB.descriptor, it.client.blob_chunks(name(server), BLOB.descriptor))
    assert Store(tmp_path).find(BLOB.descriptor) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_fault_36_bytes_without_an_end(stage: Stage, tmp_path: Path) -> None:
    """Client and store each stop at the first byte too many, whoever else would."""
    server, it = opened(stage, on_blob(endless=True))
    taken: list[int] = []
    with pytest.raises(SizeMismatchError, match="more bytes"):
        taken.extend(map(len, it.client.blob_chunks(name(server), BLOB.descriptor)))
    assert sum(taken) <= 3 * MIB
    assert len(asked(server)) == 1
    handed_over = 0

    def chunks() -> Iterator[bytes]:
        nonlocal handed_over
        while handed_over < 100:
            handed_over += 1
            yield bytes(MIB)

    with pytest.raises(SizeMismatchError, match="more bytes"):
        Store(tmp_path).fetch(BLOB.descriptor, chunks())
    assert handed_over == 4
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_fault_37_content_encoding_on_a_blob(stage: Stage) -> None:
    server, it = opened(stage, on_blob(headers=(("Content-Encoding", "gzip"),)))
    check_pulled(server, it)
    assert seen(server, "GET", "blobs")[0].headers["accept-encoding"] == "identity"


def test_fault_38_other_bytes_for_a_digest(stage: Stage) -> None:
    server, it = opened(stage, on_manifest(corrupt=-2))
    with pytest.raises(DigestMismatchError):
        it.client.manifest_get(name(server).with_digest(IMAGE.digest))
    assert len(seen(server, "GET", "manifests")) == 1


@pytest.mark.parametrize(
    "lie",
    [
        {"headers": (("Content-Type", types.OCI_INDEX),)},
        {"body": IMAGE.manifest.data[:-1] + b',"manifests":[]}'},
        {"body": b'{"schemaVersion":1}'},
    ],
    ids=["type", "both", "schema 1"],
)
def test_fault_39_two_meanings(stage: Stage, lie: dict[str, Any]) -> None:
    server, it = opened(stage, on_manifest(**lie))
    with pytest.raises(MalformedDocumentError):
        it.client.manifest_get(name(server))


@pytest.mark.parametrize(
    "size", [{"body": b" " * (5 * MIB)}, {"endless": True}], ids=["5 MiB", "endless"]
)
def test_fault_40_too_much_manifest(stage: Stage, size: dict[str, Any]) -> None:
    server, it = opened(stage, on_manifest(**size))
    tracemalloc.start()
    try:
        with pytest.raises(ContentError, match="more than 4194304 bytes"):
            it.client.manifest_get(name(server))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * MIB


@pytest.mark.parametrize(
    "head",
    [
        {"status": 405},
        {"remove": frozenset({"docker-content-digest"})},
        {"remove": frozenset({"content-type"})},
    ],
    ids=["405", "no digest", "no type"],
)
def test_fault_41_head_of_no_use(stage: Stage, head: dict[str, Any]) -> None:
    server, it = opened(stage, on_manifest("HEAD", **head))
    assert it.client.manifest_head(name(server)) == IMAGE.descriptor
    assert [one.method for one in server.journal if "manifests" in one.path] == ["HEAD", "GET"]


def test_fault_42_403_for_what_is_missing(stage: Stage) -> None:
    server = stage.registry(on_manifest("HEAD|GET", answered=404, status=403))
    it = stage.client()
    push_image(
        it.client,
        IMAGE,
        name(server),
        (),
        jobs=2,
        listener=it.events.append,
        cancellation=it.cancellation,
    )
    assert 403 in {one.status for one in server.journal}
    pushed = image_in(server, "team/app", "1")
    assert pushed is not None
    assert pushed.digest == IMAGE.digest
