"""The base image that stands in for Eclipse Temurin's runs Java indeed."""

from __future__ import annotations

import pytest

from pyjib.destination.engine import EngineDestination
from pyjib.engine.client import EngineClient
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment
from tests.support.jre_base import JreBase
from tests.support.peers import Distribution, Engine, skopeo

pytestmark = pytest.mark.peers


def test_java_runs(docker_engine: Engine, jre_base: JreBase) -> None:
    host = HostEnvironment(variables=docker_engine.variables, home=docker_engine.home)
    with EngineClient.connect(host) as client:
        reference = Reference.parse("eclipse-temurin:17-jre")
        EngineDestination(reference=reference, engine=lambda: client).write(jre_base.image)
    told = docker_engine.attempt("run", "--rm", "eclipse-temurin:17-jre")
    assert told.returncode == 0
    assert jre_base.java_version in told.stderr

    script = 'echo "$JAVA_VERSION" && cat /etc/os-release | wget --help 2>&1 && touch /tmp/x'
    told = docker_engine.attempt(
        "run", "--rm", "--user", "65534", "eclipse-temurin:17-jre", "sh", "-c", script
    )
    assert told.stdout.startswith(f"jdk-{jre_base.java_version}\n")


def test_it_is_pushed_to_a_registry(distribution: Distribution, jre_base: JreBase) -> None:
    name = f"docker://{distribution.address}/library/eclipse-temurin:17-jre"
    skopeo("copy", "--dest-tls-verify=false", "-q", f"oci:{jre_base.layout}:latest", name)
    assert str(jre_base.image.image_id) in skopeo("inspect", "--tls-verify=false", "--raw", name)
