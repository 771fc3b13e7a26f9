"""``build --skaffold``: what Skaffold says in the environment, and what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.cli.skaffold_builder import asked_by_skaffold
from pyjib.errors import ConfigurationError
from pyjib.oci.location import EngineLocation, RegistryLocation
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment
from pyjib.serve import RegistryServer
from tests.support.cli import HELLO, Cli

BASE = f"oci://{HELLO.parent / 'base-image'}:17-jre"
REFERENCE = Reference.parse("r.example.com/app:v1")
NOTHING = {"to": (), "platform": ()}


def host(**variables: str) -> HostEnvironment:
    return HostEnvironment(variables={"IMAGE": "r.example.com/app:v1", **variables})


def test_pushed_from_the_context(cli: Cli, registry: RegistryServer) -> None:
    image = f"{registry.address}/hello:v1"
    variables = {
        "IMAGE": image,
        "PUSH_IMAGE": "true",
        "PLATFORMS": "linux/amd64,linux/arm64",
        "BUILD_CONTEXT": str(HELLO),
    }
    called = Cli(home=cli.home, variables=variables)
    done = called("build", "--skaffold", "--from", BASE)
    assert done.code == 0, done.stderr
    assert done.stdout.startswith(image.removesuffix(":v1"))
    assert len(cli("inspect", image, "--json").json["manifests"]) == 2


@pytest.mark.parametrize("push", ["true", "True", "1"])
def test_where_to(push: str) -> None:
    asked, _ = asked_by_skaffold(NOTHING, None, host(PUSH_IMAGE=push))
    assert asked["to"] == (RegistryLocation(reference=REFERENCE),)


@pytest.mark.parametrize("push", ["", "false", "0"])
def test_into_the_daemon(push: str) -> None:
    asked, _ = asked_by_skaffold(NOTHING, None, host(PUSH_IMAGE=push))
    assert asked["to"] == (EngineLocation(reference=REFERENCE),)


def test_the_command_line_has_the_say_on_path_and_platforms() -> None:
    own = {"to": (), "platform": ((Platform.parse("linux/s390x"),),)}
    variables = host(PLATFORMS="linux/amd64", BUILD_CONTEXT="/there")
    assert asked_by_skaffold(own, Path("here"), variables)[0]["platform"] == own["platform"]
    assert asked_by_skaffold(own, Path("here"), variables)[1] == Path("here")
    assert asked_by_skaffold(NOTHING, None, variables)[1] == Path("/there")
    assert asked_by_skaffold(NOTHING, None, host())[1] == Path()


def test_refusals(cli: Cli) -> None:
    done = cli("build", "--skaffold", HELLO)
    assert (done.code, "IMAGE is not set" in done.stderr) == (2, True)
    with pytest.raises(ConfigurationError, match="--skaffold and --to"):
        asked_by_skaffold({**NOTHING, "to": (REFERENCE,)}, None, host())
    with pytest.raises(ConfigurationError, match="IMAGE, as set: invalid image reference"):
        asked_by_skaffold(NOTHING, None, host(IMAGE="X Y"))
    with pytest.raises(ConfigurationError, match="PLATFORMS, as set: not a platform: 'arm'"):
        asked_by_skaffold(NOTHING, None, host(PLATFORMS="linux/amd64,arm"))
