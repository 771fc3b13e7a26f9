"""A Maven build of two modules and all that can bear on it, and projects kept between looks.

``World`` is what lies on disk and in the environment; ``CHANGES`` are what may happen to it
between two builds, each of which undoes itself the second time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from pyjib.configure import Configured, MavenChoice, configure
from pyjib.errors import PyjibError
from pyjib.jib.to_options import Given
from pyjib.maven_choice import Found, Opener
from pyjib.maven_kept import KeptProjects
from pyjib.oci.instant import Instant
from pyjib.oci.location import parse_location
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.project.maven.command_line import Arguments, MavenScope
from pyjib.store.store import Store
from tests.support.maven import (
    MavenRepository,
    bom,
    build,
    configuration,
    dependencies,
    dependency,
    managed,
    modules,
    parent,
    plugin,
    pom,
    profile,
    profiles,
    properties,
    tags,
    write,
)
from tests.support.projects import main_class

JIB = "com.google.cloud.tools:jib-maven-plugin:3.5.2"
PASSWORD = "correct horse battery"
SNAPSHOT = "s:1-SNAPSHOT"
_MINUTE = 60_000_000_000


class LaterStore(Store):
    """A store whose clock is ahead, so that what was written just now has long been settled."""

    def clock(self) -> int:
        """Return a time one minute from now."""
        return super().clock() + _MINUTE


class Unasked(KeptProjects):
    """Kept projects that must have an answer."""

    def find_afresh(self, question: str, path: Path, opener: Opener) -> Found:
        """Refuse to work anything out."""
        raise AssertionError("it was worked out again")


class World:
    """The build below ``root``: ``app`` needs its sibling ``lib`` and a few libraries."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = root / "project"
        self.app = self.project / "app"
        self.path = self.app
        self.home = root / "home"
        self.repository = MavenRepository(self.home / ".m2" / "repository")
        self.variables: dict[str, str] = {"PATH": ""}
        self.choice = MavenChoice(cwd=root)
        self.store = LaterStore(root / "cache")
        self._write()

    def _write(self) -> None:
        library = self.repository
        library.pom("t:a:1", parent("t:above-a:1"))
        for name in ("a:1", "a:2", "b:1", "c:1", "d:1", "e:1", "r:1", "r:2", SNAPSHOT):
            library.jar(f"t:{name}")
        library.pom("t:above-a:1", packaging="pom")
        library.pom("t:high:1", properties(level="1"), packaging="pom")
        library.pom(
            "t:bom:1", parent("t:above-bom:1"), managed("t:b:1", bom("t:inner:1")), packaging="pom"
        )
        library.pom("t:above-bom:1", packaging="pom")
        library.pom("t:inner:1", packaging="pom")
        library.pom("t:lib:1")
        self.versions("r", "1")
        write(self.project / "pom.xml", self.top())
        write(self.project / "lib" / "pom.xml", pom(":lib", parent("t:top:1")))
        write(self.app / "pom.xml", self.own())
        write(self.app / "own.jar", "jar")
        classes = self.app / "target" / "classes"
        classes.mkdir(parents=True)
        (classes / "Main.class").write_bytes(main_class("Main"))
        self.package("lib")

    def top(self, version: str = "1") -> str:
        """Return the POM of the build's root."""
        return pom(
            "t:top:1",
            parent("t:high:1", "") + properties({"a.version": version}),
            managed(bom("t:bom:1")),
            modules("lib", "app"),
            profiles(
                profile(
                    "by-variable",
                    f"<property>{tags(name='env.MODE', value='x')}</property>",
                    dependencies("t:c:1"),
                ),
                profile(
                    "by-file", "<file><exists>${basedir}/marker</exists></file>", _needs("t:d:1")
                ),
                profile("by-lack", "<file><missing>gone</missing></file>", _needs("t:e:1")),
                profile("by-name", "", dependencies("t:c:1")),
                profile("by-java", "<jdk>[21,)</jdk>", dependencies("t:c:1")),
                profile("by-system", f"<os>{tags(name='plan 9')}</os>", dependencies("t:c:1")),
                profile(
                    "by-place", "<file><exists>${env.PLACE}/x</exists></file>", _needs("t:c:1")
                ),
            ),
            packaging="pom",
        )

    def own(self, image: str = "r.example.com/app:${level}") -> str:
        """Return the POM of the module that is built."""
        beside = dependency("t:own:1", scope="system", systemPath="${basedir}/own.jar")
        plain = ("t:a:${a.version}", dependency("t:b"), "t:lib:1", "t:r:[1,3)", f"t:{SNAPSHOT}")
        needed = (*plain, beside)
        environment = "<environment><MODE>as ${env.MODE}</MODE></environment>"
        return pom(
            ":app",
            parent("t:top:1"),
            dependencies(*needed),
            build(
                plugin(
                    JIB,
                    configuration(f"<to>{image}</to><container>{environment}</container>"),
                )
            ),
        )

    def versions(self, artifact: str, *known: str) -> None:
        """Write which versions Maven knows of an artifact."""
        listed = "".join(f"<version>{version}</version>" for version in known)
        write(
            self.repository.root / "t" / artifact / "maven-metadata-local.xml",
            f"<metadata><versioning><versions>{listed}</versions></versioning></metadata>",
        )

    def package(self, module: str) -> None:
        """Put the jar of a module where Maven would."""
        write(self.project / module / "target" / f"{module}-1.jar", "jar")

    @property
    def settings(self) -> Path:
        """The user's settings.xml."""
        return self.home / ".m2" / "settings.xml"

    def ask(self, kept: KeptProjects | None) -> tuple[object, ...]:
        """Return all that a build would learn of the project, or how that fails."""
        try:
            found = self.configure(kept)
            project = found.read() if found.read else None
        except PyjibError as error:
            return type(error), error.message, error.hint
        return (
            found.options,
            found.path,
            found.source,
            found.outputs,
            found.skipped,
            found.configuration,
            found.configuration and dict(found.configuration.origins),
            found.module and (found.module.version, found.module.packaging),
            found.warnings,
            project,
        )

    def configure(self, kept: KeptProjects | None) -> Configured:
        """Return what is to be built."""
        options = BuildOptions(
            base=parse_location("r.example.com/base"),
            host=HostEnvironment.of(self.variables, self.home),
        )
        given = Given(options=options, now=Instant(0))
        return configure(self.path, given, self.choice, kept=kept)

    def kept(self) -> KeptProjects:
        """Return what earlier builds kept, opened anew as each process does."""
        return KeptProjects(LaterStore(self.store.root))

    def entries(self) -> list[Path]:
        """Return the files of kept projects."""
        folder = self.store.root / "projects"
        return sorted(folder.iterdir()) if folder.is_dir() else []


def _needs(name: str) -> str:
    return dependencies(name)


def _swap(path: Path, text: str) -> None:
    """Write a file anew, or as it was before, which lies beside it."""
    before = path.with_name(f"{path.name}.before")
    if before.exists():
        before.replace(path)
        return
    if path.exists():
        shutil.copy2(path, before)
    else:
        write(before, "")
    write(path, text)


def _toggle(path: Path, text: str = "") -> None:
    """Write a file, or take it away if it is there."""
    if path.exists():
        path.unlink()
    else:
        write(path, text)


def _hide(path: Path) -> None:
    """Move a file or directory away, or back."""
    hidden = path.with_name(f"{path.name}.hidden")
    if hidden.exists():
        hidden.rename(path)
    else:
        path.rename(hidden)


def _flip(variables: dict[str, str], name: str, value: str) -> None:
    if variables.pop(name, None) is None:
        variables[name] = value


def _choose(world: World, choice: MavenChoice) -> None:
    plain = MavenChoice(cwd=world.root)
    world.choice = plain if world.choice == choice else choice


def _settings(world: World, body: str) -> None:
    _toggle(world.settings, f"<settings>{body}</settings>")


def _java(world: World) -> None:
    write(world.root / "jdk" / "release", 'JAVA_VERSION="21.0.1"\n')
    _flip(world.variables, "JAVA_HOME", str(world.root / "jdk"))


def _metadata(world: World) -> None:
    path = world.repository.root / "t" / "r" / "maven-metadata-local.xml"
    more = "2" if "<version>2" not in path.read_text() else ""
    world.versions("r", "1", *more)


def _rewrite(path: Path, one: str, other: str) -> None:
    """Change a file in place and keep its size and its time of change."""
    status = path.stat()
    text = path.read_text()
    before, after = (one, other) if one in text else (other, one)
    path.write_text(text.replace(before, after))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _replace(path: Path, one: str, other: str) -> None:
    """Put another file in the place of one, as large and as old."""
    copy = path.with_name(f"{path.name}.copy")
    shutil.copy2(path, copy)
    _rewrite(copy, one, other)
    copy.replace(path)


def _lead_elsewhere(world: World) -> None:
    """Make the local repository a link, which leads to one of two, and then to the other."""
    link = world.repository.root
    first, second = (link.with_name(name) for name in ("first", "second"))
    if not link.is_symlink():
        link.rename(first)
        shutil.copytree(first, second)
        write(second / "t/a/1/a-1.pom", pom("t:a:1", _needs("t:d:1")))
        target = second
    else:
        target = first if link.readlink() == second else second
        link.unlink()
    link.symlink_to(target)


def _jar_or_directory(world: World) -> None:
    path = world.repository.path("t:b:1", "jar")
    if path.is_dir():
        path.rmdir()
    _hide(path)
    if not path.exists():
        path.mkdir()


def _not_found(world: World) -> None:
    path = world.repository.path("t:b:1", "pom")
    _hide(path)
    _toggle(Path(f"{path}.lastUpdated"))


def _place(world: World) -> None:
    place = world.root / "place"
    write(place / "x", "")
    _flip(world.variables, "PLACE", str(place))


def _newer_snapshot(world: World) -> None:
    folder = world.repository.path(f"t:{SNAPSHOT}", "jar").parent
    value = "1-20260101.000000-1"
    entry = tags(extension="jar", value=value, updated="20260101000000")
    listed = f"<snapshotVersions><snapshotVersion>{entry}</snapshotVersion></snapshotVersions>"
    write(folder / f"s-{value}.jar", "jar")
    _toggle(
        folder / "maven-metadata-r.xml",
        f"<metadata><versioning>{listed}</versioning></metadata>",
    )


def _tell_maven(world: World, name: str, text: str) -> None:
    _toggle(world.project / ".mvn" / name, text)


def _home_of_maven(world: World) -> None:
    home = world.root / "maven"
    settings = f"<settings><profiles><profile>{_PROFILE}</profile></profiles>"
    active = "<activeProfiles><activeProfile>s</activeProfile></activeProfiles></settings>"
    write(home / "conf" / "settings.xml", settings + active)
    _flip(world.variables, "MAVEN_HOME", str(home))


def _link_of_java(world: World) -> None:
    """Let ``JAVA_HOME`` be a link that leads from one JDK to another."""
    link = world.root / "java"
    for name, version in (("17", "17.0.1"), ("21", "21.0.1")):
        write(world.root / name / "release", f'JAVA_VERSION="{version}"\n')
    is_new = link.is_symlink() and link.readlink().name == "21"
    link.unlink(missing_ok=True)
    link.symlink_to(world.root / ("17" if is_new else "21"))
    world.variables["JAVA_HOME"] = str(link)


def _java_on_the_path(world: World) -> None:
    program = write(world.root / "new" / "bin" / "java", "#!")
    program.chmod(0o755)
    write(world.root / "new" / "release", 'JAVA_VERSION="22"\n')
    away = world.variables["PATH"] != ""
    world.variables["PATH"] = "" if away else str(program.parent)


def _another_home(world: World) -> None:
    write(
        world.root / "other" / ".m2" / "settings.xml", "<settings><offline>x</offline></settings>"
    )
    _flip(world.variables, "MAVEN_OPTS", f"-Duser.home={world.root / 'other'}")


def _settings_by_name(world: World) -> None:
    """Name a settings.xml in maven.config once, and change it each time."""
    write(world.project / ".mvn" / "maven.config", "-s\nown.xml\n")
    path = world.project / "own.xml"
    level = "8" if path.exists() and "<level>7" in path.read_text() else "7"
    listed = f"<profile>{tags(id='s', properties=tags(level=level))}</profile>"
    active = "<activeProfiles><activeProfile>s</activeProfile></activeProfiles>"
    write(path, f"<settings><profiles>{listed}</profiles>{active}</settings>")


_PROFILE = tags(id="s", properties="<level>7</level>")
_LOGIN = tags(id="r.example.com", username="me", password=PASSWORD)


def _in_pom(artifact: str, *sections: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        _swap(world.repository.path(artifact, "pom"), pom(artifact, *sections, packaging="pom"))

    return change


def _arguments(**said: object) -> Callable[[World], None]:
    arguments = Arguments(**said)  # type: ignore[arg-type]
    return lambda world: _choose(world, MavenChoice(cwd=world.root, arguments=arguments))


CHANGES: Mapping[str, Callable[[World], None]] = MappingProxyType(
    {
        "nothing": lambda _: None,
        "the root's POM": lambda world: _swap(world.project / "pom.xml", world.top("2")),
        "its own POM": lambda world: _swap(world.app / "pom.xml", world.own("other/app")),
        "a POM that is no XML": lambda world: _swap(world.app / "pom.xml", "<jib-maven-plugin"),
        "a sibling's POM": lambda world: _swap(
            world.project / "lib" / "pom.xml", pom(":lib", parent("t:top:1"), _needs("t:c:1"))
        ),
        "no parent beside it": lambda world: _hide(world.project / "pom.xml"),
        "an aggregator above": lambda world: _toggle(
            world.root / "pom.xml", pom("t:above:1", modules("project"), packaging="pom")
        ),
        "a parent's POM": _in_pom("t:high:1", properties(level="2")),
        "a BOM": _in_pom("t:bom:1", managed("t:b:1", "t:a:2")),
        "a BOM that manages nothing": _in_pom("t:bom:1"),
        "a library's POM": lambda world: _swap(
            world.repository.path("t:a:1", "pom"), pom("t:a:1", _needs("t:d:1"))
        ),
        "a jar": lambda world: _hide(world.repository.path("t:a:1", "jar")),
        "where a jar is from": lambda world: _toggle(
            world.repository.path("t:b:1", "jar").with_name("_remote.repositories"),
            "b-1.jar>elsewhere=\n",
        ),
        "a range": _metadata,
        "a module's jar": lambda world: _hide(world.project / "lib" / "target"),
        "a module that is installed": lambda world: _toggle(
            world.repository.path("t:lib:1", "jar"), "jar"
        ),
        "a variable": lambda world: _flip(world.variables, "MODE", "x"),
        "another value of it": lambda world: _flip(world.variables, "MODE", "y"),
        "a variable that nobody asks for": lambda world: _flip(world.variables, "OTHER", "x"),
        "a file that a profile looks for": lambda world: _toggle(world.app / "marker"),
        "a file that it must not find": lambda world: _toggle(world.app / "gone"),
        "settings.xml": lambda world: _settings(world, ""),
        "a profile in settings.xml": lambda world: _settings(
            world,
            f"<profiles><profile>{_PROFILE}</profile></profiles>"
            "<activeProfiles><activeProfile>s</activeProfile></activeProfiles>",
        ),
        "a login": lambda world: _settings(world, f"<servers><server>{_LOGIN}</server></servers>"),
        "another repository": lambda world: _settings(
            world, tags(localRepository=str(world.root / "elsewhere"))
        ),
        "maven.config": lambda world: _toggle(
            world.project / ".mvn" / "maven.config", "-Da.version=2\n"
        ),
        "extensions.xml": lambda world: _toggle(
            world.project / ".mvn" / "extensions.xml",
            f"<extensions><extension>{tags(groupId='x', artifactId='y')}</extension></extensions>",
        ),
        "MAVEN_ARGS": lambda world: _flip(world.variables, "MAVEN_ARGS", "-Da.version=2"),
        "MAVEN_OPTS": lambda world: _flip(world.variables, "MAVEN_OPTS", "-Dlevel=9"),
        "the JDK": _java,
        "a POM as large and old": lambda world: _rewrite(
            world.app / "pom.xml", "<artifactId>a<", "<artifactId>e<"
        ),
        "another POM as large and old": lambda world: _replace(
            world.app / "pom.xml", "<artifactId>a<", "<artifactId>e<"
        ),
        "a BOM's parent": _in_pom("t:above-bom:1", managed("t:a:2")),
        "a BOM within a BOM": _in_pom("t:inner:1", managed("t:d:1", "t:s:2")),
        "a library's parent": _in_pom("t:above-a:1", dependencies("t:d:1")),
        "a library that has moved": _in_pom(
            "t:a:1",
            "<distributionManagement><relocation><artifactId>d</artifactId></relocation>"
            "</distributionManagement>",
        ),
        "a POM that is missing": lambda world: _hide(world.repository.path("t:b:1", "pom")),
        "a POM that Maven did not find": _not_found,
        "a jar that is a directory": _jar_or_directory,
        "a newer snapshot": _newer_snapshot,
        "a file of scope system": lambda world: _hide(world.app / "own.jar"),
        "a root of its own": lambda world: _toggle(
            world.app / ".mvn" / "maven.config", "-Da.version=2\n"
        ),
        "an older Maven": lambda world: _tell_maven(
            world,
            "wrapper/maven-wrapper.properties",
            "distributionUrl=x/apache-maven-3.6.3-bin.zip",
        ),
        "jvm.config": lambda world: _tell_maven(world, "jvm.config", "-Dlevel=9"),
        "settings of the installation": _home_of_maven,
        "a JDK on the path": _java_on_the_path,
        "another home": _another_home,
        "a variable in a profile's file": _place,
        "a module that is gone": lambda world: _hide(world.project / "lib" / "pom.xml"),
        "-D": _arguments(properties={"a.version": "2"}),
        "-D of a BOM's": _arguments(properties={"maven.repo.local": "/nowhere"}),
        "-P of nobody": _arguments(active_profiles=("nobody",)),
        "-P!": _arguments(inactive_profiles=("by-lack",)),
        "-o": _arguments(offline=True),
        "--module": lambda world: _choose(world, MavenChoice(cwd=world.root, module=":lib")),
        "-Djib": _arguments(properties={"jib.container.user": "1000"}),
        "-P": _arguments(active_profiles=("by-name",)),
        "the scope": lambda world: _choose(
            world, MavenChoice(cwd=world.root, scope=MavenScope.MODULE)
        ),
        "the classes": lambda world: _toggle(world.app / "target" / "classes" / "x.txt"),
    }
)

TURNS: Mapping[str, Callable[[World], None]] = MappingProxyType(
    {
        "a repository that is a link": _lead_elsewhere,
        "settings that maven.config names": _settings_by_name,
        "a link to a JDK": _link_of_java,
    }
)
"""What changes to and fro when it has begun."""
