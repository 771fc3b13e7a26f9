"""All that bears on a Maven project from outside its POMs, as one frozen value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from pathlib import Path

from pyjib.errors import ConfigurationError, ProjectError
from pyjib.frozen import frozen
from pyjib.options import HostEnvironment
from pyjib.project.maven import seen
from pyjib.project.maven.command_line import (
    Arguments,
    jvm_properties,
    parse_arguments,
    split_maven_config,
    split_shell,
)
from pyjib.project.maven.interpolation import Interpolator
from pyjib.project.maven.java_home import Jdk, find_jdk, guess_jdk
from pyjib.project.maven.model import nothing
from pyjib.project.maven.remarks import extension_warning, is_harmless_extension
from pyjib.project.maven.settings import HTTP_BLOCKER, Settings, read_settings
from pyjib.project.maven.system_properties import system_properties
from pyjib.project.maven.xml_tree import parse_xml, read_bytes

_WRAPPER_VERSION = r"apache-maven-(\d+\.\d+(?:\.\d+)?[\w.-]*?)(?:-bin)?\.(?:zip|tar)"
_CORE = r"maven-core-(\d+\.\d+[\w.-]*)\.jar"
_BY_LINE_SINCE = (3, 9)
_BLOCKS_HTTP_SINCE = (3, 8, 1)
_BEFORE_JVM_CONFIG = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")
_AFTER = ("MAVEN_OPTS", "_JAVA_OPTIONS")
_CURRENT = "3.9.11"  # what pyjib stands for where nothing tells


@frozen
class MavenSession:
    """What ``mvn`` would know before it reads the first POM.

    ``user_properties`` come from ``-D``; ``system_properties`` are the JVM's and the
    environment's (``env.NAME``), never shown for they may hold secrets. Profiles are those that
    ``-P`` and settings.xml turn on and off by name; ``optional_profiles`` are active ones that
    need not exist. ``root`` is the directory with ``.mvn``, else the project's. ``jdk`` is
    ``None`` where none was found, given, or to be guessed. ``started`` is for
    ``maven.build.timestamp``. ``security_file`` holds the master password.
    """

    root: Path
    local_repository: Path
    security_file: Path
    user_properties: Mapping[str, str] = field(default_factory=nothing)
    system_properties: Mapping[str, str] = field(default_factory=nothing, repr=False)
    active_profiles: tuple[str, ...] = ()
    inactive_profiles: tuple[str, ...] = ()
    optional_profiles: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
    offline: bool = False
    jdk: Jdk | None = None
    started: datetime | None = None
    warnings: tuple[str, ...] = ()


def start_session(
    directory: Path,
    host: HostEnvironment,
    arguments: Arguments | None = None,
    *,
    jdk: Jdk | None = None,
    started: datetime | None = None,
    cwd: Path | None = None,
) -> MavenSession:
    """Return what ``mvn``, started for a project with these arguments, would know.

    Reads ``.mvn``, settings.xml and the JDK's ``release`` file; variables come from ``host``.
    ``jdk`` is the caller's choice over the one that is found. ``cwd`` is where Maven is started,
    from which it takes relative paths; without one that is the project's ``directory``. Raises
    ``ConfigurationError`` for a file that is there and cannot be used.
    """
    directory = seen.absolute(directory)
    here = directory if cwd is None else seen.absolute(cwd)
    root = find_root(directory)
    version = _maven_version(root, host)
    modern = _numbers(version) >= _BY_LINE_SINCE
    standing = _standing_arguments(root, here, host, modern=modern)
    given = (arguments or Arguments()).over(standing)
    jdk = jdk or find_jdk(host) or guess_jdk(directory / "pom.xml")
    properties = {
        **system_properties(host, jdk, here),
        "maven.multiModuleProjectDirectory": str(root),
        "maven.version": version,
        **_jvm_options(root, host),
        **given.properties,  # Maven sets them in its JVM too, where -Djava.version=11 counts
    }
    system = seen.watched_like(host.variables, properties)
    m2 = here / (system.get("user.home") or host.user_home) / ".m2"
    settings = _settings(given, host, system, m2 / "settings.xml")
    repository = system.get("maven.repo.local") or settings.local_repository
    security = system.get("settings.security")
    active, optional = _by_need((*given.active_profiles, *settings.active_profiles))
    return MavenSession(
        root=root,
        local_repository=here / repository if repository else m2 / "repository",
        security_file=here / security if security else m2 / "settings-security.xml",
        user_properties=given.properties,
        system_properties=system,
        active_profiles=active,
        inactive_profiles=given.inactive_profiles,
        optional_profiles=optional,
        settings=settings,
        offline=given.offline or settings.offline,
        jdk=jdk,
        started=started,
        warnings=tuple(_extension_warnings(root)),
    )


def _by_need(wanted: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return all profiles that are to be active, and those of them that need not exist."""
    named = {name: name.removeprefix("?") for name in wanted}
    optional = (name for mark, name in named.items() if name != mark and name not in named)
    return tuple(dict.fromkeys(named.values())), tuple(optional)


def find_root(directory: Path) -> Path:
    """Return the nearest directory with ``.mvn``, from here upwards, else this one."""
    for candidate in (directory, *directory.parents):
        if seen.is_directory(candidate / ".mvn"):
            return candidate
    return directory


def given_properties(session: MavenSession) -> dict[str, str]:
    """Return the system properties but for ``env.NAME``: what ``-D`` and the JVM's options say.

    A trace does not hear of it.
    """
    system = seen.unwatched(session.system_properties)
    return {name: value for name, value in system.items() if not name.startswith("env.")}


def _settings(
    given: Arguments, host: HostEnvironment, system: Mapping[str, str], usual: Path
) -> Settings:
    """Return the settings given or the user's, over those of the installation."""
    maven_home = host.get("MAVEN_HOME") or host.get("M2_HOME")
    shared = Path(maven_home, "conf", "settings.xml") if maven_home else None
    shared = _must_be(given.global_settings) or shared
    settings = read_settings(
        _must_be(given.settings) or usual,
        shared,
        Interpolator(given.properties.get, system.get),
    )
    if shared is not None and seen.is_file(shared):
        return settings
    if _numbers(system["maven.version"]) < _BLOCKS_HTTP_SINCE:
        return settings
    # Maven comes with this one in its own settings.xml, which is not at hand.
    return replace(settings, mirrors=(*settings.mirrors, HTTP_BLOCKER))


def _standing_arguments(
    root: Path, here: Path, host: HostEnvironment, *, modern: bool
) -> Arguments:
    """Return what ``MAVEN_ARGS`` and ``.mvn/maven.config`` add to every command line.

    Files that they name are looked for where Maven is started, as it does, and then beside
    ``.mvn``, which is where it would have to be started to find them.
    """
    config = _read_text(root / ".mvn" / "maven.config")
    standing = parse_arguments(split_maven_config(config, by_line=modern), Path())
    variable = (host.get("MAVEN_ARGS") or "") if modern else ""
    said = parse_arguments(variable.split(), Path()).over(standing)
    return replace(
        said,
        settings=_found(said.settings, here, root),
        global_settings=_found(said.global_settings, here, root),
    )


def _found(path: Path | None, *folders: Path) -> Path | None:
    if path is None:
        return None
    found = [folder / path for folder in folders]
    return next(filter(seen.is_file, found), found[0])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part[:9]) for part in version.partition("-")[0].split(".") if part.isdecimal())


def _jvm_options(root: Path, host: HostEnvironment) -> dict[str, str]:
    """Return the system properties that somebody sets for Java; the last of a name holds."""
    before, after = (
        " ".join(filter(None, map(host.get, names))) for names in (_BEFORE_JVM_CONFIG, _AFTER)
    )
    options = f"{before} {_read_text(root / '.mvn' / 'jvm.config')} {after}"
    return jvm_properties(split_shell(options))


def _maven_version(root: Path, host: HostEnvironment) -> str:
    """Return the Maven that the project's wrapper asks for, else the one installed."""
    text = _read_text(root / ".mvn" / "wrapper" / "maven-wrapper.properties")
    found = re.search(_WRAPPER_VERSION, text) if text else None
    home = host.get("MAVEN_HOME") or host.get("M2_HOME")
    if found is None and home is not None:
        libraries = Path(home, "lib")
        names = [path.name for path in seen.find(libraries, "maven-core-*.jar")]
        found = next(filter(None, (re.fullmatch(_CORE, name) for name in names)), None)
    return _CURRENT if found is None else found[1]


def _must_be(path: Path | None) -> Path | None:
    if path is not None and not seen.is_file(path):
        raise ConfigurationError(f"cannot read {path}: the settings file given is not there")
    return path


def _read_text(path: Path) -> str:
    if not seen.is_file(path):
        return ""
    try:
        return read_bytes(path).decode("utf-8", errors="replace")
    except ProjectError as error:
        raise ConfigurationError(error.message) from None


def _extension_warnings(root: Path) -> Iterator[str]:
    path = root / ".mvn" / "extensions.xml"
    if not seen.is_file(path):
        return
    for extension in parse_xml(read_bytes(path), path).iter("extension"):
        group = (extension.findtext("groupId") or "").strip()
        artifact = (extension.findtext("artifactId") or "").strip()
        if not is_harmless_extension(group, artifact):
            yield extension_warning(group, artifact, str(path))
