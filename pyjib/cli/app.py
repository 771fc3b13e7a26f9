"""``pyjib``: the group of all commands."""

from __future__ import annotations

import click

from pyjib.cli.command import Entry, Group, say_version

COMMANDS = (
    Entry(
        name="build",
        module="pyjib.cli.build",
        attribute="build_command",
        summary="Build the image of a Java project and write it to registries, daemons or files.",
    ),
    Entry(
        name="plan",
        module="pyjib.cli.plan",
        attribute="plan_command",
        summary="Show what build would make, without writing or sending anything.",
    ),
    Entry(
        name="jar",
        module="pyjib.cli.jib_cli",
        attribute="jar_command",
        summary="Build the image of a jar as jib-cli does, from the flags of `jib jar`.",
    ),
    Entry(
        name="war",
        module="pyjib.cli.jib_cli",
        attribute="war_command",
        summary="Build the image of a war as jib-cli does, from the flags of `jib war`.",
    ),
    Entry(
        name="inspect",
        module="pyjib.cli.inspect",
        attribute="inspect_command",
        summary="Show what an image is made of and what it runs.",
    ),
    Entry(
        name="compare-jib",
        module="pyjib.cli.compare_jib",
        attribute="compare_jib_command",
        summary="Compare an image that Jib made with the one that build makes of the project.",
    ),
    Entry(
        name="init",
        module="pyjib.cli.init",
        attribute="init_group",
        summary="Set a project up for pyjib: the init script for Gradle, keys for a layer index.",
    ),
    Entry(
        name="skaffold",
        module="pyjib.cli.skaffold",
        attribute="skaffold_group",
        summary="Tell Skaffold what Jib's plugin tells it: inputs, image names, files to sync.",
    ),
    Entry(
        name="login",
        module="pyjib.cli.login",
        attribute="login_command",
        summary="Log in to a registry, Docker Hub if none is named.",
    ),
    Entry(
        name="logout",
        module="pyjib.cli.login",
        attribute="logout_command",
        summary="Forget the login to a registry, Docker Hub if none is named.",
    ),
    Entry(
        name="doctor",
        module="pyjib.cli.doctor",
        attribute="doctor_command",
        summary="Tell what becomes of a login to a registry: where it is found, and what it may do.",
    ),
    Entry(
        name="cache",
        module="pyjib.cli.cache",
        attribute="cache_group",
        summary="Look after the cache of packed layers, base images and worked-out Maven projects.",
    ),
    Entry(
        name="registry",
        module="pyjib.cli.registry",
        attribute="registry_group",
        summary="Run a registry of your own, for tests and for machines without a network.",
    ),
)

EXAMPLES = """
# Build the project in this directory and push it to Docker Hub
pyjib build --to objectworld/docker-hello

# See what would be built
pyjib plan
"""


OTHERS = {
    "push": "build --to NAME",
    "dockerBuild": "build --to docker://NAME",
    "buildTar": "build --to tar://FILE",
    "load": "build --to docker://NAME",
    "pull": "inspect NAME",
}
"""What Jib's goals, and commands of Docker's that one may try, are called here."""


@click.group(cls=Group, entries=COMMANDS, others=OTHERS, examples=EXAMPLES)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=say_version,
    help="Show the version and exit.",
)
def pyjib() -> None:
    """Build container images of Java applications: no Docker, JVM, Maven or Gradle runs.

    Exit codes: 0 done, 1 failed, 2 asked for in a wrong way; 130, 143 or 129 ended by Ctrl-C,
    SIGTERM or SIGHUP.
    """
