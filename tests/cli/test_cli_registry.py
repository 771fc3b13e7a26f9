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
            process.communicate(timeout=20)


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
        (("--limit", "upload"), "--limit upload: not NAME=N"),
        (("--limit", "x=1"), "--limit x=1: not NAME=N"),
        (("--repository", "A"), "--repository A"),
        (("--faults", "{faults}"), "faults: a list is needed"),
        (("--users", "{users}"), "line 1: not NAME:PASSWORD"),
        (("--users", "{users}x"), "cannot read the users"),
        (("--journal", "{faults}/x"), "cannot write the journal"),
        (("--quirks", "nobody"), "nobody"),
    ],
)
def test_what_it_cannot_do(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    users, faults = tmp_path / "users", tmp_path / "faults"
    users.write_text("me")
    faults.write_text("{}")
    given = [text.format(users=users, faults=faults) for text in arguments]
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
