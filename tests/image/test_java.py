from __future__ import annotations

import pytest

from pyjib.errors import PlatformError
from pyjib.image.java import check_java, check_java_name, fitting_base, java_of_image, java_of_name
from pyjib.oci.location import EngineLocation, Scratch, parse_location
from pyjib.plan.model import BuildPlan
from tests.support.images import temurin_image


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("eclipse-temurin:17-jre", 17),
        ("eclipse-temurin:17.0.9_9-jre-jammy", 17),
        ("eclipse-temurin:8u392-b08-jre", 8),
        ("docker://eclipse-temurin:21", 21),
        ("mirror.example.com/hub/eclipse-temurin:11-jre", 11),
        ("adoptopenjdk:8-jre-hotspot", 8),
        ("openjdk:17-slim", 17),
        ("openjdk:17ea-jdk", 17),
        ("amazoncorretto:8", 8),
        ("amazoncorretto:al2-full", None),
        ("amazoncorretto:al2023", None),
        ("azul/zulu-openjdk:17.0.9", 17),
        ("gcr.io/distroless/java17-debian12:nonroot", 17),
        ("registry.access.redhat.com/ubi9/openjdk-21-runtime:1.20", 21),
        ("tomcat:10.1-jdk17-temurin", 17),
        ("jetty:9.4-jre8", 8),
        ("maven:3.9-eclipse-temurin-21", 21),
        ("ibm-semeru-runtimes:open-17-jre", 17),
        ("eclipse-temurin", None),
        ("eclipse-temurin:alpine", None),
        ("ubuntu:17", None),
        ("jetty:12", None),
        (f"eclipse-temurin:8@sha256:{'0' * 64}", None),
        ("scratch", None),
        ("tar://eclipse-temurin:8", None),
    ],
)
def test_java_by_name(name: str, version: int | None) -> None:
    assert java_of_name(parse_location(name)) == version


@pytest.mark.parametrize(
    ("run", "version"),
    [
        ({"Env": ["JAVA_VERSION=jdk-17.0.9+9"]}, 17),
        ({"Env": ["JAVA_VERSION=17.0.9"]}, 17),
        ({"Env": ["JAVA_VERSION=8u392"]}, 8),
        ({"Env": ["JAVA_VERSION=jdk8u392-b08"]}, 8),
        ({"Env": ["JAVA_VERSION=1.8.0_392"]}, 8),
        ({"Env": ["JAVA_VERSION=21"]}, 21),
        ({"Env": ["JAVA_VERSION=jdk-25-ea"]}, 25),
        ({"Env": ["JAVA_VERSION="]}, None),
        ({"Env": ["JAVA_VERSION=latest"]}, None),
        ({"Env": ["JAVA_HOME=/usr/lib/jvm/java-17-amazon-corretto"]}, 17),
        ({"Env": ["JAVA_HOME=/usr/lib/jvm/java-1.8-openjdk"]}, 8),
        ({"Env": ["JAVA_HOME=/usr/lib/jvm/zulu11"]}, 11),
        ({"Env": ["JAVA_HOME=/opt/java/openjdk"]}, None),
        ({"Env": [], "Labels": {"org.jboss.product.openjdk.version": "21"}}, 21),
        ({"Env": [], "Labels": {}}, None),
        ({"Env": None, "Labels": None}, None),
    ],
)
def test_java_by_config(run: dict[str, object], version: int | None) -> None:
    assert java_of_image(temurin_image(run=run)) == version


def test_a_name_that_tells_of_an_older_java_is_refused_before_anything_is_pulled() -> None:
    with pytest.raises(PlatformError) as caught:
        check_java_name(parse_location("eclipse-temurin:11-jre"), 17)
    assert "need Java 17" in caught.value.message
    assert "has Java 11" in caught.value.message
    assert caught.value.hint is not None
    assert "--from eclipse-temurin:17-jre" in caught.value.hint


@pytest.mark.parametrize("version", [None, 8, 11])
def test_a_name_that_tells_of_the_same_or_a_newer_java_passes(version: int | None) -> None:
    check_java_name(parse_location("eclipse-temurin:11-jre"), version)
    check_java_name(Scratch(), version)


def test_a_config_that_tells_of_an_older_java_is_refused() -> None:
    base = parse_location("docker://base")
    assert isinstance(base, EngineLocation)
    with pytest.raises(PlatformError, match=r"docker://base:latest \(linux/amd64\) has Java 17"):
        check_java(temurin_image(), BuildPlan(base=base, java_version=21))
    check_java(temurin_image(), BuildPlan(base=base, java_version=17))
    check_java(temurin_image(), BuildPlan(base=base))


@pytest.mark.parametrize(("needed", "release"), [(8, 8), (9, 11), (17, 17), (18, 21), (26, 26)])
def test_the_base_that_is_proposed_runs_the_classes(needed: int, release: int) -> None:
    assert fitting_base(needed) == f"eclipse-temurin:{release}-jre"
