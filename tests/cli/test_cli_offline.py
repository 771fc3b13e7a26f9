"""``--offline``: the base is what the cache holds of it, and other machines are asked nothing."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from pyjib.oci.digest import Digest
from pyjib.oci.image import Image
from pyjib.serve import RegistryServer
from pyjib.store.store import Store
from tests.support.cli import HELLO, Cli, Finished
from tests.support.images import random_image
from tests.support.registry import put_image

BASE = "base.example.com/team/jre:17"
IMAGE = random_image(1)


@pytest.fixture
def mirror(registry_unchecked: RegistryServer) -> RegistryServer:
    """A registry of this machine that stands in for the base's, which is on no machine."""
    put_image(registry_unchecked, "team/jre", IMAGE, "17")
    return registry_unchecked


def build(cli: Cli, target: str | Path, *more: str) -> Finished:
    to = target if isinstance(target, str) else f"tar://{target}"
    return cli("build", HELLO, "--from", BASE, "--to", to, *more)


def online(mirror: RegistryServer) -> list[str]:
    return ["--mirror", f"base.example.com={mirror.address}"]


def test_a_base_that_was_read_before_is_built_on(
    cli: Cli, mirror: RegistryServer, tmp_path: Path
) -> None:
    first = build(cli, tmp_path / "a.tar", *online(mirror))
    assert first.code == 0, first.stderr
    mirror.close()
    second = build(cli, tmp_path / "b.tar", "--offline")
    assert second.code == 0, second.stderr
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_a_tag_stands_for_what_it_was_last(
    cli: Cli, mirror: RegistryServer, tmp_path: Path
) -> None:
    for number, image in enumerate((IMAGE, random_image(2))):
        put_image(mirror, "team/jre", image, "17")
        assert build(cli, tmp_path / f"{number}.tar", *online(mirror)).code == 0
    assert build(cli, tmp_path / "now.tar", "--offline").code == 0
    assert (tmp_path / "now.tar").read_bytes() == (tmp_path / "1.tar").read_bytes()
    assert (tmp_path / "now.tar").read_bytes() != (tmp_path / "0.tar").read_bytes()


def test_a_base_that_no_build_has_read(cli: Cli, tmp_path: Path) -> None:
    done = build(cli, tmp_path / "x.tar", "--offline")
    assert done.code == 1
    assert f"{BASE} has not been looked up by any build, and no network" in done.stderr
    assert "hint: build once without --offline" in done.stderr
    assert not (tmp_path / "x.tar").exists()


def test_a_layer_that_no_build_has_read(cli: Cli, mirror: RegistryServer, tmp_path: Path) -> None:
    # The layers stay at the registry, which holds the base and links them.
    target = f"{mirror.address}/team/app:1"
    assert build(cli, target, *online(mirror)).code == 0
    for layer in IMAGE.layers:
        Store(cli.home / "cache").discard(layer.descriptor.digest)
    done = build(cli, tmp_path / "x.tar", "--offline")
    assert done.code == 1
    assert f"layer {IMAGE.layers[0].descriptor.digest.short} of" in done.stderr
    assert "is not in the cache, and no network is to be used" in done.stderr


@pytest.mark.parametrize("kind", ["manifest", "config"])
def test_a_document_that_is_gone(
    cli: Cli, mirror: RegistryServer, tmp_path: Path, kind: str
) -> None:
    assert build(cli, tmp_path / "a.tar", *online(mirror)).code == 0
    Store(cli.home / "cache").discard(_digest(IMAGE, kind))
    done = build(cli, tmp_path / "b.tar", "--offline")
    assert done.code == 1
    assert f"the {kind} {_digest(IMAGE, kind).short} of {BASE} is not in the cache" in done.stderr


def _digest(image: Image, kind: str) -> Digest:
    return image.digest if kind == "manifest" else image.manifest.config.digest


def test_no_push_to_other_machines(cli: Cli) -> None:
    done = build(cli, "registry.example.com/team/app:1", "--offline")
    assert done.code == 1
    assert "cannot push to registry.example.com/team/app:1: no network" in done.stderr
    assert (
        "hint: write to tar://FILE, oci://DIR or docker://NAME, or leave --offline" in done.stderr
    )


def test_registries_of_this_machine_are_no_network(
    cli: Cli, mirror: RegistryServer, tmp_path: Path
) -> None:
    done = build(cli, f"{mirror.address}/team/app:1", "--offline", *online(mirror))
    assert done.code == 0, done.stderr
    here = f"{mirror.address}/team/jre:17"
    target = f"tar://{tmp_path / 'x.tar'}"
    assert cli("build", HELLO, "--offline", "--from", here, "--to", target).code == 0


def test_a_registry_of_this_machine_that_is_down(
    cli: Cli, mirror: RegistryServer, tmp_path: Path
) -> None:
    base = f"{mirror.address}/team/jre:17"
    build = ["build", HELLO, "--from", base, "--to"]
    assert cli(*build, f"tar://{tmp_path / 'a.tar'}").code == 0
    mirror.close()
    failed = cli(*build, f"tar://{tmp_path / 'b.tar'}")
    assert failed.code == 1
    was = f"--offline builds on {IMAGE.digest.short}, which it was when it was last looked up"
    assert was in " ".join(failed.stderr.split())
    assert cli(*build, f"tar://{tmp_path / 'b.tar'}", "--offline").code == 0


def test_a_layer_index_on_another_machine(cli: Cli, mirror: RegistryServer, tmp_path: Path) -> None:
    """It is no more than help: what cannot be had is packed, and nobody waits for it."""
    project = tmp_path / "project"
    shutil.copytree(HELLO, project)
    (project / "src/main/jib").mkdir(parents=True)
    (project / "src/main/jib/large").write_bytes(random.Random(1).randbytes(1 << 21))
    target = f"{mirror.address}/team/app:1"
    index = "192.0.2.1:5000/team/index:1"  # where packets get lost
    here = ["--offline", *online(mirror), "--layer-index", index]
    done = cli("build", project, "--from", BASE, "--to", target, *here)
    assert done.code == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "192.0.2.1" in line]
    assert len(told) == 1
    assert "the layer index 192.0.2.1:5000/team/index:1 was not" in told[0]
    assert "attempt" not in done.stderr


def test_with_a_build_file(cli: Cli, mirror: RegistryServer, tmp_path: Path) -> None:
    file = tmp_path / "jib.yaml"
    file.write_text(f"apiVersion: jib/v1alpha1\nkind: BuildFile\nfrom:\n  image: {BASE}\n")
    build = ["build", tmp_path, "-b", file, "--to", f"tar://{tmp_path / 'x.tar'}"]
    assert cli(*build, *online(mirror)).code == 0
    done = cli(*build, "--offline")
    assert done.code == 0
    assert "has no effect" not in done.stderr
