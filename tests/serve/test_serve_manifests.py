"""Manifests, tags, referrers and lists over HTTP."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from pyjib.oci import media_type as types
from pyjib.oci.digest import Digest
from pyjib.oci.json import dump
from pyjib.serve import Limits, RegistryServer, Rules
from tests.support.wire import Reply, Wire

CONFIG = b"{}"
LAYER = b"not a tar, which is nobody's business here"
MISSING = Digest.of(b"missing")


@pytest.fixture
def wire(either_registry: RegistryServer) -> Iterator[Wire]:
    with Wire(either_registry.address) as connection:
        yield connection


def descriptor(data: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(Digest.of(data)), "size": len(data)}


def manifest(**members: Any) -> bytes:
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": descriptor(CONFIG, types.OCI_CONFIG),
        "layers": [descriptor(LAYER, types.OCI_LAYER)],
        **members,
    }
    return dump({name: value for name, value in document.items() if value is not None})


def index(*manifests: dict[str, Any], **members: Any) -> bytes:
    document = {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": list(manifests)}
    return dump({**document, **members})


def push_blobs(wire: Wire, name: str = "app") -> None:
    for data in (CONFIG, LAYER):
        target = f"/v2/{name}/blobs/uploads/?digest={Digest.of(data)}"
        assert wire.send("POST", target, data).status == 201


def put(
    wire: Wire, data: bytes, reference: str | None = None, media_type: str = "", name: str = "app"
) -> Reply:
    stated = media_type or json.loads(data).get("mediaType", "")
    target = f"/v2/{name}/manifests/{reference or Digest.of(data)}"
    return wire.send("PUT", target, data, Content_Type=stated)


@pytest.fixture
def pushed(wire: Wire) -> Wire:
    push_blobs(wire)
    return wire


# Putting and getting


@pytest.mark.parametrize("by_tag", [False, True])
def test_put_and_get(pushed: Wire, by_tag: bool) -> None:
    data = manifest()
    digest = str(Digest.of(data))
    reply = put(pushed, data, "1.0" if by_tag else digest)
    assert reply.status == 201
    assert reply["Location"] == f"/v2/app/manifests/{digest}"
    assert reply["Docker-Content-Digest"] == digest
    assert reply["OCI-Subject"] == "None"
    references = [digest, "1.0"] if by_tag else [digest]
    for reference in references:
        for method in ("GET", "HEAD"):
            reply = pushed.send(method, f"/v2/app/manifests/{reference}")
            assert (reply.status, reply["Content-Type"]) == (200, types.OCI_MANIFEST)
            assert reply["Docker-Content-Digest"] == digest
            assert reply["Content-Length"] == str(len(data))
            assert reply.body == (data if method == "GET" else b"")


def test_put_by_sha512_with_tags(pushed: Wire) -> None:
    data = manifest()
    digest = f"sha512:{hashlib.sha512(data).hexdigest()}"
    reply = put(pushed, data, f"{digest}?tag=one&tag=two&tag=one")
    assert (reply.status, reply["OCI-Tag"]) == (201, "one, two")
    assert reply["Docker-Content-Digest"] == digest
    assert pushed.send("HEAD", "/v2/app/manifests/two")["Docker-Content-Digest"] == digest
    assert pushed.send("HEAD", f"/v2/app/manifests/{Digest.of(data)}").status == 404


def test_tag_moves(pushed: Wire) -> None:
    first, second = manifest(), manifest(annotations={"a": "b"})
    put(pushed, first, "latest")
    put(pushed, second, "latest")
    assert pushed.send("GET", "/v2/app/manifests/latest").body == second
    assert pushed.send("GET", f"/v2/app/manifests/{Digest.of(first)}").body == first


def test_odd_json_is_stored_as_it_came(pushed: Wire) -> None:
    data = b"\n " + manifest().replace(b",", b" ,\n", 2) + b"\n"
    assert put(pushed, data, "t").status == 201
    assert pushed.send("GET", "/v2/app/manifests/t").body == data


@pytest.mark.parametrize("stated", ["", "application/json", f"{types.OCI_MANIFEST}; charset=utf-8"])
def test_body_decides_where_the_header_says_little(pushed: Wire, stated: str) -> None:
    data = manifest(mediaType=None)
    assert put(pushed, data, "t", stated).status == 201
    assert pushed.send("GET", "/v2/app/manifests/t")["Content-Type"] == types.OCI_MANIFEST


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (types.OCI_MANIFEST, 200),
        (f"{types.OCI_INDEX}, {types.OCI_MANIFEST};q=0.5", 200),
        ("*/*", 200),
        ("application/json", 200),
        (f"{types.OCI_INDEX}, {types.DOCKER_MANIFEST}", 404),
    ],
)
def test_accept(pushed: Wire, accept: str, status: int) -> None:
    put(pushed, manifest(), "t")
    assert pushed.send("GET", "/v2/app/manifests/t", Accept=accept).status == status


def test_unknown(pushed: Wire) -> None:
    for target in ("app/manifests/none", f"app/manifests/{MISSING}", "none/manifests/t"):
        reply = pushed.send("GET", f"/v2/{target}")
        assert (reply.status, reply.code) == (404, "MANIFEST_UNKNOWN")
        assert pushed.send("HEAD", f"/v2/{target}").body == b""


def test_a_blob_is_no_manifest(pushed: Wire) -> None:
    data = manifest()
    pushed.send("POST", f"/v2/app/blobs/uploads/?digest={Digest.of(data)}", data)
    assert pushed.send("GET", f"/v2/app/manifests/{Digest.of(data)}").status == 404


# What is refused


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "JSON"),
        (b"[]", "object"),
        (b'{"schemaVersion": 1}', "schema 1"),
        (b'{"schemaVersion": 2}', "neither"),
        (manifest(manifests=[]), "both"),
        (manifest(layers=None), "layers"),
        (manifest(config={}), "config.size"),
        (manifest(layers=[{"mediaType": "a/b", "digest": "sha256:x", "size": 1}]), "layers[0]"),
        (manifest(mediaType=types.OCI_INDEX), "mediaType"),
        (manifest(subject={"digest": "x"}), "subject"),
        (manifest(artifactType=1), "artifactType"),
        (manifest(annotations={"a": 1}), "annotations"),
        (manifest()[:-1] + b',"layers":[]}', "twice"),
        (b"[" * 100_000, "JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_invalid(pushed: Wire, data: bytes, why: str) -> None:
    reply = put(pushed, data, "t", types.OCI_MANIFEST)
    assert (reply.status, reply.code) == (400, "MANIFEST_INVALID")
    assert why in reply.json["errors"][0]["message"]
    assert pushed.send("GET", "/v2/app/manifests/t").status == 404


def test_type_of_header_and_body_differ(pushed: Wire) -> None:
    reply = put(pushed, manifest(), "t", types.DOCKER_MANIFEST)
    assert (reply.status, reply.code) == (400, "MANIFEST_INVALID")


def test_digest_differs(pushed: Wire) -> None:
    for reference in (str(MISSING), "sha256:abc", "sha512:" + "0" * 128):
        reply = put(pushed, manifest(), reference)
        assert (reply.status, reply.code) == (400, "DIGEST_INVALID")


@pytest.mark.parametrize("tag", ["-x", ".x", "x" * 129, "a%20b", "%2e%2e", "a?tag=b"])
def test_not_a_tag(pushed: Wire, tag: str) -> None:
    reply = put(pushed, manifest(), tag)
    expected = 201 if tag == "a?tag=b" else 400  # tags in the query go with a digest only
    assert reply.status == expected
    assert pushed.send("GET", "/v2/app/tags/list").json["tags"] == (["a"] if "?" in tag else [])


def test_bad_tag_in_the_query(pushed: Wire) -> None:
    data = manifest()
    assert put(pushed, data, f"{Digest.of(data)}?tag=ok&tag=-x").status == 400
    too_many = "&".join(f"tag=t{number}" for number in range(101))
    assert put(pushed, data, f"{Digest.of(data)}?{too_many}").status == 414


def test_too_large(pushed: Wire) -> None:
    half = {f"k{number}": "x" * 100_000 for number in range(60)}
    assert put(pushed, manifest(annotations=half), "t").status == 201
    for body in (whole := b"x" * ((8 << 20) + 1), [whole]):
        reply = pushed.send("PUT", "/v2/app/manifests/t", body)
        assert (reply.status, reply.code) == (413, "SIZE_INVALID")


# Content that is not there


def test_missing_blobs_are_named(wire: Wire) -> None:
    reply = put(wire, manifest(), "t")
    assert (reply.status, reply.code) == (404, "MANIFEST_BLOB_UNKNOWN")
    named = {error["detail"]["digest"] for error in reply.json["errors"]}
    assert named == {str(Digest.of(CONFIG)), str(Digest.of(LAYER))}


def test_blobs_of_another_repository_do_not_count(pushed: Wire) -> None:
    assert put(pushed, manifest(), "t", name="other").status == 404


def test_wrong_size(pushed: Wire) -> None:
    layer = {**descriptor(LAYER, types.OCI_LAYER), "size": 1}
    reply = put(pushed, manifest(layers=[layer]), "t")
    assert (reply.status, reply.code) == (400, "MANIFEST_INVALID")


def test_foreign_layers_need_not_be_there(pushed: Wire) -> None:
    media_type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    foreign = {**descriptor(b"windows", media_type), "urls": ["https://example.com/layer"]}
    assert put(pushed, manifest(layers=[foreign]), "t").status == 201


def test_index_needs_its_manifests_as_manifests(pushed: Wire) -> None:
    one = manifest()
    data = index(descriptor(one, types.OCI_MANIFEST))
    assert put(pushed, data, "t").code == "MANIFEST_BLOB_UNKNOWN"
    pushed.send("POST", f"/v2/app/blobs/uploads/?digest={Digest.of(one)}", one)
    assert put(pushed, data, "t").code == "MANIFEST_BLOB_UNKNOWN"
    put(pushed, one)
    assert put(pushed, data, "t").status == 201
    nested = index(descriptor(data, types.OCI_INDEX))
    assert put(pushed, nested, "nested").status == 201
    assert pushed.send("GET", "/v2/app/manifests/nested")["Content-Type"] == types.OCI_INDEX


def test_sparse_if_allowed() -> None:
    with RegistryServer(rules=Rules(sparse=True)) as server, Wire(server.address) as wire:
        assert put(wire, manifest(), "image").status == 201
        absent = descriptor(b"absent", types.OCI_MANIFEST)
        assert put(wire, index(absent), "index").status == 201


# Referrers


def artifact(kind: str | None, subject: bytes, **annotations: str) -> bytes:
    return manifest(
        artifactType=kind,
        subject=descriptor(subject, types.OCI_MANIFEST),
        annotations=annotations or None,
    )


def referrers(wire: Wire, subject: bytes, query: str = "") -> Reply:
    reply = wire.send("GET", f"/v2/app/referrers/{Digest.of(subject)}{query}")
    assert (reply.status, reply["Content-Type"]) == (200, types.OCI_INDEX)
    assert (reply.json["schemaVersion"], reply.json["mediaType"]) == (2, types.OCI_INDEX)
    return reply


def test_referrers(pushed: Wire) -> None:
    subject = manifest()
    sbom = artifact("application/sbom", subject, tool="pyjib")
    plain = artifact(None, subject)
    listing = index(subject=descriptor(subject, types.OCI_MANIFEST))
    for data in (sbom, plain, listing):  # before their subject, which is allowed
        assert put(pushed, data)["OCI-Subject"] == str(Digest.of(subject))
    put(pushed, subject, "t")
    found = {entry["digest"]: entry for entry in referrers(pushed, subject).json["manifests"]}
    assert found == {
        str(Digest.of(sbom)): {
            **descriptor(sbom, types.OCI_MANIFEST),
            "artifactType": "application/sbom",
            "annotations": {"tool": "pyjib"},
        },
        str(Digest.of(plain)): {
            **descriptor(plain, types.OCI_MANIFEST),
            "artifactType": types.OCI_CONFIG,
        },
        str(Digest.of(listing)): descriptor(listing, types.OCI_INDEX),
    }
    filtered = referrers(pushed, subject, "?artifactType=application/sbom")
    assert filtered["OCI-Filters-Applied"] == "artifactType"
    assert [entry["digest"] for entry in filtered.json["manifests"]] == [str(Digest.of(sbom))]
    assert pushed.send("DELETE", f"/v2/app/manifests/{Digest.of(sbom)}").status == 202
    assert referrers(pushed, subject, "?artifactType=application/sbom").json["manifests"] == []


def test_referrers_of_what_is_not_there(wire: Wire) -> None:
    assert referrers(wire, b"nothing").json["manifests"] == []
    assert wire.send("GET", "/v2/app/referrers/latest").code == "DIGEST_INVALID"


def test_referrers_in_pages() -> None:
    with RegistryServer(rules=Rules(limits=Limits(page=2))) as server, Wire(server.address) as wire:
        push_blobs(wire)
        subject = manifest()
        wanted = [artifact("a/b", subject, number=str(number)) for number in range(5)]
        for data in wanted:
            put(wire, data)
        put(wire, artifact("c/d", subject))
        target = f"/v2/app/referrers/{Digest.of(subject)}?artifactType=a%2Fb"
        assert pages(wire, target, "manifests", "digest") == sorted(
            str(Digest.of(data)) for data in wanted
        )


def test_referrers_fill_no_more_than_an_index_may_have(pushed: Wire) -> None:
    subject = manifest()
    for number in range(3):
        put(pushed, artifact("a/b", subject, number=str(number), filler="x" * 2_000_000))
    first = referrers(pushed, subject)
    assert len(first.json["manifests"]) == 2
    target = f"/v2/app/referrers/{Digest.of(subject)}"
    assert len(pages(pushed, target, "manifests", "digest")) == 3


# Lists


def pages(wire: Wire, target: str, member: str, key: str | None = None) -> list[str]:
    found: list[str] = []
    while target:
        reply = wire.send("GET", target)
        assert reply.status == 200
        found += [entry[key] if key else entry for entry in reply.json[member]]
        link = reply.headers["Link"] or ""
        assert not link or link.endswith('>; rel="next"')
        target = link.partition("<")[2].partition(">")[0]
    return found


def test_tags(pushed: Wire) -> None:
    tags = ["b", "A", "a", "1.0", "_x", "Z"]
    for tag in tags:
        put(pushed, manifest(), tag)
    reply = pushed.send("GET", "/v2/app/tags/list")
    assert reply.json == {"name": "app", "tags": sorted(tags)}
    assert reply["Link"] == "None"
    for n in (1, 2, 5, 6, 7):
        assert pages(pushed, f"/v2/app/tags/list?n={n}", "tags") == sorted(tags)
    first = pushed.send("GET", "/v2/app/tags/list?n=2")
    assert first.json["tags"] == ["1.0", "A"]
    assert first["Link"] == '</v2/app/tags/list?n=2&last=A>; rel="next"'
    assert pushed.send("GET", "/v2/app/tags/list?last=_x").json["tags"] == ["a", "b"]
    assert pushed.send("GET", "/v2/app/tags/list?last=zzz").json["tags"] == []
    none = pushed.send("GET", "/v2/app/tags/list?n=0")
    assert (none.json["tags"], none["Link"]) == ([], "None")
    for n in ("-1", "x", "", "9" * 30):
        assert pushed.send("GET", f"/v2/app/tags/list?n={n}").status == 400


def test_tags_of_a_repository_without(pushed: Wire) -> None:
    assert pushed.send("GET", "/v2/app/tags/list").json["tags"] == []
    reply = pushed.send("GET", "/v2/none/tags/list")
    assert (reply.status, reply.code) == (404, "NAME_UNKNOWN")


def test_more_tags_than_one_answer_has() -> None:
    with RegistryServer(rules=Rules(limits=Limits(page=3))) as server, Wire(server.address) as wire:
        push_blobs(wire)
        data = manifest()
        tags = "&".join(f"tag=t{number}" for number in range(8))
        put(wire, data, f"{Digest.of(data)}?{tags}")
        for query in ("", "?n=100"):
            found = pages(wire, f"/v2/app/tags/list{query}", "tags")
            assert found == [f"t{number}" for number in range(8)]


def test_catalog(wire: Wire) -> None:
    assert wire.send("GET", "/v2/_catalog").json == {"repositories": []}
    names = ["a/b/c", "a", "z"]
    for name in names:
        push_blobs(wire, name)
    assert wire.send("GET", "/v2/_catalog").json == {"repositories": sorted(names)}
    assert pages(wire, "/v2/_catalog?n=1", "repositories") == sorted(names)


# Deleting


def test_delete_a_tag_leaves_the_manifest(pushed: Wire) -> None:
    data = manifest()
    put(pushed, data, "one")
    put(pushed, data, "two")
    assert pushed.send("DELETE", "/v2/app/manifests/one").status == 202
    assert pushed.send("DELETE", "/v2/app/manifests/one").code == "MANIFEST_UNKNOWN"
    assert pushed.send("GET", "/v2/app/manifests/one").status == 404
    assert pushed.send("GET", "/v2/app/manifests/two").status == 200
    pushed.send("DELETE", "/v2/app/manifests/two")
    assert pushed.send("GET", f"/v2/app/manifests/{Digest.of(data)}").body == data


def test_delete_a_manifest_deletes_its_tags(pushed: Wire) -> None:
    data = manifest()
    put(pushed, data, "one")
    put(pushed, data, "two")
    target = f"/v2/app/manifests/{Digest.of(data)}"
    assert pushed.send("DELETE", target).status == 202
    assert pushed.send("DELETE", target).code == "MANIFEST_UNKNOWN"
    assert pushed.send("GET", "/v2/app/tags/list").json["tags"] == []
    assert pushed.send("GET", f"/v2/app/blobs/{Digest.of(data)}").status == 404
    assert pushed.send("DELETE", "/v2/none/manifests/t").code == "NAME_UNKNOWN"


def test_delete_an_index_leaves_its_manifests(pushed: Wire) -> None:
    one = manifest()
    put(pushed, one)
    data = index(descriptor(one, types.OCI_MANIFEST))
    put(pushed, data, "t")
    pushed.send("DELETE", f"/v2/app/manifests/{Digest.of(data)}")
    assert pushed.send("GET", f"/v2/app/manifests/{Digest.of(one)}").body == one


def test_a_manifest_is_not_deleted_as_a_blob(pushed: Wire) -> None:
    data = manifest()
    put(pushed, data, "t")
    assert pushed.send("DELETE", f"/v2/app/blobs/{Digest.of(data)}").status == 405
    assert pushed.send("GET", "/v2/app/manifests/t").status == 200
