"""``pyjib registry serve`` with its options, as a program; and ``pyjib registry gc``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyjib.errors import RegistryError
from pyjib.oci.blob import Blob
from pyjib.oci.reference import Reference
from pyjib.serve import RegistryServer
from tests.support.cli import Cli
from tests.support.clients import watched
from tests.support.images import random_image
from tests.support.registry import put_blob, put_image
from tests.support.trouble import blob_of
from tests.support.wire import Wire


@dataclass(frozen=True, kw_only=True)
class Serving:
    address: str
    told: str = ""

    @property
    def name(self) -> Reference:
        return Reference.parse(f"{self.address}/team/app:1")


@contextmanager
def serving(cli: Cli, *arguments: str | Path, told: bool = False) -> Iterator[Serving]:
    with cli.start("registry", "serve", "--port", "0", *arguments) as process:
        assert process.stdout
        assert process.stderr
        try:
            first = process.stderr.readline() if told else ""
            yield Serving(address=process.stdout.readline().strip(), told=first.strip())
        finally:
            process.terminate()
            process.communicate(timeout=240)


def test_tls_users_faults_and_a_journal(cli: Cli, tmp_path: Path) -> None:
    users, faults, journal = (tmp_path / name for name in ("users", "faults.yaml", "journal"))
    users.write_text("# who\nme:p:w\n\n")
    faults.write_text(
        "faults: [{name: busy, match: {method: POST, calls: 2}, before: {status: 503}}]"
    )
    options = (
        "--tls",
        "--users",
        users,
        "--auth",
        "token",
        "--faults",
        faults,
        "--journal",
        journal,
    )
    with serving(cli, *options, told=True) as server:
        ca_file = Path(server.told.removeprefix("certificate authority: "))
        assert ca_file.exists()
        with watched(login=(server.address, "me", "p:w"), ca_file=ca_file) as it:
            it.client.expect_push(server.name)
            it.client.blob_push(server.name, blob_of(1000))
            it.client.blob_push(server.name, blob_of(1000, seed=8))
        with watched(ca_file=ca_file) as it, pytest.raises(RegistryError):
            it.client.blob_push(server.name, blob_of(1000))
    assert not ca_file.exists()
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line["status"] for line in lines if line["method"] == "POST"][:3] == [202, 503, 202]
    assert [line["fault"] for line in lines if line["status"] == 503] == ["busy"]
    assert {line["login"] for line in lines if line["method"] == "PUT"} == {"Bearer"}
    assert all(line["time"].endswith("Z") for line in lines)


def test_quirks_and_repositories(cli: Cli) -> None:
    options = ("--quirks", "ecr", "--repository", "team/app", "-q")
    with serving(cli, *options) as server, watched() as it:
        it.client.blob_push(server.name, blob_of(1000))
        other = Reference.parse(f"{server.address}/team/other:1")
        with pytest.raises(RegistryError, match="does not exist"):
            it.client.blob_push(other, blob_of(1000))


def test_a_cache(cli: Cli, registry: RegistryServer) -> None:
    image = random_image(1)
    put_image(registry, "team/app", image, "1")
    with serving(cli, "--proxy", registry.address, "-q") as server, watched() as it:
        assert it.client.manifest_get(server.name)[0] == image.manifest.data


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--limit", "upload"), "--limit upload: '' is no number"),
        (("--limit", "x=1"), "--limit x=1: no limit is called 'x'"),
        (("--repository", "A"), "--repository A"),
        (("--faults", "{faults}"), "faults: a list is needed"),
        (("--users", "{users}"), "line 1: not NAME:PASSWORD"),
        (("--users", "{users}x"), "cannot read the users"),
        (("--journal", "{faults}/x"), "cannot write the journal"),
        (("--quirks", "nobody"), "nobody"),
        (("--root", ""), "--root: the path is empty"),
        (("--root", "{users}/x"), "cannot keep repositories in"),
        (("--root", "{users}/x", "--repository", "a"), "cannot keep repositories in"),
        (("--root", "{users}x", "--read-only"), "--read-only would make none"),
        (("--host", ""), "--host: the address is empty"),
        (("--auth", "token"), "hint: name a file of NAME:PASSWORD with --users"),
        (("--token-lifetime", "5"), "--token-lifetime: there are no tokens"),
        (("--quirks", "ecr", "--token-lifetime", "5"), "--token-lifetime: there are no tokens"),
        (("--proxy", ""), "--proxy: it is empty\nhint: write one, or leave --proxy out"),
        (("--proxy", "mine"), "--proxy: 'mine' is not a registry's host"),
        (("--limit", "body=0"), "hint: body can be 1 to 1000000"),
        (("--limit", "head=99999999999999999999"), "--limit head=99999999999999999999: out of"),
        (("--limit", "manifest=8388609"), "hint: manifest can be 0 to 8388608"),
        (("--users", "{hashes}"), "line 1: a hash of a password"),
    ],
)
def test_what_it_cannot_do(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    users, faults = tmp_path / "users", tmp_path / "faults"
    users.write_text("me")
    faults.write_text("{}")
    hashes = tmp_path / "hashes"
    hashes.write_text("me:$2y$05$c3VjaCBpcyBhIGhhc2g")
    given = [text.format(users=users, faults=faults, hashes=hashes) for text in arguments]
    done = cli("registry", "serve", "--port", "0", *given)
    assert done.code in (1, 2)
    assert said in done.stderr


def test_garbage(cli: Cli, tmp_path: Path) -> None:
    loose = Blob.of_bytes(b"loose", "x/y")
    with RegistryServer(tmp_path) as server:
        put_blob(server, "a", loose)
    assert cli("registry", "gc", "--root", tmp_path).stdout == ""
    assert cli("registry", "gc", "--root", tmp_path / "none").code == 2
    done = cli("registry", "gc", "--root", tmp_path, "--grace", "0")
    assert done.lines == [f"a@{loose.descriptor.digest}"]
    assert done.code == 0


def test_garbage_that_is_not_to_be_had(cli: Cli, tmp_path: Path) -> None:
    assert "hint: name the one" in cli("registry", "gc", "--root", tmp_path / "none").stderr
    assert "the path is empty" in cli("registry", "gc", "--root", "").stderr
    assert "no repositories" in cli("registry", "gc", "--root", tmp_path).stderr
    loose = Blob.of_bytes(b"loose", "x/y")
    with RegistryServer(tmp_path) as server:
        put_blob(server, "a", loose)
        put_blob(server, "b", loose)
    (tmp_path / "a/_uploads").rmdir()
    (tmp_path / "a/_uploads").touch()
    done = cli("registry", "gc", "--root", tmp_path, "--grace", "0")
    assert done.code == 1
    assert f"error: cannot delete in {tmp_path}: a: File exists" in done.stderr
    assert done.lines == [f"b@{loose.descriptor.digest}"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has such a disk")
def test_a_journal_on_a_full_disk_is_told_of_once(cli: Cli) -> None:
    with cli.start("registry", "serve", "--port", "0", "--journal", "/dev/full") as process:
        assert process.stdout
        with Wire(process.stdout.readline().strip()) as wire:
            assert [wire.send("GET", "/v2/").status for _ in range(3)] == [200, 200, 200]
        process.terminate()
        _, told = process.communicate(timeout=240)
    assert told.count("warning: cannot write the journal /dev/full: No space left on device") == 1
    assert told.count("GET /v2/ 200") == 3
    assert process.returncode == 0
