"""What builds, build tools and package managers left on disk for the next one."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyjib.base import layout as base_layout
from pyjib.destination.layout import LayoutDestination
from pyjib.errors import PyjibError
from pyjib.layer_index.artifact import add_to_artifact, read_artifact
from pyjib.layer_index.keys import KeyText, is_key, is_private, private_pem, public_pem, read_keys
from pyjib.layer_index.model import MEDIA_TYPE, Entry, dump_entries, parse_entries
from pyjib.layer_index.signing import KeyRing, public_key
from pyjib.maven_remote.checksums import stated_beside, stated_in
from pyjib.maven_remote.notes import is_due
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.json import dump
from pyjib.oci.layout import LAYOUT_FILE
from pyjib.oci.location import LayoutLocation
from pyjib.oci.reference import Reference
from pyjib.options import LayerIndexKeys
from pyjib.project.class_path_file import read_class_path_file
from pyjib.project.class_path_list import read_class_path_list
from pyjib.project.gradle import open_gradle_project
from pyjib.project.maven.artifact import Artifact
from pyjib.project.maven.java_home import read_jdk
from pyjib.project.maven.local_repository import LocalRepository
from pyjib.registry.client import RegistryClient
from pyjib.serve.fault_file import read_faults
from pyjib.store.folders import Folders
from pyjib.store.store import Store
from tests.support.bases import base_tools
from tests.support.clients import watched
from tests.support.fuzzing import damaged, fuzz, odd_json_bytes, survives
from tests.support.images import random_image
from tests.support.scripted import Reply, ScriptedServer, Seen

IMAGE = random_image(11, size=200)
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
DESCRIPTOR = {
    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
    "digest": DIGEST,
    "size": 9,
}
RECORDS = [{"descriptor": DESCRIPTOR, "diffId": DIGEST}]
ENTRIES = [
    {"entries": [{"key": "k", "diffId": DIGEST, "recipe": "gzip", "descriptor": DESCRIPTOR}] * 2}
]
SECRET = bytes(range(32))
SIGNED = KeyRing(LayerIndexKeys(private=SECRET)).sign(
    Entry(
        key="0123456789abcdef" * 4,
        diff_id=Digest.parse(DIGEST),
        recipe="gzip",
        descriptor=Descriptor.from_json(DESCRIPTOR, ""),
    )
)
STRANGE = KeyRing(LayerIndexKeys(private=SECRET[::-1])).sign(SIGNED.claim)
READER = KeyRing(LayerIndexKeys(public=(public_key(SECRET),)))
SIGNED_ENTRIES = [
    {"entries": [SIGNED.to_json()]},
    {"entries": [STRANGE.to_json(), SIGNED.claim.to_json(), SIGNED.to_json()]},
]
ENVELOPE = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "artifactType": MEDIA_TYPE,
    "config": Descriptor.of(b"{}", "application/vnd.oci.empty.v1+json").to_json(),
    "layers": [Descriptor.of(dump(SIGNED_ENTRIES[0]), MEDIA_TYPE).to_json()],
}
KEYS = tuple(
    text.encode()
    for text in (
        private_pem(SECRET),
        public_pem(public_key(SECRET)),
        private_pem(SECRET).splitlines()[1],
        public_pem(public_key(SECRET)).splitlines()[1],
        f"ours\r\n{public_pem(public_key(SECRET))}{private_pem(SECRET)}",
    )
)
LABELS = (
    *(b"-----BEGIN ", b"-----END ", b"PRIVATE KEY-----", b"ENCRYPTED ", b"OPENSSH ", b"----"),
    *(b"-----BEGIN A-----" * 3000, b"-----BEGIN " + b"A" * 60_000, b"MC4CAQAwBQYDK2VwBCIEIA=="),
    *(b"MCowBQYDK2VwAyEA", b"=", b" " * 3000, b"\\n", b"\xe2\x80\xa8", b"\xd9\xa3"),
)
CLASS_PATHS = [
    {
        "format": 1,
        "name": "app",
        "javaMajor": 17,
        "mainClass": "com.example.Main",
        "classesDirs": ["build/classes/java/main"],
        "resourcesDir": "build/resources/main",
        "entries": [{"file": "a.jar", "kind": "module", "id": "g:a:1.0", "size": 1}],
        "rootDir": "..",
        "group": "g",
        "version": "1",
        "jar": "build/libs/app.jar",
        "jib": {"from": {"image": "busybox"}, "container": {"ports": ["80"]}},
        "skaffold": {"build": ["build.gradle"], "modules": [], "excludes": []},
    }
]
LISTS = (b"a.jar:b.jar:/c/d.jar\n", b"C:\\a.jar;D:\\b.jar\r\n", json.dumps(CLASS_PATHS[0]).encode())
PATHS = (b":", b";", b"/", b"\n", b"\0", b"a" * 300, b"../" * 2000, b"C:", b'"', b"\xef\xbb\xbf{")
METADATA = (
    b"""<metadata><groupId>g</groupId><artifactId>a</artifactId><versioning><latest>2</latest>
<release>1</release><versions><version>1</version><version>2-SNAPSHOT</version></versions>
<snapshot><timestamp>20240101.000000</timestamp><buildNumber>1</buildNumber></snapshot>
<snapshotVersions><snapshotVersion><extension>jar</extension><value>2-20240101.000000-1</value>
<updated>20240101000000</updated></snapshotVersion></snapshotVersions>
<lastUpdated>20240101000000</lastUpdated></versioning></metadata>""",
)
XML = (
    b"<version>",
    b"</version>",
    b"&#0;",
    b"&x;",
    b"<a>" * 3000,
    b"9" * 5000,
    b"<!--",
    b"..",
    b"/",
)
NOTES = (b"#c\na-metadata-central.xml.lastUpdated=1700000000000\na.jar>central=\n",)
DIGITS = (b"9" * 5000, b"9" * 400, b"=", b">", b"\xc2\xb2", b"\xd9\xa3", b"-1", b"a.jar>central=\n")
SUMS = (b"SHA1(a.jar)= " + b"ab" * 20, b"ab" * 20 + b"  a.jar\n", b"ab" * 16)
RELEASE = (b'IMPLEMENTOR="Eclipse Adoptium"\nJAVA_VERSION="17.0.15"\nMODULES="a b"\n',)
FAULTS = (
    b'- {name: a, match: {method: [GET], path: "/v2/.*", calls: "1-3"}, before: {status: 503}}\n',
    b"- {during: {truncate: 5}}\n",
    b'{"faults": [{"match": {"repository": "a/*"}, "after": {"headers": {"a": "b"}}}]}',
)
YAML = (b"calls: '9-1'", b"path: '(a+)+$'", b"[" * 2000, b"&a [*a]", b"? ", b"\xc2\x85", b"1e999")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kept")
    (path / "a.jar").write_bytes(b"a")
    return path


@given(data=odd_json_bytes(RECORDS))
@fuzz
def test_records_of_the_store(data: bytes, place: Path) -> None:
    store = Store(place / "store")
    path = Folders(place / "store").record("key")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    survives(store.get_layer, "key")
    survives(store.usage)


@given(body=st.binary(max_size=200), is_whole=st.booleans(), cut=st.integers(0, 300))
@fuzz
def test_segments_of_the_store(body: bytes, is_whole: bool, cut: int, place: Path) -> None:
    folder = place / "segments" / "files"
    folder.mkdir(parents=True, exist_ok=True)
    body = body[: len(body) // 48 * 48] if is_whole else body
    data = struct.pack(">8sI", b"pyjibfd1", zlib.crc32(body)) + body
    (folder / "0").write_bytes(data[:cut] if not is_whole else data)
    survives(Store(place / "segments").file_digest, "a\0001\0002\0003")


@given(data=odd_json_bytes(ENTRIES))
@fuzz
def test_layer_indexes(data: bytes) -> None:
    found = survives(parse_entries, data)
    if found:
        parse_entries(dump_entries(found))


@given(data=odd_json_bytes(SIGNED_ENTRIES))
@fuzz
def test_signed_layer_indexes(data: bytes) -> None:
    """However it is damaged, nothing is vouched for but what was signed."""
    for entry in survives(parse_entries, data) or ():
        assert not survives(READER.vouches_for, entry) or entry == SIGNED
        survives(KeyRing(LayerIndexKeys(private=SECRET)).sign, entry)


@dataclass
class IndexServer:
    """A registry with a manifest and a blob, whatever these are at present, and its client."""

    server: ScriptedServer
    client: RegistryClient
    name: Reference
    manifest: bytes = b""
    blob: bytes = b""
    etag: str = '"1"'

    def answer(self, seen: Seen) -> Reply:
        self.server.journal.clear()
        if seen.method != "GET":  # whatever blob is to be pushed, it is there
            return Reply(201 if seen.method == "PUT" else 200)
        if "/manifests/" in seen.path:
            return Reply(200, {"ETag": self.etag}, self.manifest)
        return Reply(body=self.blob)


@pytest.fixture(scope="module")
def index_server() -> Iterator[IndexServer]:
    with ScriptedServer() as server, watched(attempts=1) as client:
        name = Reference.parse(f"{server.address}/a/b:index")
        found = IndexServer(server, client.client, name)
        server.rule("*", "/v2/a/b/.*", found.answer)
        yield found


def told_of(blob: bytes) -> dict[str, Any]:
    return {**ENVELOPE, "layers": [Descriptor.of(blob, MEDIA_TYPE).to_json()]}


@given(manifest=odd_json_bytes([ENVELOPE]), blob=st.just(dump(SIGNED_ENTRIES[0])))
@example(manifest=dump(ENVELOPE), blob=b"x" * 2_000_000)
@example(manifest=dump(told_of(b"x" * 2_000_000)), blob=b"x" * 2_000_000)
@fuzz
def test_envelopes_of_layer_indexes(
    manifest: bytes, blob: bytes, index_server: IndexServer
) -> None:
    index_server.manifest, index_server.blob = manifest, blob
    found = survives(read_artifact, index_server.client, index_server.name)
    assert found is None or found.entries in ((SIGNED,), ())


@given(
    blob=odd_json_bytes(SIGNED_ENTRIES),
    etag=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=9),
)
@fuzz
def test_contents_of_layer_indexes(blob: bytes, etag: str, index_server: IndexServer) -> None:
    index_server.manifest, index_server.blob = dump(told_of(blob)), blob
    index_server.etag = etag
    found = survives(read_artifact, index_server.client, index_server.name)
    assert found is None or found.entries == parse_entries(blob)
    survives(add_to_artifact, index_server.client, index_server.name, [STRANGE])


@given(data=damaged(KEYS, LABELS), chosen=st.integers(0, 1))
@fuzz
def test_keys_of_layer_indexes(data: bytes, chosen: int) -> None:
    text = data.decode("utf-8", ("replace", "surrogateescape")[chosen])
    private = survives(is_private, text)
    survives(is_key, text)
    found = survives(read_keys, KeyText(text=text, source="file"))
    if found is not None:
        assert all(len(key) == 32 for key in (*found.public, found.private or SECRET))
        assert private or not found.private, "it would be taken as an argument"
        survives(KeyRing(found).vouches_for, SIGNED)


@given(data=odd_json_bytes(CLASS_PATHS))
@example(data=json.dumps({**CLASS_PATHS[0], "entries": [{"file": "a" * 300}]}).encode())
@fuzz
def test_class_paths_of_gradle(data: bytes, place: Path) -> None:
    path = place / "build" / "pyjib" / "classpath.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    survives(read_class_path_file, path, place)
    survives(use_gradle, place)


def use_gradle(place: Path) -> None:
    found = open_gradle_project(place)
    assert found is not None
    assert found.sync_excludes is not None
    found.read()


@given(data=damaged(LISTS, PATHS))
@example(data=b"a" * 300)
@fuzz
def test_class_paths_in_a_file(data: bytes, place: Path) -> None:
    path = place / "class-path.txt"
    path.write_bytes(data)
    survives(read_class_path_list, path, place)


@given(data=damaged(METADATA, XML))
@fuzz
def test_metadata_of_repositories(data: bytes, place: Path) -> None:
    folder = place / "m2" / "g" / "a"
    (folder / "2-SNAPSHOT").mkdir(parents=True, exist_ok=True)
    for path in (folder, folder / "2-SNAPSHOT"):
        (path / "maven-metadata-central.xml").write_bytes(data)
    repository = LocalRepository(place / "m2")
    survives(repository.versions, "g", "a")
    survives(repository.named_version, "g", "a", "LATEST")
    survives(repository.find, Artifact("g", "a", "2-SNAPSHOT"))


@given(data=damaged(NOTES, DIGITS), policy=damaged((b"interval:60", b"daily"), DIGITS))
@example(data=NOTES[0].replace(b"17", b"9" * 5000), policy=b"daily")
@example(data=NOTES[0].replace(b"17", b"9" * 400), policy=b"interval:" + b"9" * 5000)
@fuzz
def test_notes_of_downloads(data: bytes, policy: bytes, place: Path) -> None:
    folder = place / "notes"
    folder.mkdir(exist_ok=True)
    metadata = folder / "a-metadata-central.xml"
    for name in ("resolver-status.properties", "_remote.repositories"):
        (folder / name).write_bytes(data)
    survives(is_due, metadata, policy.decode("utf-8", "replace"), datetime(2026, 1, 1, tzinfo=UTC))
    survives(LocalRepository(place).origins, folder / "a.jar")


@given(data=damaged(SUMS, (b"= ", b"(", b"\xc2\xb2", b" " * 3000, b"=" * 3000)))
@fuzz
def test_checksums(data: bytes) -> None:
    for found in (
        survives(stated_beside, lambda _: data),
        survives(stated_in, {"x-checksum-sha1": data.decode("latin-1")}),
    ):
        assert found is None or found.value.isalnum()


@given(data=damaged(RELEASE, (b'"', b"=", b"\n", b"9" * 5000, b".", b"_")))
@example(data=b'JAVA_VERSION="' + b"9" * 5000 + b'"')
@fuzz
def test_releases_of_jdks(data: bytes, place: Path) -> None:
    (place / "release").write_bytes(data)
    survives(use_jdk, place)


def use_jdk(home: Path) -> None:
    jdk = read_jdk(home)
    assert jdk is None or (jdk.major >= 0 and jdk.specification is not None)


@given(data=odd_json_bytes([json.loads(b'{"imageLayoutVersion": "1.0.0"}')]))
@fuzz
def test_marks_of_layouts(data: bytes, place: Path) -> None:
    folder = place / "mark"
    folder.mkdir(exist_ok=True)
    (folder / LAYOUT_FILE).write_bytes(data)
    survives(LayoutDestination(path=folder).check)


INDEXES = [
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                **IMAGE.manifest.descriptor.to_json(),
                "annotations": {"org.opencontainers.image.ref.name": "latest"},
                "platform": {"os": "linux", "architecture": "amd64"},
            },
            DESCRIPTOR,
        ],
    }
]


@given(data=odd_json_bytes(INDEXES))
@fuzz
def test_indexes_of_layouts(data: bytes, place: Path) -> None:
    folder = place / "layout"
    destination = LayoutDestination(path=folder)
    if not folder.exists():
        destination.write(IMAGE)
    (folder / "index.json").write_bytes(data)
    location = LayoutLocation(path=folder, tag="latest")
    survives(base_layout.pull, location, (), base_tools(place / "tools"))
    survives(destination.write, IMAGE)


@given(data=damaged(FAULTS, YAML))
@fuzz
def test_files_of_faults(data: bytes, place: Path) -> None:
    path = place / "faults.yaml"
    path.write_bytes(data[:600])  # PyYAML takes its time
    survives(read_faults, path, mebibytes=48)


@pytest.mark.parametrize("separator", [",", " "])
def test_a_class_path_divided_by_something_else(separator: str, place: Path) -> None:
    path = place / "divided.txt"
    path.write_text(separator.join(f"/repository/a/{number}/a.jar" for number in range(300)))
    with pytest.raises(PyjibError):
        read_class_path_list(path, place)


def test_what_a_layer_index_says_is_read(index_server: IndexServer) -> None:
    index_server.manifest, index_server.blob = dump(ENVELOPE), dump(SIGNED_ENTRIES[0])
    assert read_artifact(index_server.client, index_server.name).entries == (SIGNED,)
    assert READER.vouches_for(SIGNED)
    assert read_keys(KeyText(text=KEYS[-1].decode(), source="file")).private == SECRET


def test_what_is_kept_is_read(place: Path) -> None:
    store = Store(place / "sound")
    path = Folders(place / "sound").record("key")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(RECORDS[0]))
    record = store.layer_record("key")
    assert record is not None
    assert record.diff_id == Digest.parse(DIGEST)
