"""Manifests, tags and referrers, and what registries get wrong about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pyjib.errors import (
    CancelledError,
    ContentError,
    DeniedError,
    DigestMismatchError,
    InvalidReferenceError,
    MalformedDocumentError,
    NotFoundError,
    PyjibError,
    RegistryError,
    TransportError,
    UnauthorizedError,
)
from pyjib.events import ManifestPushed, Warned
from pyjib.oci import media_type as types
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.json import dump
from pyjib.oci.manifest import Index, Manifest
from pyjib.oci.reference import Reference
from pyjib.registry.calls import paging
from pyjib.registry.calls.referrers import _turn as turn_of
from pyjib.registry.calls.referrers import fallback_tag
from tests.support.clients import watched
from tests.support.scripted import Reply, ScriptedServer, Seen

CONFIG = Descriptor.of(b"{}", types.DOCKER_CONFIG)
MANIFEST = Manifest.of(types.DOCKER_MANIFEST, CONFIG, ())
DATA, TYPE, DIGEST = MANIFEST.data, types.DOCKER_MANIFEST, MANIFEST.descriptor.digest
ACCEPT = ", ".join(types.ACCEPTED)
GOOD_HEAD = {
    "Docker-Content-Digest": str(DIGEST),
    "Content-Length": str(len(DATA)),
    "Content-Type": f"{TYPE}; charset=utf-8",
}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


def tagged(server: ScriptedServer) -> Reference:
    return Reference.parse(f"{server.address}/team/app:1")


def pinned(server: ScriptedServer) -> Reference:
    return tagged(server).with_digest(DIGEST)


def test_head(server: ScriptedServer) -> None:
    server.rule("HEAD", ".*", Reply(200, GOOD_HEAD))
    with watched() as it:
        assert it.client.manifest_head(tagged(server)) == MANIFEST.descriptor
        assert it.client.manifest_head(pinned(server)) == MANIFEST.descriptor
    assert server.requests == [
        "HEAD /v2/team/app/manifests/1",
        f"HEAD /v2/team/app/manifests/{DIGEST}",
    ]
    assert server.seen("HEAD")[0].headers["accept"] == ACCEPT


def test_head_of_nothing(server: ScriptedServer) -> None:
    with watched() as it:
        assert it.client.manifest_head(tagged(server)) is None


@pytest.mark.faults
@pytest.mark.parametrize(
    "reply",
    [
        Reply(405),
        Reply(403),
        Reply(200, GOOD_HEAD | {"Docker-Content-Digest": ""}),
        Reply(200, GOOD_HEAD | {"Docker-Content-Digest": "sha256:../../x"}),
        Reply(200, GOOD_HEAD | {"Content-Type": "application/json"}),
        Reply(200, {"Docker-Content-Digest": str(DIGEST), "Content-Type": TYPE}),
        Reply(200, GOOD_HEAD | {"Docker-Content-Digest": "sha256:" + "0" * 64}),
    ],
)
def test_head_that_is_of_no_use(server: ScriptedServer, reply: Reply) -> None:
    server.rule("HEAD", ".*", reply)
    server.rule("GET", ".*/manifests/.*", Reply(200, {}, DATA))
    with watched() as it:
        described = it.client.manifest_head(pinned(server))
    assert described is not None
    assert described.digest == DIGEST


@pytest.mark.faults
def test_head_403_tells_what_get_says(server: ScriptedServer) -> None:
    server.rule("HEAD", ".*", Reply(403))
    server.rule("GET", ".*", Reply(403, {}, b'{"errors":[{"code":"DENIED","message":"no, you"}]}'))
    with watched() as it, pytest.raises(DeniedError, match="DENIED: no, you"):
        it.client.manifest_head(tagged(server))


@pytest.mark.faults
@pytest.mark.parametrize("status", [403, 405])
def test_nothing_where_head_is_not_allowed(server: ScriptedServer, status: int) -> None:
    """As behind a proxy that lets GET alone through: a first push must not fail for it."""
    server.rule("HEAD", ".*", Reply(status))
    server.rule("GET", ".*", Reply(404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'))
    with watched() as it:
        assert it.client.manifest_head(tagged(server)) is None


def test_get(server: ScriptedServer) -> None:
    server.rule("GET", ".*/manifests/.*", Reply(200, GOOD_HEAD, DATA))
    with watched() as it:
        assert it.client.manifest_get(tagged(server)) == (DATA, TYPE)
        assert it.client.manifest_get(pinned(server)) == (DATA, TYPE)
    assert it.events == []


def test_get_of_nothing(server: ScriptedServer) -> None:
    answer = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
    server.rule("GET", ".*/manifests/.*", Reply(404, {}, answer))
    with watched() as it, pytest.raises(NotFoundError) as caught:
        it.client.manifest_get(tagged(server))
    assert caught.value.message == (
        f"cannot get the manifest of {server.address}/team/app:1: {server.address} answered "
        "404 Not Found (MANIFEST_UNKNOWN: manifest unknown)"
    )
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["MANIFEST_UNKNOWN"]


@pytest.mark.advisories
def test_other_bytes_for_a_digest(server: ScriptedServer) -> None:
    """GHSA-qv35-3gw6-8q4j: the header agrees, the bytes do not."""
    other = DATA.replace(b'"layers"', b'"layers" ')
    server.rule("GET", ".*/manifests/.*", Reply(200, GOOD_HEAD, other, length=len(other)))
    headers = GOOD_HEAD | {"Content-Length": str(len(other))}
    server.rule("GET", ".*", Reply(200, headers, other))
    with watched() as it, pytest.raises(PyjibError):
        it.client.manifest_get(pinned(server))


@pytest.mark.advisories
def test_other_bytes_of_the_same_length(server: ScriptedServer) -> None:
    """GHSA-qv35-3gw6-8q4j."""
    server.rule("GET", ".*/manifests/.*", Reply(200, GOOD_HEAD, DATA[:-1] + b" "))
    with watched() as it, pytest.raises(DigestMismatchError):
        it.client.manifest_get(pinned(server))


def test_a_wrong_digest_header_for_a_tag_only_warns(server: ScriptedServer) -> None:
    headers = {"Docker-Content-Digest": "sha256:" + "0" * 64}
    server.rule("GET", ".*/manifests/.*", Reply(200, headers, DATA))
    with watched() as it:
        assert it.client.manifest_get(tagged(server)) == (DATA, TYPE)
    assert len(it.of(Warned)) == 1


@pytest.mark.advisories
@pytest.mark.parametrize(
    ("headers", "data"),
    [
        ({"Content-Type": types.OCI_INDEX}, DATA),
        ({"Content-Type": types.OCI_MANIFEST}, DATA),
        ({"Content-Type": types.OCI_CONFIG}, DATA),
        ({"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}, DATA),
        ({}, DATA[:-1] + b',"manifests":[]}'),
        ({}, b'{"schemaVersion":1}'),
        ({}, b"<html>"),
        ({}, b""),
    ],
)
def test_manifests_that_could_mean_two_things(
    server: ScriptedServer, headers: dict[str, str], data: bytes
) -> None:
    """CVE-2021-41190."""
    server.rule("GET", ".*/manifests/.*", Reply(200, headers, data))
    with watched() as it, pytest.raises(MalformedDocumentError):
        it.client.manifest_get(tagged(server))


@pytest.mark.parametrize("stated", ["text/plain", "application/json", "application/octet-stream"])
def test_a_generic_content_type_leaves_it_to_the_body(server: ScriptedServer, stated: str) -> None:
    server.rule("GET", ".*/manifests/.*", Reply(200, {"Content-Type": stated}, DATA))
    with watched() as it:
        assert it.client.manifest_get(tagged(server)) == (DATA, TYPE)


@pytest.mark.advisories
def test_a_manifest_has_a_limit(server: ScriptedServer) -> None:
    """CVE-2020-1702: unbounded bodies."""
    server.rule("GET", ".*/manifests/.*", Reply(200, {}, b" " * (5 * 1024 * 1024)))
    with watched() as it, pytest.raises(ContentError, match="more than 4194304 bytes"):
        it.client.manifest_get(tagged(server))


def test_put(server: ScriptedServer) -> None:
    server.rule("PUT", ".*", Reply(201, {"Docker-Content-Digest": str(DIGEST)}))
    with watched() as it:
        it.client.manifest_put(tagged(server), DATA, TYPE)
        it.client.manifest_put(pinned(server), DATA, TYPE)
    first, second = server.seen("PUT")
    assert (first.path, second.path) == (
        "/v2/team/app/manifests/1",
        f"/v2/team/app/manifests/{DIGEST}",
    )
    assert (first.body, first.headers["content-type"]) == (DATA, TYPE)
    assert [event.digest for event in it.of(ManifestPushed)] == [str(DIGEST)] * 2


@pytest.mark.faults
def test_put_is_repeated(server: ScriptedServer) -> None:
    server.rule("PUT", ".*", Reply(drop=True), times=1)
    server.rule("PUT", ".*", Reply(500), times=1)
    server.rule("PUT", ".*", Reply(201))
    with watched() as it:
        it.client.manifest_put(tagged(server), DATA, TYPE)
    assert [seen.body for seen in server.seen("PUT")] == [DATA] * 3


def test_put_that_stored_something_else(server: ScriptedServer) -> None:
    server.rule("PUT", ".*", Reply(201, {"Docker-Content-Digest": "sha256:" + "0" * 64}))
    with watched() as it, pytest.raises(DigestMismatchError):
        it.client.manifest_put(tagged(server), DATA, TYPE)


def test_put_under_another_digest(server: ScriptedServer) -> None:
    with watched() as it, pytest.raises(InvalidReferenceError):
        it.client.manifest_put(tagged(server).with_digest(Digest.of(b"")), DATA, TYPE)
    assert server.journal == []


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (400, "TAG_INVALID", "immutable"),
        (400, "MANIFEST_INVALID", "--format"),
        (404, "NAME_UNKNOWN", "create the repository"),
        (413, "", "limit"),
    ],
)
def test_put_that_is_refused(server: ScriptedServer, status: int, code: str, hint: str) -> None:
    server.rule("PUT", ".*", Reply(status, {}, dump({"errors": [{"code": code}]})))
    with watched() as it, pytest.raises(RegistryError) as caught:
        it.client.manifest_put(tagged(server), DATA, TYPE)
    assert hint in (caught.value.hint or "")


def test_ping(server: ScriptedServer) -> None:
    with watched() as it:
        it.client.ping(server.address)
        server.rule("GET", "/v2/", Reply(401, {"WWW-Authenticate": "Basic"}))
        with pytest.raises(UnauthorizedError):
            it.client.ping(server.address)


def page(*tags: str, link: str | None = None) -> Reply:
    headers = {"Link": link} if link else {}
    return Reply(200, headers, json.dumps({"name": "x", "tags": list(tags) or None}).encode())


def test_tags(server: ScriptedServer) -> None:
    path = "/v2/team/app/tags/list"
    next_page = f'<{path}?n=1000&last=b%2f>; rel="next"'
    server.rule("GET", path, page("a", "b", link=next_page), times=1)
    server.rule("GET", path, page("c"))
    with watched() as it:
        assert it.client.tag_list(tagged(server)) == ["a", "b", "c"]
    assert [seen.target for seen in server.seen("GET", path)] == [
        f"{path}?n=1000",
        f"{path}?n=1000&last=b%2f",
    ]


@pytest.mark.parametrize(
    "link",
    [
        "<?last=a>;rel=next",
        '<?last=a>; REL="Next"',
        '<?last=a>; rel="prev next"',
        '<?last=a>; title="after a, \\"b\\"; or so" ; rel="next"',
        '<?last=x,y>; rel="last", <?last=a>; flag; rel="next"',
    ],
)
def test_links_to_the_next_page(server: ScriptedServer, link: str) -> None:
    """RFC 8288, section 3: parameters in any order, quoted with whatever is in them."""
    path = "/v2/team/app/tags/list"
    server.rule("GET", path, page("a", link=link), times=1)
    server.rule("GET", path, page("b"))
    with watched() as it:
        assert it.client.tag_list(tagged(server)) == ["a", "b"]
    assert server.seen("GET", path)[1].target == f"{path}?last=a"


@pytest.mark.parametrize(
    "link",
    ['<?last=a>; rel="prev"', '<?last=a>; title="rel=next"', '<?last=a>; xrel="next"', "<?a>", "<"],
)
def test_links_to_other_pages(server: ScriptedServer, link: str) -> None:
    path = "/v2/team/app/tags/list"
    server.rule("GET", path, page("a", link=link))
    with watched() as it:
        assert it.client.tag_list(tagged(server)) == ["a"]
    assert len(server.seen("GET", path)) == 1


def test_tags_of_a_registry_that_links_to_no_page(server: ScriptedServer) -> None:
    """A list of as many as were asked for may go on; one that says the same again has ended."""
    path = "/v2/team/app/tags/list"
    first = [f"{number:04}" for number in range(1000)]
    server.rule("GET", path, page(*first), times=1)
    server.rule("GET", path, page("a", "b"), times=1)
    server.rule("GET", path, page(*first))
    with watched() as it:
        assert it.client.tag_list(tagged(server)) == [*first, "a", "b"]
        assert it.client.tag_list(tagged(server)) == first
    assert [seen.target.partition("?")[2] for seen in server.seen("GET", path)] == [
        *("n=1000", "n=1000&last=0999"),
        *("n=1000", "n=1000&last=0999"),
    ]


@pytest.mark.advisories
@pytest.mark.parametrize("is_linked", [True, False])
def test_a_list_without_an_end(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, is_linked: bool
) -> None:
    """GHSA-298f-872v-2rcx, with new tags on each page."""
    monkeypatch.setattr(paging, "MAX_LIST", 100_000)
    pages = iter(range(1000))

    def more(_: Seen) -> Reply:
        number = next(pages)
        link = f'<?last={number}>; rel="next"' if is_linked else None
        return page(*(f"{number}-{place}" for place in range(1000)), link=link)

    server.rule("GET", ".*/list", more)
    with (
        watched() as it,
        pytest.raises(ContentError, match=r"list the tags of .* more than 100000"),
    ):
        it.client.tag_list(tagged(server))
    assert len(server.seen("GET", ".*/list")) < 20


def test_no_tags(server: ScriptedServer) -> None:
    server.rule("GET", ".*/list", page())
    with watched() as it:
        assert it.client.tag_list(tagged(server)) == []


@pytest.mark.advisories
@pytest.mark.parametrize(
    "link",
    [
        '<?last=a>; rel="next"',
        '<http://127.0.0.1:9/v2/x>; rel="next"',
        "<http://localhost/v2/x>; rel=next",
    ],
)
def test_links_that_loop_or_leave(server: ScriptedServer, link: str) -> None:
    """GHSA-298f-872v-2rcx, GHSA-h7vf-4x9w-h99v."""
    server.rule("GET", ".*/list", page("a", "b", link=link))
    with watched() as it:
        assert it.client.tag_list(tagged(server)) == ["a", "b"]
    assert len(server.seen("GET", ".*/list")) <= 2


def test_a_link_that_is_none(server: ScriptedServer) -> None:
    server.rule("GET", ".*/list", page("a", link='<mailto:me>; rel="next"'))
    with watched() as it, pytest.raises(TransportError, match=r"cannot list the tags of .*mailto"):
        it.client.tag_list(tagged(server))


@pytest.mark.parametrize("data", [b"", b"[]", b'{"tags": "a"}', b'{"tags": [1]}'])
def test_what_is_no_list_of_tags(server: ScriptedServer, data: bytes) -> None:
    server.rule("GET", ".*/list", Reply(200, {}, data))
    with watched() as it, pytest.raises(MalformedDocumentError):
        it.client.tag_list(tagged(server))


SIGNATURE = Descriptor.of(b"s", types.OCI_MANIFEST).to_json() | {"artifactType": "x/sig"}
SBOM = Descriptor.of(b"b", types.OCI_MANIFEST).to_json() | {"artifactType": "x/sbom"}


def referrers(*entries: dict[str, Any], **headers: str) -> Reply:
    index = {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": list(entries)}
    return Reply(200, {"Content-Type": types.OCI_INDEX, **headers}, dump(index))


def digests(index: Index) -> list[str]:
    return [str(entry.digest) for entry in index.manifests]


def test_referrers_are_filtered_here_too(server: ScriptedServer) -> None:
    server.rule("GET", ".*/referrers/.*", referrers(SIGNATURE, SBOM, SIGNATURE))
    with watched() as it:
        found = it.client.referrers(tagged(server), DIGEST)
        assert digests(found) == [SIGNATURE["digest"], SBOM["digest"]]
        found = it.client.referrers(tagged(server), DIGEST, "x/sbom")
        assert digests(found) == [SBOM["digest"]]
    assert server.journal[-1].target == (f"/v2/team/app/referrers/{DIGEST}?artifactType=x%2Fsbom")


@pytest.mark.advisories
def test_referrers_that_are_always_the_same(server: ScriptedServer) -> None:
    """GHSA-298f-872v-2rcx: each page links to another, and none has anything new."""
    pages = iter(range(1000))

    def same(_: Seen) -> Reply:
        return referrers(SIGNATURE, SBOM, Link=f'<?page={next(pages)}>; rel="next"')

    server.rule("GET", ".*/referrers/.*", same)
    with watched() as it:
        assert len(it.client.referrers(tagged(server), DIGEST).manifests) == 2
    assert len(server.seen("GET", ".*/referrers/.*")) == 2


@pytest.mark.parametrize("reply", [Reply(404), Reply(200, {}, b"<html>")])
def test_some_of_the_referrers_are_not_taken_for_all(server: ScriptedServer, reply: Reply) -> None:
    first = referrers(SIGNATURE, Link='<?page=2>; rel="next"')
    server.rule("GET", ".*/referrers/.*", first, times=1)
    server.rule("GET", ".*/referrers/.*", reply)
    with watched() as it, pytest.raises(ContentError, match="links to a page that is no index"):
        it.client.referrers(tagged(server), DIGEST)


@pytest.mark.faults
@pytest.mark.parametrize("reply", [Reply(404), Reply(400), Reply(406), Reply(200, {}, b"<html>")])
def test_referrers_without_the_api(server: ScriptedServer, reply: Reply) -> None:
    server.rule("GET", ".*/referrers/.*", reply)
    with watched() as it:
        assert digests(it.client.referrers(tagged(server), DIGEST)) == []
        server.rule("GET", f".*/manifests/{fallback_tag(DIGEST)}", referrers(SBOM))
        assert digests(it.client.referrers(tagged(server), DIGEST)) == [SBOM["digest"]]


def test_a_registry_without_the_api_is_asked_again_after_a_while(server: ScriptedServer) -> None:
    with watched() as it:
        it.client.referrers(tagged(server), DIGEST)
        known = dict(it.client._support._without)
        assert known
        it.client.referrers(tagged(server), DIGEST)
        assert it.client._support._without == known
    assert len(server.seen("GET", ".*/referrers/.*")) == 1


@pytest.mark.faults
def test_who_waits_for_a_turn_hears_a_cancellation(server: ScriptedServer) -> None:
    """Another client of this process may take long to list its manifest."""
    document = json.loads(DATA) | {"subject": SBOM}
    subject = Digest.parse(SBOM["digest"])
    with watched() as it, turn_of(tagged(server), subject, lambda: None):

        def cancel(_: Seen) -> Reply:
            it.cancellation.cancel()
            return Reply(201)

        server.rule("PUT", ".*", cancel)
        with pytest.raises(CancelledError):
            it.client.manifest_put(tagged(server), dump(document), TYPE)


def test_a_fallback_tag_that_is_something_else(server: ScriptedServer) -> None:
    server.rule("GET", ".*/manifests/.*", Reply(200, {}, DATA))
    with watched() as it, pytest.raises(MalformedDocumentError):
        it.client.referrers(tagged(server), DIGEST)
