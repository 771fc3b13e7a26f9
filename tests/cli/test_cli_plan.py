"""``pyjib plan`` tells what ``build`` then makes, and touches nothing."""

from __future__ import annotations

from pathlib import Path

from pyjib.oci.image import Image
from pyjib.serve import RegistryServer
from tests.support.cli import HELLO, Cli
from tests.support.images import temurin_image
from tests.support.registry import image_in, put_image

MAIN = "org.objectworld.hello.HelloServer"


def files_below(directory: Path) -> list[Path]:
    return sorted(directory.rglob("*"))


def test_a_plan_is_what_build_makes(cli: Cli, registry: RegistryServer) -> None:
    put_image(registry, "base/jre", temurin_image(), "17")
    arguments = (
        *(HELLO, "--from", f"{registry.address}/base/jre:17"),
        *("--to", f"{registry.address}/team/app", "--tag", "1.0", "--env", "A=1"),
    )
    registry.clear_journal()
    before = files_below(cli.home)
    planned = cli("plan", *arguments, "--json")
    assert planned.code == 0, planned.stderr
    assert (planned.stderr, registry.journal) == ("", ())
    assert files_below(cli.home) == before
    assert cli("build", *arguments).code == 0
    image = image_in(registry, "team/app", "latest")
    assert isinstance(image, Image)
    document = planned.json
    assert [layer["diffId"] for layer in document["layers"]] == list(
        map(str, image.config.diff_ids[-len(document["layers"]) :])
    )
    assert document["config"]["entrypoint"] == image.config.run["Entrypoint"]
    assert document["config"]["env"] == {"A": "1"}
    assert document["targets"] == [
        f"{registry.address}/team/app:latest",
        f"{registry.address}/team/app:1.0",
    ]
    kept = files_below(cli.home)
    assert cli("plan", *arguments, "--json").json == document
    assert files_below(cli.home) == kept


def test_a_plan_as_text(cli: Cli) -> None:
    done = cli("plan", HELLO, "--port", "8080", "--label", "a=b", "--user", "app")
    assert (done.code, done.stderr) == (0, "")
    assert done.lines[:9] == [
        "project     compiled classes",
        "base        docker.io/library/eclipse-temurin:17-jre",
        "platforms   linux/amd64",
        "format      docker, layers gzip",
        "created     1970-01-01T00:00:00Z",
        "target      none yet: add --to",
        f'entrypoint  ["java", "-cp", "@/app/jib-classpath-file", "{MAIN}"]',
        "label       a=b",
        "port        8080/tcp",
    ]
    names = [line for line in done.lines if line.startswith("layer ")]
    assert [name.partition(":")[0] for name in names] == [
        "layer resources",
        "layer classes",
        "layer jvm arg files",
    ]
    assert any(
        line.endswith("/app/classes/org/objectworld/hello/HelloServer.class") for line in done.lines
    )
    assert any(line.endswith(" /app/") and line.startswith("  755 ") for line in done.lines)


def test_what_the_base_decides_is_said_so(cli: Cli) -> None:
    done = cli("plan", HELLO, "--entrypoint", "INHERIT", "--to", "docker://x", "--tag", "2")
    assert "entrypoint  as in the base image" in done.lines
    assert "cmd         as in the base image" in done.lines
    assert "target      docker://x:latest" in done.lines
    assert "target      docker://x:2" in done.lines


def test_plan_takes_every_option_that_makes_a_difference_to_build(cli: Cli) -> None:
    shown = {
        name: {word for word in cli(name, "--help").stdout.split() if word.startswith("--")}
        for name in ("build", "plan")
    }
    assert shown["build"] - shown["plan"] <= {"--metadata-file", "--progress", "--skaffold"}


def test_warnings_and_mistakes(cli: Cli, tmp_path: Path) -> None:
    warned = cli("plan", HELLO, "--entrypoint", "sh", "--jvm-flag", "-Xmx1g")
    assert warned.code == 0
    assert warned.stderr.startswith("warning: --jvm-flag: no effect")
    assert cli("plan", HELLO, "--port", "x").code == 2
    assert cli("plan", tmp_path / "missing").code == 1
    too_old = cli("plan", HELLO, "--from", "eclipse-temurin:8-jre")
    assert too_old.code == 1
    assert "8" in too_old.stderr
