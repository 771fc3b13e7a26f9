"""What Jib's plugins for Maven and Gradle are told in the same words, wherever it stands.

To both, a property goes before what the build file says (``jib-plugins-and-cli`` §1.2, §2); how
a property is found, and how the build file is read, is each one's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from pyjib.events import Warned
from pyjib.jib.configuration import (
    BuiltModule,
    JibAuth,
    JibConfiguration,
    JibDirectory,
    JibOutputPaths,
    JibPermission,
    JibPlatform,
    Pairs,
)
from pyjib.jib.properties import Found, Properties
from pyjib.jib.values import parse_flag, parse_list, parse_pairs, parse_platform

NO_VALUE = " has no value"
"""What warnings say of an expression, behind ``EXPRESSION in PLACE``."""


class ParameterReader(ABC):
    """Looks parameters up by their dotted names, and keeps where each came from, and what is odd.

    All look-ups return ``None`` for what is not said, and raise ``ConfigurationError`` for what
    has not the form that Jib wants.
    """

    def __init__(self, properties: Properties) -> None:
        self.properties = properties
        self.origins: dict[str, str] = {}
        self.warnings: list[Warned] = []

    @abstractmethod
    def find_property(self, name: str) -> Found | None:
        """Look ``jib.NAME`` up, and remember it as the origin if it is there."""

    @abstractmethod
    def stated_text(self, name: str) -> str | None:
        """Return the text that the build file has."""

    @abstractmethod
    def stated_texts(self, name: str) -> tuple[str, ...] | None:
        """Return the list that the build file has."""

    @abstractmethod
    def stated_pairs(self, name: str) -> Pairs | None:
        """Return the map that the build file has."""

    @abstractmethod
    def stated_flag(self, name: str) -> bool | None:
        """Return the truth value that the build file has."""

    def text(self, name: str) -> str | None:
        """Return a text."""
        found = self.find_property(name)
        return self.stated_text(name) if found is None else found.value

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return a list."""
        found = self.find_property(name)
        return self.stated_texts(name) if found is None else parse_list(found.value)

    def pairs(self, name: str) -> Pairs | None:
        """Return a map: a property's in its order."""
        found = self.find_property(name)
        return self.stated_pairs(name) if found is None else parse_pairs(found.value, found.origin)

    def flag(self, name: str) -> bool | None:
        """Return a truth value."""
        found = self.find_property(name)
        return self.stated_flag(name) if found is None else parse_flag(found.value)

    def jvm_property(self, name: str) -> str | None:
        """Return a property, by its whole name, that Jib asks the JVM for."""
        found = self.remember(name, self.properties.find_in_jvm(name))
        return None if found is None else found.value

    def remember(self, name: str, found: Found | None) -> Found | None:
        """Return what was found, remembered as the origin of a parameter."""
        if found is not None:
            self.origins[name] = found.origin
        return found

    def warn(self, message: str, hint: str | None = None) -> None:
        """Tell the user something."""
        self.warnings.append(Warned(message=message, hint=hint))


def read_shared(reader: ParameterReader, module: BuiltModule) -> JibConfiguration:
    """Return the parameters that both plugins have in the same form, and none of the others."""
    return JibConfiguration(
        from_image=reader.text("from.image"),
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
        output_paths=_output_paths(reader, module),
        docker_environment=reader.pairs("dockerClient.environment"),
        required_version=reader.jvm_property("jib.requiredVersion"),
        config_directory=reader.jvm_property("jib.configDirectory"),
        send_credentials_over_http=parse_flag(reader.jvm_property("sendCredentialsOverHttp") or ""),
    )


def _output_paths(reader: ParameterReader, module: BuiltModule) -> JibOutputPaths:
    def path(name: str, default: str) -> Path:
        text = reader.text(f"outputPaths.{name}")
        return module.basedir / text if text else module.build_directory / default

    return JibOutputPaths(
        tar=path("tar", "jib-image.tar"),
        digest=path("digest", "jib-image.digest"),
        image_id=path("imageId", "jib-image.id"),
        image_json=path("imageJson", "jib-image.json"),
    )


def property_auth(
    reader: ParameterReader, side: str, given: Mapping[str, str | None], *, by_user: bool
) -> JibAuth | None:
    """Return the login of properties; of half a one a warning is all that is left.

    ``given`` are ``username`` and ``password``, as far as there are such.
    """
    username, password = given["username"], given["password"]
    if username and password:
        return JibAuth(username=username, password=password, by_user=by_user)
    for word, other in (("username", "password"), ("password", "username")):
        if given[word]:
            reader.warn(
                f"jib.{side}.auth.{word} system property is set, but jib.{side}.auth.{other} is "
                "not; attempting other authentication methods.",
                f"pass -D jib.{side}.auth.{other}=VALUE too",
            )
    return None


def property_platforms(found: Found) -> tuple[JibPlatform, ...]:
    """Return the platforms that a property lists."""
    parsed = (parse_platform(part, found.origin) for part in parse_list(found.value))
    return tuple(JibPlatform(os=os, architecture=architecture) for os, architecture in parsed)


def property_directories(found: Found, cwd: Path) -> tuple[JibDirectory, ...]:
    """Return the extra directories that a property lists: as in Jib, from the working directory.

    Those of a build file start from the project's.
    """
    paths = parse_list(found.value)
    return tuple(JibDirectory(source=cwd / path if path else None) for path in paths)


def property_permissions(found: Found) -> tuple[JibPermission, ...]:
    """Return the permissions that a property lists."""
    pairs = parse_pairs(found.value, found.origin)
    return tuple(JibPermission(file=file, mode=mode) for file, mode in pairs)
