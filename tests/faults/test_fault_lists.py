"""Faults 43 to 45: referrers that the registry does not keep, and lists without an end."""

from __future__ import annotations

import json
import threading

import pytest

from pyjib.oci import media_type as types
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.json import dump
from pyjib.oci.manifest import Index
from pyjib.oci.reference import Reference
from pyjib.registry.calls.referrers import fallback_tag
from pyjib.serve import Fault, Moment, RegistryServer, Rules
from tests.support.images import random_image
from tests.support.registry import manifest_in, put_image, tags_in
from tests.support.trouble import Client, Stage, at, name, seen

pytestmark = pytest.mark.faults
IMAGE = random_image(1)
TAG = fallback_tag(IMAGE.digest)
LIST = "/v2/team/app/tags/list"
SPARSE = Rules(sparse=True)


def artifact(kind: str, **annotations: str) -> bytes:
    """Return a manifest that refers to the image."""
    return dump(
        {
            "schemaVersion": 2,
            "mediaType": types.OCI_MANIFEST,
            "artifactType": kind,
            "config": Descriptor.of(b"{}", "application/vnd.oci.empty.v1+json").to_json(),
            "layers": [],
            "subject": IMAGE.descriptor.to_json(),
            **({"annotations": annotations} if annotations else {}),
        }
    )


def without_api(status: int) -> tuple[Fault, ...]:
    return (
        at(Moment.AFTER, "PUT", "**/manifests/*", remove=frozenset({"oci-subject"})),
        at(Moment.BEFORE, "GET", "**/referrers/*", status=status),
    )


def kinds(index: Index) -> list[str]:
    """Return the artifact types that an index lists."""
    return [str(entry["artifactType"]) for entry in json.loads(index.data)["manifests"]]


def put_artifact(
    it: Client, server: RegistryServer, data: bytes, media_type: str = types.OCI_MANIFEST
) -> None:
    digest = Descriptor.of(data, media_type).digest
    reference = Reference.parse(f"{server.address}/team/app@{digest}")
    it.client.manifest_put(reference, data, media_type)


@pytest.mark.parametrize("status", [400, 404, 406])
def test_fault_43_no_referrers_api(stage: Stage, status: int) -> None:
    server = stage.registry(*without_api(status), rules=SPARSE)
    put_image(server, "team/app", IMAGE, "1")
    it = stage.client()
    for data in (artifact("x/sbom", key="value"), artifact("x/sig"), artifact("x/sig")):
        put_artifact(it, server, data)
    found = it.client.referrers(name(server), IMAGE.digest)
    assert kinds(found) == ["x/sbom", "x/sig"]
    assert found.manifests[0].annotations == {"key": "value"}
    assert kinds(Index.parse(manifest_in(server, "team/app", TAG))) == ["x/sbom", "x/sig"]
    assert len(seen(server, "PUT", TAG)) == 2  # the third is there already
    only = it.client.referrers(name(server), IMAGE.digest, "x/sig")
    assert len(only.manifests) == 1
    assert len(seen(server, "GET", "referrers")) == 1  # it is known by now that there is none


def test_fault_43_kinds_that_are_not_stated(stage: Stage) -> None:
    """The type of its config is a manifest's then; an index has none."""
    server = stage.registry(*without_api(404), rules=SPARSE)
    put_image(server, "team/app", IMAGE, "1")
    it = stage.client()
    unstated = json.loads(artifact(""))
    unstated["config"]["mediaType"] = "x/config"
    members = {"schemaVersion": 2, "manifests": [], "subject": IMAGE.descriptor.to_json()}
    for media_type, document in ((types.OCI_MANIFEST, unstated), (types.OCI_INDEX, members)):
        put_artifact(it, server, dump({**document, "mediaType": media_type}), media_type)
    entries = json.loads(manifest_in(server, "team/app", TAG))["manifests"]
    assert [entry.get("artifactType") for entry in entries] == ["x/config", None]
    assert [entry["mediaType"] for entry in entries] == [types.OCI_MANIFEST, types.OCI_INDEX]


def test_fault_43_subject_noticed(stage: Stage) -> None:
    server = stage.registry(rules=SPARSE)
    put_image(server, "team/app", IMAGE, "1")
    it = stage.client()
    put_artifact(it, server, artifact("x/sig"))
    assert TAG not in tags_in(server, "team/app")
    assert len(it.client.referrers(name(server), IMAGE.digest).manifests) == 1
    assert len(seen(server, "PUT")) == 1


@pytest.mark.parametrize("etag", [True, False], ids=["ETag", "no ETag"])
def test_fault_44_two_pushers(stage: Stage, etag: bool) -> None:
    """Two clients of one process; what they read and write is drawn out, so that they meet."""
    gone = frozenset({"oci-subject"} if etag else {"oci-subject", "etag"})
    server = stage.registry(
        at(Moment.AFTER, "PUT|GET", "**/manifests/*", remove=gone, delay=0.01),
        rules=SPARSE,
    )
    put_image(server, "team/app", IMAGE, "1")
    start = threading.Barrier(2)
    failures: list[BaseException] = []

    def push(place: int) -> None:
        it = stage.client()
        start.wait(60)
        try:
            for count in range(3):
                put_artifact(it, server, artifact(f"x/{place}-{count}"))
        except BaseException as error:  # noqa: BLE001  told by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=push, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    turns = [one.method for one in server.journal if one.path.endswith(TAG)]
    assert turns == ["GET", "PUT", "GET"] * 6  # nobody reads between another's look and write
    server.faults.clear()
    server.faults.add(at(Moment.BEFORE, "GET", "**/referrers/*", status=404))
    found = stage.client().client.referrers(name(server), IMAGE.digest)
    assert set(kinds(found)) == {f"x/{place}-{count}" for place in range(2) for count in range(3)}


def test_fault_44_somebody_else_in_between(stage: Stage) -> None:
    """Another process changes the list after it was read: its entry stays as well."""
    server = stage.registry(*without_api(404), rules=SPARSE)
    put_image(server, "team/app", IMAGE, "1")
    it = stage.client()
    put_artifact(it, server, artifact("x/first"))
    changed = at(Moment.BEFORE, "PUT", f"**/manifests/{TAG}", status=412, calls=(1, 1))
    server.faults.clear()
    server.faults.add(changed, *without_api(404))
    put_artifact(it, server, artifact("x/second"))
    puts = [one for one in seen(server, "PUT", TAG) if "if-match" in one.headers]
    assert [one.status for one in puts] == [412, 201]
    found = it.client.referrers(name(server), IMAGE.digest)
    assert kinds(found) == ["x/first", "x/second"]


def test_fault_44_somebody_else_afterwards(stage: Stage) -> None:
    """Without ETags another process may write over what was just written: it is written again."""
    lost = at(Moment.BEFORE, "PUT", f"**/manifests/{TAG}", status=201, calls=(1, 1))
    server = stage.registry(lost, *without_api(404), rules=SPARSE)
    put_image(server, "team/app", IMAGE, "1")
    it = stage.client()
    put_artifact(it, server, artifact("x/sig"))
    assert kinds(Index.parse(manifest_in(server, "team/app", TAG))) == ["x/sig"]
    assert len(seen(server, "PUT", TAG)) == 2
    assert all("if-match" not in one.headers for one in seen(server, "PUT", TAG))


@pytest.mark.parametrize(
    ("link", "requests"),
    [
        ('<?last=1>; rel="next"', 2),
        ('<{path}?n=1000&last={query}x>; rel="next"', 2),
        ('<https://elsewhere.example/v2/x>; rel="next"', 1),
        ('<http://127.0.0.1:9/v2/x>; rel="next"', 1),
    ],
    ids=["loop", "last ignored", "foreign name", "foreign port"],
)
def test_fault_45_links_without_an_end(stage: Stage, link: str, requests: int) -> None:
    same = at(
        Moment.AFTER,
        "GET",
        LIST,
        status=200,
        headers=(("Link", link),),
        body=b'{"tags":["1","2"]}',
    )
    server = stage.registry(same)
    assert stage.client().client.tag_list(name(server)) == ["1", "2"]
    assert len(seen(server, "GET", "tags/list")) == requests


@pytest.mark.parametrize("port", ["", "{port}"])
def test_fault_45_a_link_without_tls(stage: Stage, port: str) -> None:
    """A server behind a proxy names itself by http: it is asked as before, where that was TLS."""
    server = stage.registry()
    host, _, number = server.address.rpartition(":")
    link = f'<http://{host}{port and ":" + number}{LIST}?last=1>; rel="next"'
    first = {"headers": (("Link", link),), "body": b'{"tags":["1"]}'}
    server.faults.add(
        at(Moment.AFTER, "GET", LIST, query="n=", status=200, **first),
        at(Moment.AFTER, "GET", LIST, query="last=1", status=200, body=b'{"tags":["2"]}'),
    )
    found = stage.client().client.tag_list(name(server))
    assert found == (["1", "2"] if stage.tls or port else ["1"])
