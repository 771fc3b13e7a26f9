"""``compare-jib``, with images of Jib's bytes that pyjib itself makes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import pyjib
from pyjib.build import assemble, pull
from pyjib.cli.compare_jib import parse_image
from pyjib.errors import InvalidReferenceError
from pyjib.oci.identity import Identity
from pyjib.oci.image import Image, ImageIndex
from pyjib.oci.location import ArchiveLocation, RegistryLocation
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.serve import RegistryServer
from tests.support.bases import docker_save, tar_file
from tests.support.cli import HELLO, Cli, Finished
from tests.support.images import random_image
from tests.support.projects import main_class, write_tree
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
    assert (done.code, done.stdout) == (2, "")


def test_parse_image() -> None:
    assert parse_image("target/jib-image.tar") == ArchiveLocation(path=Path("target/jib-image.tar"))
    assert parse_image("team/app") == RegistryLocation(reference=Reference.parse("team/app"))
    with pytest.raises(InvalidReferenceError):
        parse_image("a" * 300)


POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>com.example</groupId><artifactId>app</artifactId><version>1.0</version>
<properties><maven.compiler.release>17</maven.compiler.release></properties><build><plugins><plugin><groupId>com.google.cloud.tools</groupId>
<artifactId>jib-maven-plugin</artifactId><version>3.4.1</version><configuration>
<from><image>{base}</image>{platforms}</from><to><image>{target}</image></to>{more}
</configuration></plugin></plugins></build></project>"""
PLATFORMS = "<platforms>{}</platforms>"
PLATFORM = "<p><os>linux</os><architecture>{}</architecture></p>"
BOTH = PLATFORMS.format(PLATFORM.format("amd64") + PLATFORM.format("arm64"))


class Configured:
    """A project whose pom says all, pushed to a registry once."""

    def __init__(self, cli: Cli, registry: RegistryServer, root: Path) -> None:
        self.cli, self.root = cli, root
        self.image = f"{registry.address}/app:1"
        self.base = f"{registry.address}/jre:17"
        layout = pyjib.parse_location(BASE)
        platforms = tuple(map(Platform.parse, ("linux/amd64", "linux/arm64")))
        with pull(layout, platforms=platforms) as pulled:
            assert pulled.index is not None
            index = ImageIndex(index=pulled.index, images=pulled.images)
            put_image(registry, "jre", index, "17")
        write_tree(root, {"target/classes/Main.class": main_class("Main")})

    def say(self, *, platforms: str = "", more: str = "") -> None:
        text = POM.format(base=self.base, target=self.image, platforms=platforms, more=more)
        write_tree(self.root, {"pom.xml": text})

    def build(self, *more: str) -> None:
        done = self.cli("build", self.root, *more)
        assert done.code == 0, done.stderr

    def compare(self, *more: str | Path) -> Finished:
        return self.cli("compare-jib", *(more or (self.image,)), self.root)


@pytest.fixture
def project(cli: Cli, registry: RegistryServer, tmp_path: Path) -> Configured:
    return Configured(cli, registry, tmp_path / "app")


@pytest.mark.parametrize(
    ("platforms", "more"), [(BOTH, ""), ("", "<format>OCI</format>")], ids=["platforms", "oci"]
)
def test_the_pom_says_all(project: Configured, platforms: str, more: str) -> None:
    now = "<creationTime>USE_CURRENT_TIMESTAMP</creationTime>"
    project.say(platforms=platforms, more=f"<container>{now}{more}</container>")
    project.build()
    done = project.compare()
    assert done.code == 0, done.stdout
    assert "warning" not in done.stderr
    assert f"{project.image}@" not in done.stderr, "the image to compare with is no base"


def test_an_image_for_other_platforms_is_different(project: Configured) -> None:
    project.say(platforms=PLATFORMS.format(PLATFORM.format("arm64")))
    project.build()
    project.say(platforms=BOTH)
    done = project.compare()
    assert done.code == 1, done.stderr
    assert done.lines[1] == "index     kind"
    project.build()
    project.say(platforms=PLATFORMS.format(PLATFORM.format("arm64")))
    assert project.compare().code == 1


def test_what_a_change_does(project: Configured, tmp_path: Path) -> None:
    project.say()
    project.build("--to", f"oci://{tmp_path / 'image'}", "--format", "docker")
    layout = tmp_path / "image"
    assert project.compare(layout).code == 0
    write_tree(project.root, {"target/classes/new.txt": b"1"})
    done = project.compare(layout)
    assert done.code == 1
    assert [line.split()[0] for line in done.lines if line[:1] != " "] == [
        "different",
        "manifest",
        "config",
        "layer",
    ]
    project.say(more="<container><user>1</user></container>")
    done = project.compare(layout)
    assert "config    config.User" in done.lines, "more telling than what follows from layers"


def test_another_base_is_told(project: Configured, cli: Cli) -> None:
    project.say()
    project.build()
    done = cli("compare-jib", project.image, project.root, "--from", "scratch")
    assert done.code == 1
    assert "another base than scratch" in done.stderr


def test_a_base_that_jib_made_is_no_other(cli: Cli, registry: RegistryServer) -> None:
    base, app = f"{registry.address}/base:1", f"{registry.address}/app:1"
    with assemble(options(cli.home), path=HELLO) as made:
        put_image(registry, "base", made.image, "1")
    with assemble(options(cli.home, base=pyjib.parse_location(base)), path=HELLO) as made:
        put_image(registry, "app", made.image, "1")
    done = cli("compare-jib", app, HELLO, "--from", base, "--env", "A=b")
    assert done.code == 1
    assert "another base" not in done.stderr


def test_what_cannot_be_compared_ends_with_2(project: Configured, tmp_path: Path) -> None:
    project.say()
    project.build()
    for image in (project.image.replace("app:1", "none:1"), tmp_path / "no.tar"):
        done = project.compare(image)
        assert (done.code, done.stdout) == (2, "")
    project.say(more="<skip>true</skip>")
    done = project.compare()
    assert (done.code, "skip = true" in done.stderr) == (2, True)
    (project.root / "target" / "classes" / "Main.class").unlink()
    project.say()
    assert project.compare().code == 2


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise there")
def test_1_says_that_the_images_differ_and_nothing_else(project: Configured, cli: Cli) -> None:
    project.say()
    project.build()
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ("compare-jib", project.image, project.root)
    with os.fdopen(writing, "wb") as broken, cli.start(*arguments, stdout=broken) as process:
        _, stderr = process.communicate(timeout=240)
    assert (process.returncode, stderr.count("error")) == (2, 0)
