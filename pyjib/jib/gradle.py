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
from pyjib.events import Warned
from pyjib.jib.configuration import (
    BuiltModule,
    JibAuth,
    JibConfiguration,
    JibDirectory,
    JibExtension,
    JibHelper,
    JibOutputPaths,
    JibPermission,
    JibPlatform,
    Pairs,
)
from pyjib.jib.parameters import PARAMETERS
from pyjib.jib.properties import Found, Properties, ineffective_properties
from pyjib.jib.values import parse_flag, parse_list, parse_pairs, parse_platform
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
    return JibConfiguration(
        plugin=JIB_GRADLE_PLUGIN,
        from_image=reader.text("from.image"),
        from_platforms=_platforms(reader),
        from_auth=_auth(reader, "from"),
        from_cred_helper=_helper(reader, "from"),
        to_image=reader.text("to.image"),
        to_tags=reader.texts("to.tags"),
        to_auth=_auth(reader, "to"),
        to_cred_helper=_helper(reader, "to"),
        app_root=reader.text("container.appRoot"),
        args=reader.texts("container.args"),
        entrypoint=reader.texts("container.entrypoint"),
        jvm_flags=reader.texts("container.jvmFlags"),
        extra_classpath=reader.texts("container.extraClasspath"),
        main_class=reader.text("container.mainClass"),
        expand_classpath_dependencies=reader.flag("container.expandClasspathDependencies"),
        environment=reader.pairs("container.environment"),
        labels=reader.pairs("container.labels"),
        ports=reader.texts("container.ports"),
        volumes=reader.texts("container.volumes"),
        user=reader.text("container.user"),
        working_directory=reader.text("container.workingDirectory"),
        format=reader.text("container.format"),
        creation_time=reader.text("container.creationTime"),
        files_modification_time=reader.text("container.filesModificationTime"),
        containerizing_mode=reader.text("containerizingMode"),
        extra_directories=_directories(reader, module.basedir, cwd),
        permissions=_permissions(reader),
        output_paths=_output_paths(reader, module),
        docker_executable=executable and str(cwd / executable),
        docker_environment=reader.pairs("dockerClient.environment"),
        allow_insecure_registries=reader.flag("allowInsecureRegistries"),
        plugin_extensions=tuple(_extensions(reader)),
        has_plugin_dependencies=True,
        required_version=reader.of_jvm("jib.requiredVersion"),
        config_directory=reader.of_jvm("jib.configDirectory"),
        send_credentials_over_http=parse_flag(reader.of_jvm("sendCredentialsOverHttp") or ""),
    )


class _Reader:
    """Looks values up, and keeps where each came from, and what is odd."""

    def __init__(self, properties: Properties, extension: Mapping[str, Any], script: Path) -> None:
        self.properties = properties
        self._extension = extension
        self._script = script
        self.origins: dict[str, str] = {}
        self.warnings: list[Warned] = []

    def place(self, name: str) -> str:
        """Name a value of the extension in messages."""
        return f"jib.{name} in {self._script}"

    def of_jvm(self, name: str) -> str | None:
        """Return a property by its whole name."""
        found = self.properties.find_in_jvm(name)
        if found is None:
            return None
        self.origins[name] = found.origin
        return found.value

    def found(self, name: str) -> Found | None:
        """Look ``jib.NAME`` up, and remember it as the origin if it is there."""
        found = self.properties.find_in_jvm(f"jib.{name}")
        if found is not None:
            self.origins[name] = found.origin
        return found

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

    def text(self, name: str) -> str | None:
        """Return a text."""
        found = self.found(name)
        return found.value if found else self.stated(name, str)

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return a list."""
        found = self.found(name)
        if found is not None:
            return parse_list(found.value)
        stated = self.stated(name, list)
        return None if stated is None else self._all_texts(name, stated)

    def pairs(self, name: str) -> Pairs | None:
        """Return a map, in its own order."""
        found = self.found(name)
        if found is not None:
            return parse_pairs(found.value, found.origin)
        return self.stated_pairs(name, self.stated(name, dict))

    def stated_pairs(self, name: str, stated: Mapping[str, Any] | None) -> Pairs | None:
        """Check a map of the extension."""
        if stated is None:
            return None
        self._all_texts(name, stated.values())
        return tuple(stated.items())

    def flag(self, name: str) -> bool | None:
        """Return a truth value."""
        found = self.found(name)
        return parse_flag(found.value) if found else self.stated(name, bool)

    def objects(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Return a list of objects of the extension."""
        stated = self.stated(name, list) or []
        if not all(isinstance(one, dict) for one in stated):
            raise self.malformed(name)
        return tuple(stated)

    def _all_texts(self, name: str, values: Iterable[Any]) -> tuple[str, ...]:
        texts = tuple(values)
        if None in texts:
            raise ConfigurationError(
                f"{self.place(name)} contains null values", hint="give each a value"
            )
        if not all(isinstance(value, str) for value in texts):
            raise self.malformed(name)
        return texts


def _platforms(reader: _Reader) -> tuple[JibPlatform, ...] | None:
    name = "from.platforms"
    found = reader.found(name)
    if found is not None:
        parsed = (parse_platform(part, found.origin) for part in parse_list(found.value))
        return tuple(JibPlatform(os=os, architecture=word) for os, word in parsed)
    if reader.stated(name, list) is None:
        return None
    return tuple(
        JibPlatform(os=one.get("os"), architecture=one.get("architecture"))
        for one in reader.objects(name)
    )


def _auth(reader: _Reader, side: str) -> JibAuth | None:
    """Return the login of properties; of the build script's it is known only that there is one."""
    words = {word: reader.of_jvm(f"jib.{side}.auth.{word}") for word in ("username", "password")}
    if words["username"] and words["password"]:
        return JibAuth(username=words["username"], password=words["password"], by_user=True)
    for word, other in (("username", "password"), ("password", "username")):
        if words[word]:
            reader.warnings.append(
                Warned(
                    message=f"jib.{side}.auth.{word} system property is set, but "
                    f"jib.{side}.auth.{other} is not; attempting other authentication methods.",
                    hint=f"pass -D jib.{side}.auth.{other}=VALUE too",
                )
            )
    if reader.stated(f"{side}.auth", bool):
        reader.warnings.append(
            Warned(
                message=f"{reader.place(f'{side}.auth')} has a login, which is not known here: "
                "passwords are never written to classpath.json",
                hint=f"log in by `pyjib login`, or pass -D jib.{side}.auth.username and "
                f"-D jib.{side}.auth.password",
            )
        )
    return None


def _helper(reader: _Reader, side: str) -> JibHelper | None:
    name = f"{side}.credHelper"
    found = reader.found(name)
    stated = reader.stated(name, dict) or {}
    helper = found.value if found else stated.get("helper")
    environment = reader.stated_pairs(f"{name}.environment", stated.get("environment")) or ()
    return JibHelper(helper=str(helper), environment=environment) if helper else None


def _directories(reader: _Reader, basedir: Path, cwd: Path) -> tuple[JibDirectory, ...] | None:
    name = "extraDirectories.paths"
    found = reader.found(name)
    if found is not None:
        return tuple(
            JibDirectory(source=cwd / path if path else None) for path in parse_list(found.value)
        )
    if reader.stated(name, list) is None:
        return None
    return tuple(
        JibDirectory(
            source=basedir / str(one["from"]) if one.get("from") else None,
            into=str(one.get("into") or "/"),
            includes=tuple(map(str, one.get("includes") or ())),
            excludes=tuple(map(str, one.get("excludes") or ())),
        )
        for one in reader.objects(name)
    )


def _permissions(reader: _Reader) -> tuple[JibPermission, ...] | None:
    pairs = reader.pairs("extraDirectories.permissions")
    if pairs is None:
        return None
    return tuple(JibPermission(file=file, mode=mode) for file, mode in pairs)


def _output_paths(reader: _Reader, module: BuiltModule) -> JibOutputPaths:
    def path(name: str, default: str) -> Path:
        text = reader.text(f"outputPaths.{name}")
        return module.basedir / text if text else module.build_directory / default

    return JibOutputPaths(
        tar=path("tar", "jib-image.tar"),
        digest=path("digest", "jib-image.digest"),
        image_id=path("imageId", "jib-image.id"),
        image_json=path("imageJson", "jib-image.json"),
    )


def _extensions(reader: _Reader) -> Iterator[JibExtension]:
    name = "pluginExtensions"
    for one in reader.objects(name):
        yield JibExtension(
            implementation=str(one.get("implementation") or ""),
            properties=reader.stated_pairs(name, one.get("properties")) or (),
            is_configured=bool(one.get("configured")),
        )
