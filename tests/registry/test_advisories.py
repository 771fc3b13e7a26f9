"""The published advisories of registry clients, each tried on this one, with its guard and without.

Every test runs twice. With the guard in place the attack must do no harm; with the guard taken out
it must, so that the test is known to see the harm. Nothing leaves the loopback interface: where an
attack needs a host elsewhere, a proxy on this machine plays it.
"""

from __future__ import annotations

import ast
import base64
import io
import json
import os
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from pyjib.base.archive_files import ArchiveFiles
from pyjib.errors import InvalidReferenceError, PyjibError
from pyjib.image import validate_layer
from pyjib.oci import manifest as oci_manifest
from pyjib.oci import media_type as types
from pyjib.oci import reference as oci_reference
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.manifest import Manifest
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry import redirects, session
from pyjib.registry.calls import manifests, paging
from pyjib.registry.login import auth, helpers, tokens, ways
from pyjib.registry.login.credentials import search_for
from pyjib.registry.login.docker_config import DockerConfig
from pyjib.registry.net import wire
from pyjib.registry.net.message import Reply as ClientReply
from pyjib.registry.net.urls import Url
from pyjib.serve import RegistryServer
from pyjib.serve import push as serve_push
from tests.support.clients import Watched, watched
from tests.support.scripted import Reply, ScriptedServer
from tests.support.wire import Wire

pytestmark = [
    pytest.mark.advisories,
    pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "unguarded"]),
]

ROOT = Path(__file__).parent.parent.parent
BASIC = "Basic " + base64.b64encode(b"me:s3cret").decode()
BLOB = Blob.of_bytes(b"layer" * 100, "application/vnd.oci.image.layer.v1.tar")
CONFIG = Descriptor.of(b"{}", types.OCI_CONFIG).to_json()
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": types.OCI_MANIFEST,
    "config": CONFIG,
    "layers": [],
}
INDEX = b'{"schemaVersion":2,"manifests":[]}'


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


@pytest.fixture
def spy() -> Iterator[ScriptedServer]:
    """A host that should never see a login, or never be asked at all."""
    with ScriptedServer() as started:
        yield started


def name(server: ScriptedServer, digest: Digest | None = None) -> Reference:
    reference = Reference.parse(f"{server.address}/team/app:1")
    return reference.with_digest(digest) if digest else reference


def mine(server: ScriptedServer, **more: Any) -> Any:
    return watched(login=(server.address, "me", "s3cret"), **more)


def basic_only(server: ScriptedServer, method: str, path: str, reply: Reply) -> None:
    """Answer with a challenge until a login comes."""
    challenge = Reply(401, {"WWW-Authenticate": "Basic"})
    server.rule(method, path, lambda seen: reply if seen.authorization else challenge)


def saw_a_login(spy: ScriptedServer) -> bool:
    secrets = (BASIC.removeprefix("Basic ").encode(), b"s3cret")
    everything = (
        f"{seen.target} {sorted(seen.headers.items())}".encode() + seen.body for seen in spy.journal
    )
    return any(secret in text for text in everything for secret in secrets)


def tries(attack: Callable[[], object]) -> bool:
    """Tell whether an attack went through without an error of ours."""
    try:
        attack()
    except PyjibError:
        return False
    return True


def logins_go_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (session, redirects):
        monkeypatch.setattr(room, "may_see", lambda start, url: True)


@pytest.mark.parametrize(
    "way", ["the type that is stated", "both kinds in one body", "both kinds, and no type"]
)
def test_cve_2021_41190_one_digest_with_two_meanings(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool, way: str
) -> None:
    document, stated = MANIFEST, types.OCI_INDEX
    if way == "both kinds in one body":
        document, stated = {**MANIFEST, "manifests": []}, types.OCI_MANIFEST
    if way == "both kinds, and no type":
        members = {name: value for name, value in MANIFEST.items() if name != "mediaType"}
        document, stated = {**members, "manifests": []}, "application/json"
    if not guarded:
        monkeypatch.setattr(manifests, "_SPECIFIC", ())
        monkeypatch.setattr(oci_manifest, "document_type", lambda _: types.OCI_MANIFEST)
    data = json.dumps(document).encode()
    server.rule("GET", ".*/manifests/.*", Reply(200, {"Content-Type": stated}, data))
    with watched() as it:
        assert tries(lambda: it.client.manifest_get(name(server))) is not guarded


def test_cve_2020_15157_another_host_asks_for_the_login(
    server: ScriptedServer, spy: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        logins_go_anywhere(monkeypatch)
    spy.rule("GET", "/.*", Reply(401, {"WWW-Authenticate": "Basic"}))
    server.rule("GET", ".*/blobs/.*", Reply(307, {"Location": f"{spy.url}/layer"}))
    with mine(server) as it:
        assert not tries(lambda: list(it.client.blob_chunks(name(server), BLOB.descriptor)))
    assert spy.journal
    assert saw_a_login(spy) is not guarded


def test_cve_2024_3727_a_digest_that_is_a_path(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        monkeypatch.setattr(Digest, "__post_init__", lambda self: None)
    layer = {"mediaType": "x/y", "digest": "sha256:../../../secret", "size": 500}
    data = json.dumps({**MANIFEST, "layers": [layer]}).encode()
    server.rule("GET", ".*", Reply(200, {}, b"x" * 500))

    def attack(it: Watched) -> None:
        (descriptor,) = Manifest.parse(data).layers
        list(it.client.blob_chunks(name(server), descriptor))

    with watched() as it:
        tries(lambda: attack(it))
    asked = [seen.target for seen in server.journal if ".." in seen.target]
    assert bool(asked) is not guarded


@pytest.mark.parametrize("what", ["manifest", "token", "error"])
def test_cve_2020_1702_bodies_without_an_end(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool, what: str
) -> None:
    if not guarded:
        for module, limit in (
            (manifests, "MAX_DOCUMENT"),
            (tokens, "MAX_TOKEN"),
            (session, "MAX_ERROR"),
        ):
            monkeypatch.setattr(module, limit, 2**40)
    taken: list[int] = []
    read = wire.Answer.read

    def counting(self: wire.Answer, limit: int) -> bytes:
        data = read(self, limit)
        taken.append(len(data))
        return data

    monkeypatch.setattr(wire.Answer, "read", counting)
    flood = b" " * (6 * 1024 * 1024)
    challenge = Reply(401, {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'})
    answers = {
        "manifest": Reply(200, {}, flood),
        "token": challenge,
        "error": Reply(400, {}, flood),
    }
    server.rule("GET", ".*/manifests/.*", answers[what])
    server.rule("GET", "/token", Reply(200, {}, flood))
    with watched(attempts=1) as it:
        assert not tries(lambda: it.client.manifest_get(name(server)))
    assert (max(taken, default=0) == len(flood)) is not guarded


def test_ghsa_qv35_3gw6_8q4j_other_bytes_for_a_digest(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        monkeypatch.setattr(manifests, "_check_digest", lambda *_: None)
    wanted = Digest.of(b"what was pinned")
    headers = {"Docker-Content-Digest": str(wanted), "Content-Type": types.OCI_INDEX}
    server.rule("GET", ".*/manifests/.*", Reply(200, headers, INDEX))
    with watched() as it:
        assert tries(lambda: it.client.manifest_get(name(server, wanted))) is not guarded


def test_cve_2026_48978_a_realm_inside_this_network(
    spy: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """A public registry, which the proxy plays, sends us to a service of this machine."""
    if not guarded:
        monkeypatch.setattr(auth, "check_hop", lambda *_, **__: None)
        monkeypatch.setattr(session.Session, "_led_by", lambda *_: None)
    spy.rule("GET", "/token", Reply(200, {}, b'{"token":"t"}'))
    with ScriptedServer() as proxy:
        challenge = f'Bearer realm="{spy.url}/token"'
        proxy.rule("GET", ".*", Reply(401, {"WWW-Authenticate": challenge}))
        variables = {"all_proxy": proxy.url}
        with watched(variables=variables, insecure=frozenset({"8.8.8.8:5000"})) as it:
            wanted = Reference.parse("8.8.8.8:5000/team/app:1")
            assert not tries(lambda: it.client.manifest_get(wanted))
        assert proxy.journal
    assert bool(spy.journal) is not guarded


def test_cve_2026_48978_a_realm_without_tls(
    spy: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """A registry of https names a realm of http; the registry is imagined, the realm is not."""
    if not guarded:
        monkeypatch.setattr(auth, "check_hop", lambda *_, **__: None)
        monkeypatch.setattr(auth.Authenticator, "_realm", lambda self, url: url)
    spy.rule("GET", "/token", Reply(200, {}, b'{"token":"t"}'))
    with watched(login=("localhost:5000", "me", "s3cret")) as it:
        talks = it.client._session
        # Nothing listens with TLS there: the challenge is handed over as if it had answered.
        who = auth.Authenticator(
            "localhost:5000", Url.parse("https://localhost:5000/"), talks._tools
        )
        challenge = auth.Challenge(scheme="bearer", parameters={"realm": f"{spy.url}/token"})
        monkeypatch.setattr(session.Session, "root", lambda self, registry: Url.parse(spy.url))
        base = Url.parse("https://localhost:5000/v2/")
        tries(lambda: who.renew([challenge], (), None, base=base))
    assert bool(spy.journal) is not guarded
    assert saw_a_login(spy) is not guarded


def test_cve_2026_50151_an_upload_that_goes_elsewhere(
    server: ScriptedServer, spy: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        logins_go_anywhere(monkeypatch)
    basic_only(server, "HEAD", ".*", Reply(404))
    server.rule("POST", ".*", Reply(202, {"Location": f"{spy.url}/upload"}))
    spy.rule("PUT", "/upload", Reply(201))
    with mine(server) as it:
        it.client.blob_push(name(server), BLOB)
    assert [len(seen.body) for seen in spy.journal] == [500]
    assert saw_a_login(spy) is not guarded


def test_ghsa_vh4v_2xq2_g5cg_another_port_is_another_origin(
    server: ScriptedServer, spy: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        logins_go_anywhere(monkeypatch)
    spy.rule("GET", "/.*", Reply(200, {}, b"layer" * 100))
    there = Reply(307, {"Location": f"{spy.url}/layer"})
    basic_only(server, "GET", ".*/blobs/.*", there)
    assert spy.address.partition(":")[0] == server.address.partition(":")[0]
    with mine(server) as it:
        assert tries(lambda: list(it.client.blob_chunks(name(server), BLOB.descriptor)))
    assert saw_a_login(spy) is not guarded


def test_cve_2026_33540_a_realm_of_another_site(
    server: ScriptedServer, spy: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        monkeypatch.setattr(auth, "are_related", lambda registry, realm: True)
        monkeypatch.setattr(ways, "_is_exposed", lambda url: False)
    challenge = 'Bearer realm="http://auth.evil.example/token"'
    server.rule("GET", ".*/manifests/.*", Reply(401, {"WWW-Authenticate": challenge}))
    spy.rule("GET", "http://auth.evil.example/token", Reply(200, {}, b'{"token":"t"}'))
    with mine(server, variables={"http_proxy": spy.url}) as it:
        assert not tries(lambda: it.client.manifest_get(name(server)))
    assert spy.journal
    assert saw_a_login(spy) is not guarded


@pytest.mark.parametrize("way", ["token", "identity token", "after the 401"])
def test_vulndb_6092_every_hop_is_another_host(
    server: ScriptedServer,
    spy: ScriptedServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
    way: str,
) -> None:
    """go-containerregistry's PRs 2291, 2295 and 2349."""
    if not guarded:
        logins_go_anywhere(monkeypatch)
        post = tokens._post
        monkeypatch.setattr(tokens, "_post", lambda *given: replace(post(*given), sealed=False))
    challenge = Reply(401, {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'})
    if way == "after the 401":
        challenge = Reply(401, {"WWW-Authenticate": "Basic"})
    elsewhere = Reply(307, {"Location": f"{spy.url}/there"})
    server.rule("GET", ".*/manifests/.*", challenge, times=1)
    server.rule("*", "/token", elsewhere)
    server.rule("GET", ".*/manifests/.*", elsewhere)
    spy.rule("*", "/there", Reply(200, {}, b'{"token":"t"}'))
    given: dict[str, Any] = {"login": (server.address, "me", "s3cret")}
    if way == "identity token":
        config = tmp_path / ".docker" / "config.json"
        config.parent.mkdir()
        entry = {server.address: {"identitytoken": "s3cret"}}
        config.write_text(json.dumps({"auths": entry}))
        given = {"home": tmp_path}
    with watched(**given) as it:
        tries(lambda: it.client.manifest_get(name(server)))
    assert saw_a_login(spy) is not guarded


class _Forgetful(set[str]):
    """A set that never has anything: what pages were seen is lost."""

    def __contains__(self, item: object) -> bool:
        return False


def test_ghsa_298f_872v_2rcx_pages_without_an_end(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    monkeypatch.setattr(paging, "MAX_PAGES", 30)
    if not guarded:
        monkeypatch.setattr(paging, "set", _Forgetful, raising=False)
    numbers = iter(range(10_000))

    def page(_: object) -> Reply:
        body = json.dumps({"tags": [f"t{next(numbers)}"]}).encode()
        return Reply(200, {"Link": '<?last=a>; rel="next"'}, body)

    server.rule("GET", ".*/tags/list", page)
    with watched() as it:
        it.client.tag_list(name(server))
    assert len(server.seen("GET", ".*/tags/list")) == (2 if guarded else 30)


def test_ghsa_h7vf_4x9w_h99v_pages_of_another_host(
    server: ScriptedServer, spy: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:

        def anywhere(reply: ClientReply, root: Url) -> Url | None:
            link = reply.headers.get("link", "")
            return reply.url.join(link.strip("<").partition(">")[0]) if link else None

        monkeypatch.setattr(paging, "_next", anywhere)
    link = f'<{spy.url}/next>; rel="next"'
    server.rule("GET", ".*/tags/list", Reply(200, {"Link": link}, b'{"tags":["a"]}'))
    spy.rule("GET", "/next", Reply(200, {}, b'{"tags":["b"]}'))
    with watched() as it:
        tries(lambda: it.client.tag_list(name(server)))
    assert bool(spy.journal) is not guarded


def test_ghsa_f36w_mj3v_6jqv_a_size_that_is_believed(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    huge = replace(BLOB.descriptor, size=2**62)
    if not guarded:
        chunks = wire.Answer.chunks

        def prepared(self: wire.Answer) -> Iterator[bytes]:
            bytearray(huge.size)
            return chunks(self)

        monkeypatch.setattr(wire.Answer, "chunks", prepared)
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, b"layer"))
    allocated = False
    with watched(attempts=1) as it:
        try:
            assert not tries(lambda: list(it.client.blob_chunks(name(server), huge)))
        except (MemoryError, OverflowError):
            allocated = True
    assert allocated is not guarded


def archive_of(**entries: tuple[bytes, str]) -> bytes:
    """Return a tar: by name a type and where its link leads."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, (kind, link) in entries.items():
            entry = tarfile.TarInfo(path.replace("__", "/"))
            entry.type, entry.linkname = kind, link
            tar.addfile(entry)
    return buffer.getvalue()


@pytest.mark.skipif(os.name != "posix", reason="unpacking links is for POSIX")
def test_cve_2026_50163_links_that_lead_out_of_an_archive(tmp_path: Path, guarded: bool) -> None:
    """Also CVE-2026-85731. The guard is that an archive is read where it lies, never unpacked."""
    (tmp_path / "out").mkdir()
    (tmp_path / "secret").write_text("s3cret")
    data = archive_of(
        a=(tarfile.SYMTYPE, ".."),
        b=(tarfile.SYMTYPE, "a/secret"),
        manifest=(tarfile.SYMTYPE, "b"),
    )
    if guarded:

        def opened() -> BinaryIO:
            return io.BytesIO(data)

        found = ArchiveFiles.of(opened, "x").read("manifest")
    else:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            # Python 3.11.2 has no other way, and no name for it.
            way: Any = {"filter": "fully_trusted"} if hasattr(tarfile, "data_filter") else {}
            tar.extractall(tmp_path / "out", **way)
        found = (tmp_path / "out" / "manifest").read_bytes()
    assert (found == b"s3cret") is not guarded


@pytest.mark.parametrize("entry", ["../evil", "/evil", "a/../../evil"])
def test_cve_2026_85731_entries_that_lead_out_of_a_layer(
    monkeypatch: pytest.MonkeyPatch, guarded: bool, entry: str
) -> None:
    if not guarded:
        monkeypatch.setattr(validate_layer, "_check_name", lambda _: None)
    data = archive_of(**{entry.replace("/", "__"): (tarfile.REGTYPE, "")})
    reader = validate_layer._ForwardReader(io.BytesIO(data), Digest.of(data))
    with reader:
        assert tries(lambda: validate_layer._check_entries(reader)) is not guarded


def test_cve_2021_41092_a_helper_that_is_missing(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        monkeypatch.setattr(DockerConfig, "helper_for", lambda self, registry: None)
    config = tmp_path / ".docker" / "config.json"
    config.parent.mkdir()
    entry = {"username": "me", "password": "s3cret"}
    config.write_text(json.dumps({"credsStore": "gone", "auths": {server.address: entry}}))
    basic_only(server, "GET", ".*/manifests/.*", Reply(200, {}, INDEX))
    with watched(home=tmp_path, variables={"PATH": str(tmp_path)}) as it:
        assert tries(lambda: it.client.manifest_get(name(server))) is not guarded
    assert saw_a_login(server) is not guarded


@pytest.mark.skipif(os.name != "posix", reason="the program is a script with #!")
def test_cve_2022_25914_a_program_is_not_run_to_see_whether_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    program, ran = tmp_path / "docker-credential-gcr", tmp_path / "ran"
    program.write_text(f"#!{sys.executable}\nopen({str(ran)!r}, 'w').close()\n")
    program.chmod(0o755)
    if not guarded:

        def run(helper: str, host: HostEnvironment) -> bool:
            return subprocess.run([program, "version"], check=False).returncode == 0

        monkeypatch.setattr(helpers, "is_installed", run)
    host = HostEnvironment(
        variables={"PATH": str(tmp_path), "CLOUDSDK_AUTH_ACCESS_TOKEN": "x"}, home=tmp_path
    )
    config = tmp_path / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text('{"auths":{"gcr.io":{"username":"me","password":"x"}}}')
    search = search_for("gcr.io", RegistryOptions(), host)
    assert search.credential is not None
    assert "docker-credential-gcr" in [step.source for step in search.steps]
    assert ran.exists() is not guarded


def unpacks(source: str) -> bool:
    """Tell whether a program unpacks archives by the functions whose filters can be passed by."""
    banned = {"extractall", "extract", "unpack_archive"}
    return any(
        isinstance(node, ast.Attribute) and node.attr in banned
        for node in ast.walk(ast.parse(source))
    )


def starts_a_shell(source: str) -> bool:
    return any(
        isinstance(node, ast.keyword)
        and node.arg == "shell"
        and not (isinstance(node.value, ast.Constant) and node.value.value is False)
        for node in ast.walk(ast.parse(source))
    ) or any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr)
        in {("os", "system"), ("os", "popen"), ("subprocess", "getoutput")}
        for node in ast.walk(ast.parse(source))
    )


def program_with(guarded: bool, line: str) -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "pyjib").rglob("*.py")]
    return texts if guarded else [*texts, line]


def test_cve_2025_4517_nothing_is_unpacked(guarded: bool) -> None:
    """Also CVE-2025-4330 and CVE-2024-12718; the linter's S202 says the same at once."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in lint["extend-select"]
    assert not {"S", "S2", "S202"} & set(lint["ignore"])
    texts = program_with(guarded, "tar.extractall('x', filter='data')")
    assert any(map(unpacks, texts)) is not guarded


@pytest.mark.parametrize(
    "text", ["$(x)", "r.io/$(touch x)", "r.io/a:$(x)", "r.io/a;x", "r.io/`x`", "r.io/a:1 --x"]
)
def test_cve_2022_20617_a_name_that_is_a_command(
    monkeypatch: pytest.MonkeyPatch, guarded: bool, text: str
) -> None:
    if not guarded:
        monkeypatch.setattr(oci_reference, "_check_path", lambda *_: None)
        monkeypatch.setattr(oci_reference, "_TAG", oci_reference.re.compile(".*"))
    try:
        Reference.parse(text)
        accepted = True
    except InvalidReferenceError:
        accepted = False
    assert accepted is not guarded


def test_cve_2022_20617_nothing_is_given_to_a_shell(guarded: bool) -> None:
    texts = program_with(guarded, "subprocess.run(f'push {name}', shell=True)")
    assert any(map(starts_a_shell, texts)) is not guarded


def test_cve_2024_39897_a_mount_takes_the_right_to_read(
    monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:

        def anybody(context: Any, call: Any, digest: Digest) -> bool:
            source = call.request.parameter("from")
            return bool(context.repositories.storage.link_blob(source, call.name, digest))

        monkeypatch.setattr(serve_push, "_mount", anybody)

    def policy(user: str | None, repository: str, action: str) -> bool:
        return user == "owner" or repository.startswith(f"{user}/")

    digest = BLOB.descriptor.digest
    with RegistryServer(users={"owner": "s3cret", "eve": "s3cret"}, policy=policy) as registry:
        with watched(login=(registry.address, "owner", "s3cret")) as it:
            it.client.blob_push(Reference.parse(f"{registry.address}/owner/app:1"), BLOB)
        login = "Basic " + base64.b64encode(b"eve:s3cret").decode()
        target = f"/v2/eve/app/blobs/uploads/?mount={digest}&from=owner/app"
        with Wire(registry.address) as eve:
            reply = eve.send("POST", target, Authorization=login)
    assert (reply.status == 201) is not guarded


def test_every_row_is_here(guarded: bool) -> None:
    """The advisories of the specification's table, by the names of the tests above."""
    names = {name for name in globals() if name.startswith("test_")}
    rows = [
        "cve_2021_41190", "cve_2020_15157", "cve_2024_3727", "cve_2020_1702",
        "ghsa_qv35_3gw6_8q4j", "cve_2026_48978", "cve_2026_50151", "ghsa_vh4v_2xq2_g5cg",
        "cve_2026_33540", "vulndb_6092", "ghsa_298f_872v_2rcx", "ghsa_h7vf_4x9w_h99v",
        "ghsa_f36w_mj3v_6jqv", "cve_2026_50163", "cve_2026_85731", "cve_2021_41092",
        "cve_2022_25914", "cve_2025_4517", "cve_2022_20617", "cve_2024_39897",
    ]  # fmt: skip
    missing = [row for row in rows if not any(row in name for name in names)]
    assert missing == []
