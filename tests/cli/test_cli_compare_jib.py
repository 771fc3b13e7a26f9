"""``compare-jib``, with images of Jib's bytes that pyjib itself makes."""

from __future__ import annotations

from pathlib import Path

import pytest

import pyjib
from pyjib.build import assemble
from pyjib.cli.compare_jib import parse_image
from pyjib.oci.identity import Identity
from pyjib.oci.image import Image
from pyjib.oci.location import ArchiveLocation, RegistryLocation
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.serve import RegistryServer
from tests.support.bases import docker_save, tar_file
from tests.support.cli import HELLO, Cli
from tests.support.images import random_image
from tests.support.registry import put_image

BASE = f"oci://{HELLO.parent / 'base-image'}:17-jre"
AS_JIB = Identity.of_jib("3.4.1")


def options(home: Path, *platforms: str, **more: object) -> pyjib.BuildOptions:
    given = {
        "base": pyjib.parse_location(BASE),
        "identity": AS_JIB,
        "cache": home / "jib",
        "platforms": tuple(map(Platform.parse, platforms)),
        **more,
    }
    return pyjib.BuildOptions(**given)  # type: ignore[arg-type]


def test_equal_in_a_registry(cli: Cli, registry: RegistryServer) -> None:
    with assemble(options(cli.home), path=HELLO) as made:
        put_image(registry, "hello", made.image, "1")
    name = f"{registry.address}/hello:1"
    done = cli("compare-jib", name, HELLO, "--from", BASE)
    assert done.code == 0, done.stderr
    image = made.image
    assert done.lines == [f"equal: {image.digest}, image ID {image.image_id}"]
    document = cli("compare-jib", name, HELLO, "--from", BASE, "--json", "--quiet").json
    both = {"imageDigest": str(image.digest), "imageId": str(image.image_id)}
    assert document == {
        "equal": True,
        "manifestCompared": True,
        "jib": both,
        "ours": both,
        "differences": [],
    }


def test_different(cli: Cli, registry: RegistryServer) -> None:
    with assemble(options(cli.home, environment=(("A", "\x1b[2J"),)), path=HELLO) as made:
        put_image(registry, "hello", made.image, "1")
    name = f"{registry.address}/hello:1"
    done = cli("compare-jib", name, HELLO, "--from", BASE, "--quiet")
    assert (done.code, done.stderr) == (1, "")
    assert done.lines[0] == "different"
    at = next(place for place, line in enumerate(done.lines) if line.startswith("config "))
    assert "Env[" in done.lines[at]
    assert "\x1b" not in done.stdout
    document = cli("compare-jib", name, HELLO, "--from", BASE, "--quiet", "--json").json
    assert not document["equal"]
    assert [one["level"] for one in document["differences"]] == ["manifest", "config"]


def test_several_platforms(cli: Cli, registry: RegistryServer) -> None:
    platforms = ("linux/amd64", "linux/arm64")
    with assemble(options(cli.home, *platforms), path=HELLO) as made:
        put_image(registry, "hello", made.image, "1")
    command = ("compare-jib", f"{registry.address}/hello:1", HELLO, "--from", BASE)
    done = cli(*command, "--platform", ",".join(platforms))
    assert done.code == 0, done.stdout
    done = cli(*command)
    assert done.code == 1
    assert done.lines[1].startswith("index ")


@pytest.mark.parametrize("scheme", ["", "tar://"])
def test_an_archive_without_a_manifest(cli: Cli, tmp_path: Path, scheme: str) -> None:
    with assemble(options(cli.home), path=HELLO) as made:
        assert isinstance(made.image, Image)
        archive = tmp_path / "jib-image.tar"
        archive.write_bytes(tar_file(docker_save(made.image)))
    done = cli("compare-jib", f"{scheme}{archive}", HELLO, "--from", BASE, "--progress", "none")
    assert (done.code, done.stderr) == (0, "")
    assert done.lines == [
        f"equal: image ID {made.image.image_id}",
        "not compared: manifest and compressed layers, which this kind of image lacks",
    ]
    document = cli("compare-jib", archive, HELLO, "--from", BASE, "--json").json
    assert not document["manifestCompared"]
    assert document["jib"]["imageDigest"] is None


def test_a_layout_has_a_manifest(cli: Cli, tmp_path: Path) -> None:
    layout = pyjib.parse_location(f"oci://{tmp_path / 'image'}")
    pyjib.build(options(cli.home, targets=(layout,), format=ImageFormat.OCI), path=HELLO)
    command = ("compare-jib", str(layout), HELLO, "--from", BASE)
    done = cli(*command, "--format", "oci", "--json")
    assert done.code == 0, done.stdout
    assert done.json["manifestCompared"]
    assert cli(*command).lines[1] == "manifest  mediaType"


def test_an_image_that_is_not_jibs(cli: Cli, registry: RegistryServer) -> None:
    put_image(registry, "other", random_image(1), "1")
    done = cli("compare-jib", f"{registry.address}/other:1", HELLO, "--from", BASE)
    assert done.code == 2
    assert "does not look like an image made by Jib" in done.stderr
    done = cli("compare-jib", f"{registry.address}/none:1", HELLO, "--from", BASE)
    assert done.code == 1


def test_parse_image() -> None:
    assert parse_image("target/jib-image.tar") == ArchiveLocation(path=Path("target/jib-image.tar"))
    assert parse_image("team/app") == RegistryLocation(reference=Reference.parse("team/app"))
