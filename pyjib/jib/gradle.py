"""What ``jib-gradle-plugin`` is told: its extension, as Gradle wrote it down, and properties.

Values of properties go before those of the build script, all of them (``jib-plugins-and-cli``
§2). The build script's are in ``classpath.json``, which has no passwords.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pyjib.errors import ConfigurationError
from pyjib.jib.configuration import (
    BuiltModule,
    JibAuth,
    JibConfiguration,
    JibDirectory,
    JibExtension,
    JibHelper,
    JibPermission,
    JibPlatform,
    Pairs,
)
from pyjib.jib.parameters import PARAMETERS
from pyjib.jib.properties import Found, Properties, ineffective_properties
from pyjib.jib.reader import (
    ParameterReader,
    property_auth,
    property_directories,
    property_platforms,
    read_shared,
)
from pyjib.oci.identity import JIB_GRADLE_PLUGIN

T = TypeVar("T")

_OF_MAVEN = frozenset({"skip", "containerize"})
_KNOWN = (*(f"jib.{name}" for name in PARAMETERS if name not in _OF_MAVEN), "jib.configurationName")


def read_gradle(
    extension: Mapping[str, Any] | None,
    module: BuiltModule,
    *,
    user: Mapping[str, str],
    system: Mapping[str, str],
    version: str | None = None,
    sync_excludes: Iterable[Path] = (),
    cwd: Path = Path(),
) -> JibConfiguration:
    """Return what the ``jib`` extension and the properties configure.

    ``extension`` is ``None`` where only properties are known. ``user`` are those of ``-D``,
    ``system`` those of ``gradle.properties``; ``version`` is the plugin's, where the extension
    does not say. ``cwd`` is what relative paths in some properties start from. Raises
    ``ConfigurationError`` for values without the form that Jib wants.
    """
    reader = _Reader(Properties(user=user, system=system), extension or {}, module.file)
    configuration = _read(reader, module, cwd)
    warnings = (*reader.warnings, *ineffective_properties(reader.properties, _KNOWN))
    return replace(
        configuration,
        version=reader.stated("version", str) or version,
        sync_excludes=tuple(sync_excludes),
        origins=dict(reader.origins),
        warnings=warnings,
    )


def _read(reader: _Reader, module: BuiltModule, cwd: Path) -> JibConfiguration:
    executable = reader.text("dockerClient.executable")
    return replace(
        read_shared(reader, module),
        plugin=JIB_GRADLE_PLUGIN,
        from_platforms=_platforms(reader),
        from_auth=_auth(reader, "from"),
        from_cred_helper=_helper(reader, "from"),
        to_image=reader.text("to.image"),
        to_tags=reader.texts("to.tags"),
        to_auth=_auth(reader, "to"),
        to_cred_helper=_helper(reader, "to"),
        extra_directories=_directories(reader, module.basedir, cwd),
        permissions=_permissions(reader),
        docker_executable=executable and str(cwd / executable),
        allow_insecure_registries=reader.flag("allowInsecureRegistries"),
        plugin_extensions=tuple(_extensions(reader)),
        has_plugin_dependencies=True,
    )


class _Reader(ParameterReader):
    """Reads the ``jib`` extension of one build script."""

    def __init__(self, properties: Properties, extension: Mapping[str, Any], script: Path) -> None:
        super().__init__(properties)
        self._extension = extension
        self._script = script

    def place(self, name: str) -> str:
        """Name a value of the extension in messages."""
        return f"jib.{name} in {self._script}"

    def find_property(self, name: str) -> Found | None:
        """Look ``jib.NAME`` up, and remember it as the origin if it is there."""
        return self.remember(name, self.properties.find_in_jvm(f"jib.{name}"))

    def stated(self, name: str, kind: type[T]) -> T | None:
        """Return a value of the extension; ``ConfigurationError`` if it is none of ``kind``."""
        value: Any = self._extension
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            return None
        if not isinstance(value, kind):
            raise self.malformed(name)
        self.origins.setdefault(name, self.place(name))
        return value

    def malformed(self, name: str) -> ConfigurationError:
        """Return what to raise for a value that the init script would not write."""
        return ConfigurationError(
            f"{self.place(name)} has another form in classpath.json than it should",
            hint="let Gradle write it again: gradle -I pyjib.init.gradle pyjibClasspath",
        )

    def stated_text(self, name: str) -> str | None:
        """Return a text of the extension."""
        return self.stated(name, str)

    def stated_texts(self, name: str) -> tuple[str, ...] | None:
        """Return a list of the extension."""
        stated = self.stated(name, list)
        return None if stated is None else self.texts_in(name, stated)

    def stated_pairs(self, name: str) -> Pairs | None:
        """Return a map of the extension."""
        stated = self.stated(name, dict)
        return None if stated is None else self.pairs_in(name, stated)

    def stated_flag(self, name: str) -> bool | None:
        """Return a truth value of the extension."""
        return self.stated(name, bool)

    def objects(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Return a list of objects of the extension."""
        stated = self.stated(name, list) or []
        if not all(isinstance(one, dict) for one in stated):
            raise self.malformed(name)
        return tuple(stated)

    def pairs_in(self, name: str, value: Any) -> Pairs:
        """Check a map that is a value, or a part of one; ``None`` is an empty one."""
        if value is None:
            return ()
        if not isinstance(value, dict):
            raise self.malformed(name)
        self.texts_in(name, list(value.values()))
        return tuple(value.items())

    def texts_in(self, name: str, value: Any) -> tuple[str, ...]:
        """Check a list that is a value, or a part of one; ``None`` is an empty one."""
        texts = [] if value is None else value
        if not isinstance(texts, list):
            raise self.malformed(name)
        if None in texts:
            raise ConfigurationError(
                f"{self.place(name)} contains null values", hint="give each a value"
            )
        if not all(isinstance(text, str) for text in texts):
            raise self.malformed(name)
        return tuple(texts)


def _platforms(reader: _Reader) -> tuple[JibPlatform, ...] | None:
    name = "from.platforms"
    found = reader.find_property(name)
    if found is not None:
        return property_platforms(found)
    if reader.stated(name, list) is None:
        return None
    return tuple(
        JibPlatform(os=one.get("os"), architecture=one.get("architecture"))
        for one in reader.objects(name)
    )


def _auth(reader: _Reader, side: str) -> JibAuth | None:
    """Return the login of properties; of the build script's it is known only that there is one."""
    words = ("username", "password")
    given = {word: reader.jvm_property(f"jib.{side}.auth.{word}") for word in words}
    auth = property_auth(reader, side, given, by_user=True)
    if auth is None and reader.stated(f"{side}.auth", bool):
        reader.warn(
            f"{reader.place(f'{side}.auth')} has a login, which is not known here: passwords are "
            "never written to classpath.json",
            f"log in by `pyjib login`, or pass -D jib.{side}.auth.username and "
            f"-D jib.{side}.auth.password",
        )
    return auth


def _helper(reader: _Reader, side: str) -> JibHelper | None:
    name = f"{side}.credHelper"
    found = reader.find_property(name)
    stated = reader.stated(name, dict) or {}
    helper = found.value if found else stated.get("helper")
    environment = reader.pairs_in(f"{name}.environment", stated.get("environment"))
    return JibHelper(helper=str(helper), environment=environment) if helper else None


def _directories(reader: _Reader, basedir: Path, cwd: Path) -> tuple[JibDirectory, ...] | None:
    name = "extraDirectories.paths"
    found = reader.find_property(name)
    if found is not None:
        return property_directories(found, cwd)
    if reader.stated(name, list) is None:
        return None
    return tuple(
        JibDirectory(
            source=basedir / str(one["from"]) if one.get("from") else None,
            into=str(one.get("into") or "/"),
            includes=reader.texts_in(name, one.get("includes")),
            excludes=reader.texts_in(name, one.get("excludes")),
        )
        for one in reader.objects(name)
    )


def _permissions(reader: _Reader) -> tuple[JibPermission, ...] | None:
    pairs = reader.pairs("extraDirectories.permissions")
    if pairs is None:
        return None
    return tuple(JibPermission(file=file, mode=mode) for file, mode in pairs)


def _extensions(reader: _Reader) -> Iterator[JibExtension]:
    name = "pluginExtensions"
    for one in reader.objects(name):
        yield JibExtension(
            implementation=str(one.get("implementation") or ""),
            properties=reader.pairs_in(name, one.get("properties")),
            is_configured=bool(one.get("configured")),
        )
