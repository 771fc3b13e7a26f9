"""Options that have to do with Jib and Maven, of ``build``, ``plan`` and ``compare-jib``."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from pyjib.cli.command import Option
from pyjib.cli.options import WORD, NamedPath, Text
from pyjib.cli.values import parse_pair
from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.oci.identity import JIB_MAVEN_PLUGIN, NEWEST_JIB, PYJIB, Identity
from pyjib.patterns import late
from pyjib.project.maven.command_line import MavenScope
from pyjib.project.maven.remote import parse_repository

SECTION = "Jib and Maven"
_IDENTITY = late(r"jib(?::([0-9]+(?:\.[0-9]+)*))?(?:/([0-9]{1,2}))?", re.ASCII)


@frozen
class IdentityChoice:
    """Whose image it is to be: pyjib's, or a Jib's, of a version that may be left open."""

    is_jib: bool
    version: str | None = None
    jdk: int | None = None

    def identity(
        self, known: str | None, *, tool: str = JIB_MAVEN_PLUGIN, newest: str = NEWEST_JIB
    ) -> Identity:
        """Return the identity, of the ``known`` version if none is chosen, else the newest."""
        if not self.is_jib:
            return PYJIB
        return Identity.of_jib(self.version or known or newest, tool=tool, jdk=self.jdk or 17)


def warn_of_unknown_version(identity: Identity) -> Iterator[Warned]:
    """Yield a warning for a version of Jib that is newer than what is known of Jib here."""
    newest = identity.newest_known
    if newest is not None and identity.release > newest.release:
        yield Warned(
            message=f"{identity.tool} {identity.version} is newer than all that is known of it "
            f"here: but for this version in its history the image is that of {newest.version}",
            hint="correct the version, or see by `pyjib compare-jib` whether Jib's image is equal",
        )


def parse_identity(text: str) -> IdentityChoice:
    """Parse ``pyjib``, or ``jib[:VERSION][/JDK]``."""
    if text == "pyjib":
        return IdentityChoice(is_jib=False)
    match = _IDENTITY.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"{text!r} is neither pyjib nor jib[:VERSION]",
            hint="write for example jib, jib:3.4.1, or jib:3.5.2/25 for a Jib on Java 25",
        )
    return IdentityChoice(is_jib=True, version=match[1], jdk=int(match[2]) if match[2] else None)


OPTIONS: tuple[Option, ...] = (
    Option(
        "--identity",
        section=SECTION,
        metavar="WHO",
        type=Text("identity", parse_identity),
        help="Whose image it is to be, byte for byte: pyjib, or jib[:VERSION][/JDK]. Default: that "
        "of the jib-maven-plugin in the pom if there is one, else pyjib.",
    ),
    Option(
        "-D",
        "--define",
        section=SECTION,
        metavar="NAME=VALUE",
        multiple=True,
        help="A property for Maven and Jib, as mvn takes it: -Djib.to.tags=1,2. May be repeated.",
    ),
    Option(
        "-P",
        "--profile",
        section=SECTION,
        metavar="PROFILE",
        multiple=True,
        help="Profiles of Maven to turn on, or off with ! before them. May be repeated.",
    ),
    Option(
        "--maven-scope",
        section=SECTION,
        type=click.Choice([scope.value for scope in MavenScope]),
        help="Whether other modules of the same build are taken from where they were built "
        "(reactor), or from the local repository (module). Default: reactor.",
    ),
    Option(
        "--module",
        section=SECTION,
        metavar="MODULE",
        type=WORD,
        help="The module to build of those that the pom in PATH holds, as mvn -pl names it: its "
        "path, :ARTIFACT or GROUP:ARTIFACT. Default: the only one that configures Jib.",
    ),
    Option(
        "--maven-repository",
        section=SECTION,
        metavar="[ID=]URL",
        multiple=True,
        type=Text("repository", parse_repository),
        help="A Maven repository to download from what the local one lacks, before those that "
        "poms and settings.xml name. A URL alone stands for Maven's own repository (central), "
        "which is not asked otherwise. May be repeated.",
    ),
    Option(
        "--offline",
        section=SECTION,
        is_flag=True,
        help="Ask nothing of other machines: libraries are what the local repository has, the base "
        "image is what the cache holds of it, and targets are files, layouts, daemons and "
        "registries of this machine.",
    ),
    Option(
        "--classpath-file",
        section=SECTION,
        metavar="FILE",
        type=NamedPath(),
        help="A file with the class path that Maven or another tool worked out, instead of one "
        "from the pom: jars divided by : or ;, or one a line, as mvn dependency:build-classpath "
        "-DincludeScope=runtime -Dmdep.outputFile=FILE writes it.",
    ),
    Option(
        "--jib-execution",
        section=SECTION,
        metavar="ID",
        type=WORD,
        help="An execution of jib-maven-plugin whose configuration is to be used. Default: what "
        "mvn jib:build uses.",
    ),
    Option(
        "-b",
        "--build-file",
        section=SECTION,
        metavar="FILE",
        type=NamedPath(),
        help="A jib.yaml to build by instead of a project; its relative paths start from PATH.",
    ),
    Option(
        "-p",
        "--parameter",
        section=SECTION,
        metavar="NAME=VALUE",
        multiple=True,
        type=Text("pair", parse_pair),
        help="What ${NAME} in the build file stands for. May be repeated.",
    ),
)
