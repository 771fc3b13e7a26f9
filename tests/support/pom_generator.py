"""Projects at random over published artifacts, the same ones for the same seed.

Chosen so that they disagree: libraries of several generations, ranges and relocations below
them, BOMs that move versions, scopes and exclusions at every place.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.support.maven import (
    bom,
    dependencies,
    dependency,
    managed,
    parent,
    pom,
    profile,
    profiles,
)

LIBRARIES = {
    "ch.qos.logback:logback-classic": ("1.2.11", "1.4.8"),
    "com.fasterxml.jackson.core:jackson-databind": ("2.13.4", "2.15.2"),
    "com.fasterxml.jackson.dataformat:jackson-dataformat-yaml": ("2.14.2",),
    "com.google.guava:guava": ("30.1-jre", "31.1-jre"),
    "com.google.inject:guice": ("5.1.0",),
    "com.jayway.jsonpath:json-path": ("2.7.0", "2.8.0"),
    "com.rabbitmq:amqp-client": ("5.16.0",),
    "com.squareup.okhttp3:okhttp": ("3.14.9", "4.9.3"),
    "com.squareup.retrofit2:retrofit": ("2.9.0",),
    "com.zaxxer:HikariCP": ("4.0.3", "5.0.1"),
    "commons-beanutils:commons-beanutils": ("1.9.4",),
    "commons-codec:commons-codec": ("1.11", "1.15"),
    "commons-logging:commons-logging": ("1.1.1", "1.2"),
    "io.dropwizard.metrics:metrics-core": ("4.2.19",),
    "io.grpc:grpc-netty": ("1.53.0",),
    "io.grpc:grpc-stub": ("1.53.0", "1.54.0"),
    "io.micrometer:micrometer-core": ("1.9.13", "1.11.2"),
    "io.netty:netty-handler": ("4.1.90.Final", "4.1.94.Final"),
    "io.projectreactor:reactor-core": ("3.4.31", "3.5.8"),
    "org.apache.commons:commons-configuration2": ("2.9.0",),
    "org.apache.commons:commons-text": ("1.9", "1.10.0"),
    "org.apache.httpcomponents.client5:httpclient5": ("5.2.1",),
    "org.apache.httpcomponents:httpclient": ("4.5.13", "4.5.14"),
    "org.apache.logging.log4j:log4j-slf4j-impl": ("2.17.2", "2.20.0"),
    "org.apache.velocity:velocity-engine-core": ("2.3",),
    "org.eclipse.jetty:jetty-servlet": ("9.4.50.v20221201", "9.4.51.v20230217"),
    "org.glassfish.jersey.core:jersey-client": ("2.39.1",),
    "org.hibernate.validator:hibernate-validator": ("6.2.5.Final", "8.0.1.Final"),
    "org.mockito:mockito-core": ("4.11.0",),
    "org.quartz-scheduler:quartz": ("2.3.2",),
    "org.slf4j:slf4j-api": ("1.7.30", "1.7.36", "2.0.7", "[1.7.34,1.7.36]"),
    "org.springframework:spring-context": ("5.3.28", "5.3.29"),
    "org.springframework:spring-jdbc": ("5.3.29",),
    "org.springframework:spring-webmvc": ("5.3.28",),
    "org.thymeleaf:thymeleaf": ("3.0.15.RELEASE", "3.1.1.RELEASE"),
}
STARTERS = ("", "-aop", "-json", "-logging", "-validation", "-actuator", "-thymeleaf", "-test")
BELOW = (
    *("org.slf4j:slf4j-api", "commons-logging:commons-logging", "commons-codec:commons-codec"),
    *("com.google.guava:guava", "com.google.code.findbugs:jsr305", "org.yaml:snakeyaml"),
    *("com.fasterxml.jackson.core:jackson-annotations", "io.netty:netty-common"),
    *("org.apache.commons:commons-lang3", "org.springframework:spring-core", "org.ow2.asm:asm"),
    *("jakarta.annotation:jakarta.annotation-api", "org.checkerframework:checker-qual"),
)
"""What others bring along: worth managing and excluding."""
VERSIONS = {
    "org.slf4j:slf4j-api": "1.7.32",
    "commons-logging:commons-logging": "1.2",
    "commons-codec:commons-codec": "1.14",
    "org.yaml:snakeyaml": "1.32",
    "org.apache.commons:commons-lang3": "3.11",
    "com.google.guava:guava": "31.0.1-jre",
}
BOMS = (
    *("com.fasterxml.jackson:jackson-bom:2.14.2", "io.netty:netty-bom:4.1.94.Final"),
    *("org.springframework:spring-framework-bom:5.3.29", "io.grpc:grpc-bom:1.53.0"),
    "org.springframework.boot:spring-boot-dependencies:2.7.14",
)
PARENTS = ("2.7.14", "3.1.2")


def generate(seed: int) -> str:
    """Return the pom of ``generated:app-SEED:1``."""
    chance = random.Random(seed)
    sections = list(_sections(chance))
    return pom(f"generated:app-{seed}:1", *sections)


def _sections(chance: random.Random) -> Iterator[str]:
    boot = chance.random() < 0.3
    if boot:
        version = chance.choice(PARENTS)
        yield parent(f"org.springframework.boot:spring-boot-starter-parent:{version}", "")
    found = [_dependency(chance, name) for name in chance.sample(sorted(LIBRARIES), _few(chance))]
    if boot:
        for starter in chance.sample(STARTERS, chance.randint(1, 4)):
            name = f"org.springframework.boot:spring-boot-starter{starter}"
            found.append(_element(chance, name))
        chance.shuffle(found)
    yield dependencies(*found)
    imported = chance.sample(BOMS, chance.choice((0, 0, 1, 1, 2)))
    kept = [
        _managed(chance, name) for name in chance.sample(sorted(VERSIONS), chance.randint(0, 3))
    ]
    if kept or imported:
        yield managed(*kept, *map(bom, imported))
    if chance.random() < 0.2:
        more = dependencies(_dependency(chance, chance.choice(sorted(LIBRARIES))))
        yield profiles(profile("more", "<activeByDefault>true</activeByDefault>", more))


def _few(chance: random.Random) -> int:
    return chance.randint(2, 8)


def _dependency(chance: random.Random, name: str) -> str:
    return _element(chance, f"{name}:{chance.choice(LIBRARIES[name])}")


def _element(chance: random.Random, coordinates: str) -> str:
    texts = {}
    scope = chance.choices(("", "runtime", "provided", "test"), (62, 13, 10, 15))[0]
    if scope:
        texts["scope"] = scope
    if chance.random() < 0.1:
        texts["optional"] = "true"
    excluded = chance.sample(BELOW, chance.choice((0, 0, 0, 0, 1, 2)))
    if chance.random() < 0.03:
        excluded = ["*:*"]
    return dependency(coordinates, exclude=excluded, **texts)


def _managed(chance: random.Random, name: str) -> str:
    texts = {"scope": "runtime"} if chance.random() < 0.15 else {}
    excluded = chance.sample(BELOW, 1) if chance.random() < 0.15 else ()
    return dependency(f"{name}:{VERSIONS[name]}", exclude=excluded, **texts)
