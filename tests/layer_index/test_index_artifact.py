"""An index of layers that is kept in a registry: what is written, read, and not believed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.build import BuildResult
from pyjib.errors import MalformedDocumentError, PyjibError, RegistryError
from pyjib.events import RetryScheduled, Warned
from pyjib.layer_index.artifact import OtherContentError, add_to_artifact, read_artifact
from pyjib.layer_index.model import (
    MEDIA_TYPE,
    MOST_BYTES,
    MOST_ENTRIES,
    Entry,
    dump_entries,
    parse_entries,
)
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.json import Json, dump
from pyjib.oci.manifest import Manifest
from pyjib.oci.reference import Reference
from pyjib.options import LayerIndexMode
from pyjib.serve import Fault, Moment, RegistryServer
from tests.support.clients import watched
from tests.support.fresh_runners import JIB, Runner, make_runner, write_project
from tests.support.registry import put_blob
from tests.support.scripted import Reply, ScriptedServer


@pytest.fixture
def runner(registry_unchecked: RegistryServer, tmp_path: Path) -> Runner:
    return make_runner(registry_unchecked, tmp_path)


def index_of(runner: Runner) -> Reference:
    return Reference.parse(f"{runner.registry.address}/team/index:layers")


def entries_in(runner: Runner) -> tuple[Entry, ...]:
    with watched() as it:
        return read_artifact(it.client, index_of(runner)).entries


def entry(number: int, *, key: str = "") -> Entry:
    digest = Digest.of(str(number).encode())
    return Entry(
        key=key or f"key {number}",
        diff_id=digest,
        recipe="gzip level 6",
        descriptor=Descriptor(media_type=types.DOCKER_LAYER_GZIP, digest=digest, size=number),
    )


ENTRIES = st.lists(st.integers(1, 10**12).map(entry), max_size=30)


@given(ENTRIES)
def test_what_is_written_is_read(entries: list[Entry]) -> None:
    found = parse_entries(dump_entries(entries))
    assert list(found) == list(dict.fromkeys(entries))


def test_bounds() -> None:
    many = [entry(number) for number in range(1, MOST_ENTRIES + 500)]
    assert parse_entries(dump_entries(many)) == tuple(many[:MOST_ENTRIES])
    long = [replace(one, recipe="r" * 900, key=f"{one.key}{'k' * 900}") for one in many]
    kept = parse_entries(dump_entries(long))
    assert kept == tuple(long[: len(kept)])
    assert len(kept) > 300


def test_the_newest_entry_of_a_key_counts() -> None:
    newest, oldest = entry(1, key="k"), entry(2, key="k")
    assert parse_entries(dump_entries([newest, entry(3), oldest])) == (newest, entry(3))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"entries": {}}',
        b'{"entries": [1]}',
        b'{"entries": [{"key": "k"}]}',
        dump({"entries": [entry(1).to_json() | {"diffId": "sha256:0"}]}),
        dump({"entries": [entry(1).to_json() | {"recipe": "r" * 2000}]}),
        dump({"entries": [entry(1).to_json() | {"descriptor": {}}]}),
        dump({"entries": [entry(1).to_json()] * (MOST_ENTRIES + 1)}),
        b'{"entries": []}' + b" " * MOST_BYTES,
    ],
)
def test_what_is_no_index(data: bytes) -> None:
    with pytest.raises(MalformedDocumentError):
        parse_entries(data)


def test_nothing_is_an_empty_index(runner: Runner) -> None:
    assert entries_in(runner) == ()


def test_a_fresh_runner_learns_from_it(runner: Runner) -> None:
    index = index_of(runner)
    cold = runner.fresh(layer_index=index)
    assert runner.large
    (written,) = entries_in(runner)
    assert written.diff_id == cold.layers[0].diff_id
    packed = cold.layers[0].blob.descriptor
    assert written.descriptor == replace(packed, media_type=types.OCI_LAYER_GZIP)
    # The image of another tag, so that only the index can tell.
    other = f"{runner.registry.address}/team/app:2"
    again = runner.fresh(to=[other], layer_index=index)
    assert again.digest == cold.digest
    assert not runner.large
    assert not any("team/index" in line and line.startswith("PUT") for line in runner.asked)


def test_the_manifest_is_an_artifact_without_a_config(runner: Runner) -> None:
    runner.fresh(layer_index=index_of(runner))
    with watched() as it:
        data, _ = it.client.manifest_read(index_of(runner))
    document = json.loads(data)
    assert document["artifactType"] == MEDIA_TYPE
    assert document["config"]["mediaType"] == types.OCI_EMPTY
    assert [layer["mediaType"] for layer in document["layers"]] == [MEDIA_TYPE]


def test_nothing_changed_asks_nothing_of_the_index(runner: Runner) -> None:
    index = index_of(runner)
    runner.fresh(layer_index=index)
    runner.again(layer_index=index)
    assert not any("team/index" in line for line in runner.asked)


def test_an_index_that_is_asked_for_later(runner: Runner) -> None:
    """The image is there already, and the index has yet to hear of its layers."""
    runner.fresh()
    runner.fresh(layer_index=index_of(runner))
    assert len(entries_in(runner)) == 1


def test_another_recipe_is_packed_and_added(runner: Runner) -> None:
    index = index_of(runner)
    runner.fresh(layer_index=index)
    jib = runner.fresh(identity=JIB, layer_index=index)
    assert runner.large
    assert jib.digest == runner.fresh(identity=JIB, layer_index=LayerIndexMode.OFF).digest
    first, second = entries_in(runner)
    assert first.recipe != second.recipe
    assert first.diff_id == second.diff_id
    runner.fresh(identity=JIB, layer_index=index)
    assert not runner.large


# Lies.


def put_index(runner: Runner, content: bytes, artifact_type: str = MEDIA_TYPE) -> None:
    index = index_of(runner)
    blob, empty = Blob.of_bytes(content, MEDIA_TYPE), Blob.of_bytes(b"{}", types.OCI_EMPTY)
    for one in (blob, empty):
        put_blob(runner.registry, index.repository, one)
    document = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": empty.descriptor.to_json(),
        "layers": [blob.descriptor.to_json()],
    }
    with watched() as it:
        it.client.manifest_put(index, dump(document), types.OCI_MANIFEST)


def another_blob(runner: Runner, true: Entry) -> Entry:
    blob = Blob.of_bytes(b"\x1f\x8b" + bytes(100_000), true.descriptor.media_type)
    put_blob(runner.registry, "team/app", blob)
    return replace(true, descriptor=blob.descriptor)


LIES: dict[str, Callable[[Runner, Entry], Entry]] = {
    "another blob": another_blob,
    "a blob that is not there": lambda _, true: replace(
        true, descriptor=replace(true.descriptor, digest=Digest.of(b"none"))
    ),
    "another size": lambda _, true: replace(
        true, descriptor=replace(true.descriptor, size=true.descriptor.size + 1)
    ),
    "another diff id": lambda _, true: replace(true, diff_id=Digest.of(b"another tar")),
    "another recipe": lambda _, true: replace(true, recipe="gzip by somebody else"),
    "another compression": lambda _, true: replace(
        true, descriptor=replace(true.descriptor, media_type=types.OCI_LAYER_ZSTD)
    ),
}


@pytest.mark.parametrize("kind", LIES)
def test_an_index_that_lies(runner: Runner, kind: str) -> None:
    index = index_of(runner)
    cold = runner.fresh(layer_index=index)
    (true,) = entries_in(runner)
    put_index(runner, dump_entries([LIES[kind](runner, true)]))
    again = runner.fresh(layer_index=index)
    assert runner.large
    assert (again.digest, again.image_id) == (cold.digest, cold.image_id)
    assert runner.warnings == []
    assert entries_in(runner)[0] == true  # put right on the way


@pytest.mark.parametrize(
    "content",
    [b"not json", b"[]", b"{}", b'{"entries": [7]}', b"x" * (MOST_BYTES + 1)],
    ids=["not json", "a list", "no entries", "a number", "huge"],
)
def test_an_index_that_is_damaged(runner: Runner, content: bytes) -> None:
    cold = runner.fresh()
    put_index(runner, content)
    again = runner.fresh(layer_index=index_of(runner))
    assert runner.large
    assert again.digest == cold.digest
    (warning,) = runner.warnings
    assert warning.startswith(f"the layer index {index_of(runner)} was not read: ")
    assert len(entries_in(runner)) == 1  # written anew


def test_what_is_no_index_is_never_overwritten(runner: Runner) -> None:
    cold = runner.fresh()
    target = Reference.parse(runner.target)
    again = runner.fresh(layer_index=target)
    assert again.digest == cold.digest
    assert runner.warnings == [f"the layer index {target} was not read: {target} is no layer index"]
    with watched() as it, pytest.raises(OtherContentError):
        add_to_artifact(it.client, target, [entry(1)])


OTHERS: dict[str, Json] = {
    "schema 1": {"schemaVersion": 1, "name": "team/app", "tag": "old", "fsLayers": []},
    "an artifact of before 1.1": {
        "mediaType": "application/vnd.oci.artifact.manifest.v1+json",
        "artifactType": "text/plain",
        "blobs": [],
    },
    "an image": {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": Descriptor.of(b"{}", types.OCI_CONFIG).to_json(),
        "layers": [],
    },
    "an index of images": {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": []},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_nothing_else_is_overwritten_however_little_is_known_of_it(kind: str) -> None:
    with ScriptedServer() as server, watched() as it:
        server.rule("GET", "/v2/team/other/manifests/1", Reply(200, {}, dump(OTHERS[kind])))
        reference = Reference.parse(f"{server.address}/team/other:1")
        with pytest.raises(MalformedDocumentError):
            add_to_artifact(it.client, reference, [entry(1)])
        assert {seen.method for seen in server.journal} == {"GET"}


@pytest.mark.parametrize("etag", ['"é"', '"\xa0"', "x" * 60_000])
def test_etags_that_make_no_sense(runner: Runner, etag: str) -> None:
    add(runner, entry(1))
    runner.registry.faults.add(Fault(at=Moment.AFTER, headers=(("ETag", etag),)))
    with contextlib.suppress(PyjibError):
        add(runner, entry(2))
    assert entry(1) in entries_in(runner)


@pytest.mark.parametrize("etags", [True, False], ids=["etags", "no etags"])
@pytest.mark.parametrize("size", [None, 0, 5])
def test_an_index_that_lost_its_content(runner: Runner, size: int | None, *, etags: bool) -> None:
    """The registry has cleaned up too much, or has something else under its digest."""
    add(runner, entry(1))
    if not etags:
        runner.registry.faults.add(Fault(at=Moment.AFTER, remove=frozenset({"ETag"})))
    descriptor = content_of(runner)
    if size is None:
        with watched() as it:
            assert it.client.blob_delete(index_of(runner), descriptor.digest)
    else:
        path = f"/v2/team/index/blobs/{descriptor.digest}"
        body = b"x" * (descriptor.size + size)
        runner.registry.faults.add(Fault(method="GET", path=path, status=200, body=body))
    runner.fresh(layer_index=index_of(runner))
    (warning,) = runner.warnings
    assert warning.startswith(f"the layer index {index_of(runner)} was not read: ")
    assert len(entries_in(runner)) == 1  # written anew


def content_of(runner: Runner) -> Descriptor:
    with watched() as it:
        data, _ = it.client.manifest_read(index_of(runner))
    (descriptor,) = Manifest.parse(data).layers
    return descriptor


def test_nothing_of_an_entry_is_kept_but_what_is_said_of_a_layer() -> None:
    """Else a single entry could leave no room for others: an index has a bound in bytes."""
    long = entry(1).to_json()
    long["descriptor"] |= {
        "urls": ["https://example.com"],
        "annotations": {"a": "b" * 100_000},
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    assert parse_entries(dump({"entries": [long]})) == (entry(1),)


@pytest.mark.parametrize(
    "change", [{"mediaType": "m" * 1001}, {"size": 1 << 64}], ids=["media type", "size"]
)
def test_descriptors_beyond_all_measure(change: Json) -> None:
    document = entry(1).to_json()
    document["descriptor"] |= change
    with pytest.raises(MalformedDocumentError, match=r"entries\[0\]\.descriptor\."):
        parse_entries(dump({"entries": [document]}))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="/v2/team/index/**", status=403),
        Fault(path="/v2/team/index/manifests/*", method="PUT", status=400),
        Fault(path="/v2/team/index/blobs/uploads/", method="POST", status=405),
    ],
    ids=["all of it", "artifacts", "uploads"],
)
def test_a_registry_that_refuses(runner: Runner, fault: Fault) -> None:
    cold = runner.fresh()
    runner.registry.faults.add(fault)
    again = runner.fresh(layer_index=index_of(runner))
    assert again.digest == cold.digest
    assert len(runner.warnings) == 1
    if fault.status == 400:
        hints = [event.hint for event in runner.events if isinstance(event, Warned)]
        assert "--layer-index off" in (hints[0] or "")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_registry_in_trouble_is_not_waited_for(runner: Runner, method: str) -> None:
    """The image is there, and only the index is not to be had: the next build may do better."""
    cold = runner.fresh()
    path = "/v2/team/index/manifests/*"
    runner.registry.faults.add(Fault(method=method, path=path, status=503))
    again = runner.fresh(layer_index=index_of(runner))
    assert again.digest == cold.digest
    assert not [event for event in runner.events if isinstance(event, RetryScheduled)]
    assert len(runner.warnings) == 1


# Several builds at once.


def add(runner: Runner, *added: Entry) -> None:
    with watched() as it:
        add_to_artifact(it.client, index_of(runner), added)


@pytest.mark.parametrize("etags", [True, False], ids=["etags", "no etags"])
def test_two_that_write_at_once(runner: Runner, *, etags: bool) -> None:
    """With ETags nothing is lost; without, the index is good, and one of them is in it."""
    if not etags:
        runner.registry.faults.add(Fault(at=Moment.AFTER, remove=frozenset({"ETag"})))
    add(runner, entry(1))
    for round_ in range(5):
        with ThreadPoolExecutor(2) as pool:
            pair = [entry(10 * round_ + 2), entry(10 * round_ + 3)]
            list(pool.map(lambda one: add(runner, one), pair))
        written = set(pair) & set(entries_in(runner))
        assert len(written) == 2 if etags else written


def test_one_that_comes_too_late_is_told_so(runner: Runner) -> None:
    add(runner, entry(1))
    runner.registry.faults.add(
        Fault(method="PUT", path="/v2/team/index/manifests/*", status=412, calls=(1, 1))
    )
    add(runner, entry(2))
    assert entries_in(runner) == (entry(2), entry(1))
    runner.registry.faults.add(
        Fault(method="PUT", path="/v2/team/index/manifests/*", status=412, calls=(1, None))
    )
    with pytest.raises(RegistryError, match="others changed it"):
        add(runner, entry(3))


def test_what_was_there_stays(runner: Runner) -> None:
    index = index_of(runner)
    first = runner.fresh(layer_index=index)
    write_project(runner.project, seed=1)
    second = runner.fresh(layer_index=index)
    told = [one.diff_id for one in entries_in(runner)]
    assert told == [diff_id_of(second), diff_id_of(first)]


def diff_id_of(result: BuildResult) -> Digest:
    return result.layers[0].diff_id
