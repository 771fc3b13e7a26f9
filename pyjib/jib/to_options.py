"""From ``JibConfiguration`` to ``BuildOptions``: what the caller says wins, then the POM, then us.

What ``mvn jib:build`` would do, ``jib:dockerBuild`` for a daemon without a name and
``jib:buildTar`` for an archive without one (``jib-plugins-and-cli`` §1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from pyjib.errors import ConfigurationError, InvalidReferenceError
from pyjib.events import Warned
from pyjib.jib import values
from pyjib.jib.configuration import JibConfiguration, JibDirectory, JibOutputPaths
from pyjib.jib.extensions import read_extensions
from pyjib.jib.login import read_registry_options
from pyjib.jib.skips import check_required_version, why_skipped
from pyjib.oci.identity import NEWEST_JIB, PYJIB, Identity
from pyjib.oci.instant import Instant
from pyjib.oci.location import (
    ArchiveLocation,
    EngineLocation,
    Location,
    RegistryLocation,
    parse_location,
)
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import LINUX_AMD64, Platform
from pyjib.oci.reference import Reference, is_tag
from pyjib.options import (
    BuildOptions,
    ExtraDirectory,
    HostEnvironment,
    Login,
    Mode,
    Permission,
    RegistryOptions,
)
from pyjib.project.maven.model import EffectiveModel

INHERIT = ("INHERIT",)
_OF_A_DAEMON = frozenset(
    {
        "DOCKER_API_VERSION",
        "DOCKER_CERT_PATH",
        "DOCKER_CONTEXT",
        "DOCKER_HOST",
        "DOCKER_TLS",
        "DOCKER_TLS_VERIFY",
    }
)
_NEVER_JIBS = frozenset(
    {"cache", "compression", "host", "identity", "layers", "name", "registry", "targets"}
)


class Unnamed(StrEnum):
    """A target that is to be named by the configuration: ``docker://`` or ``tar://`` alone."""

    DOCKER = "docker://"
    TAR = "tar://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the caller says.

    ``explicit`` are the fields of ``options`` that hold against the configuration; ``unnamed``
    targets come after those of ``options``. ``identity`` ``None`` is the configured Jib's.
    ``now`` is the present, for images that are to tell it. ``servers`` are the logins of
    settings.xml, their ``registry`` being the server's id.
    """

    options: BuildOptions
    explicit: frozenset[str] = frozenset()
    unnamed: tuple[Unnamed, ...] = ()
    identity: Identity | None = None
    now: Instant | None = None
    servers: Sequence[Login] = ()

    @classmethod
    def of(cls, options: BuildOptions, **more: Any) -> Given:
        """Hold everything against the configuration that is not as it is by default."""
        default = BuildOptions()
        changed = {
            field.name
            for field in fields(options)
            if getattr(options, field.name) != getattr(default, field.name)
        }
        return cls(options=options, explicit=frozenset(changed), **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class JibBuild:
    """What a configuration comes to.

    ``skipped`` tells why Jib would do nothing, ``None`` if it would build. ``outputs`` are the
    files that Jib writes about every image.
    """

    options: BuildOptions
    outputs: JibOutputPaths | None
    skipped: str | None
    warnings: tuple[Warned, ...]


def to_options(
    configuration: JibConfiguration, model: EffectiveModel, given: Given
) -> JibBuild:
    """Return the options for building the project of ``model``.

    ``environment`` and ``labels`` of the caller are laid over the configured ones; all else
    that he says replaces what is configured. Raises ``ConfigurationError`` and its kind for
    configured values that Jib refuses too; where the caller's hold they are not looked at.
    """
    identity = given.identity or _identity(configuration)
    check_required_version(configuration, identity)
    return _Translator(configuration, model, given, identity).build()


def _identity(configuration: JibConfiguration) -> Identity:
    try:
        return Identity.of_jib(configuration.version or NEWEST_JIB)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{error.message}, which is the version of jib-maven-plugin here",
            hint=f"choose one, for example --identity jib:{NEWEST_JIB}, or --identity pyjib",
        ) from None


class _Translator:
    """Turns one configuration into options, and gathers what is to be told of it."""

    def __init__(
        self,
        configuration: JibConfiguration,
        model: EffectiveModel,
        given: Given,
        identity: Identity,
    ) -> None:
        self._jib = configuration
        self._model = model
        self._given = given
        self._identity = identity
        self._warnings = list(configuration.warnings)

    def build(self) -> JibBuild:
        """Return options and what goes with them."""
        given, jib = self._given.options, self._jib
        chosen = {
            name: value
            for name, value in self._configured().items()
            if value is not None and name not in self._given.explicit
        }
        options = replace(given, **chosen, identity=self._identity)
        options = replace(
            options,
            environment=_laid_over(jib.environment, given.environment),
            labels=_laid_over(jib.labels, given.labels),
            host=self._host(),
        )
        options = self._with_targets(options)
        registry, warnings = read_registry_options(
            jib, options, base_is_configured=self._is_free("base"), servers=self._given.servers
        )
        self._warnings += warnings
        options = replace(options, registry=registry)
        transformations, warnings = read_extensions(jib, self._model, options)
        self._warnings += [*warnings, *self._unused()]
        return JibBuild(
            options=replace(options, transformations=transformations),
            outputs=jib.output_paths,
            skipped=why_skipped(jib, self._model),
            warnings=tuple(self._warnings),
        )

    def _configured(self) -> dict[str, Any]:
        """Return the fields of ``BuildOptions`` that the configuration has a word on."""
        jib = self._jib
        readers = {
            "tags": self._tags,
            "base": self._base,
            "platforms": self._platforms,
            "mode": self._mode,
            "main_class": lambda: jib.main_class,
            "jvm_flags": lambda: jib.jvm_flags,
            "extra_classpath": lambda: jib.extra_classpath,
            "expand_classpath": lambda: jib.expand_classpath_dependencies,
            "entrypoint": lambda: jib.entrypoint or None,
            "arguments": lambda: jib.args,
            "app_root": self._app_root,
            "ports": self._ports,
            "volumes": self._volumes,
            "user": lambda: jib.user,
            "working_directory": self._working_directory,
            "extra_directories": self._extra_directories,
            "permissions": self._permissions,
            "created": self._created,
            "file_time": self._file_time,
            "format": self._format,
        }
        return {name: read() for name, read in readers.items() if self._is_free(name)}

    def _is_free(self, name: str) -> bool:
        return name not in self._given.explicit

    def _tags(self) -> tuple[str, ...] | None:
        where = self._jib.origin("to.tags")
        for tag in self._jib.to_tags or ():
            if not tag:
                raise ConfigurationError(f"{where} has empty tag", hint="take it out")
            if not is_tag(tag):
                raise InvalidReferenceError(
                    f"{where}: {tag!r} is not a tag",
                    hint="a tag has up to 128 letters, digits, '_', '.' and '-'",
                )
        return self._jib.to_tags

    def _base(self) -> Location | None:
        image = self._jib.from_image
        return None if image is None else _located(image, self._jib.origin("from.image"))

    def _platforms(self) -> tuple[Platform, ...] | None:
        configured = self._jib.from_platforms
        if configured is None:
            return None
        where = self._jib.origin("from.platforms")
        if not configured:
            raise ConfigurationError(f"{where}: the list of platforms is empty")
        found = []
        for platform in configured:
            if not platform.os or not platform.architecture:
                missing = "an OS" if platform.architecture else "an architecture"
                raise ConfigurationError(
                    f"{where}: platform configuration is missing {missing} value: "
                    f"architecture={platform.architecture or '<missing>'}, "
                    f"os={platform.os or '<missing>'}",
                    hint="Jib wants both <architecture> and <os>",
                )
            found.append(Platform(os=platform.os, architecture=platform.architecture))
        # To Jib this says no more than nothing: it takes a base of another platform then too.
        return None if found == [LINUX_AMD64] else tuple(dict.fromkeys(found))

    def _mode(self) -> Mode | None:
        text = self._jib.containerizing_mode
        if text is None:
            return None
        if text not in (Mode.EXPLODED.value, Mode.PACKAGED.value):
            raise ConfigurationError(
                f"invalid value for <containerizingMode>: {text} "
                f"({self._jib.origin('containerizingMode')})",
                hint="write exploded or packaged, in small letters",
            )
        if text == Mode.PACKAGED.value and self._model.packaging in ("war", "gwt-app"):
            raise ConfigurationError(
                "packaged containerizing mode for WAR is not yet supported by Jib",
                hint="take <containerizingMode> out, or pass --mode packaged to have it "
                "from pyjib",
            )
        return Mode(text)

    def _app_root(self) -> str | None:
        root = self._jib.app_root
        return values.parse_path(root, self._jib.origin("container.appRoot")) if root else None

    def _working_directory(self) -> str | None:
        path = self._jib.working_directory
        where = self._jib.origin("container.workingDirectory")
        return None if path is None else values.parse_path(path, where)

    def _volumes(self) -> tuple[str, ...] | None:
        for volume in self._jib.volumes or ():
            values.parse_path(volume, self._jib.origin("container.volumes"))
        return self._jib.volumes

    def _ports(self) -> tuple[str, ...] | None:
        ports = self._jib.ports
        where = self._jib.origin("container.ports")
        return None if ports is None else values.parse_ports(ports, where)

    def _extra_directories(self) -> tuple[ExtraDirectory, ...] | None:
        directories = self._jib.extra_directories
        if directories is None:
            return None
        return tuple(map(self._extra_directory, directories))

    def _extra_directory(self, directory: JibDirectory) -> ExtraDirectory:
        where = self._jib.origin("extraDirectories.paths")
        if directory.source is None:
            raise ConfigurationError(
                "Incomplete <extraDirectories><paths> configuration; source directory must be "
                f"set ({where})",
                hint="name it in <from>",
            )
        return ExtraDirectory(
            source=directory.source,
            into=values.parse_path(directory.into, f"{where}: <into>"),
            includes=directory.includes,
            excludes=directory.excludes,
        )

    def _permissions(self) -> tuple[Permission, ...] | None:
        if self._jib.permissions is None:
            return None
        where = self._jib.origin("extraDirectories.permissions")
        modes: dict[str, int] = {}
        for permission in self._jib.permissions:
            if not permission.file or not permission.mode:
                raise ConfigurationError(
                    "Incomplete <permission> configuration; requires <file> and <mode> fields "
                    f"to be set ({where})"
                )
            modes[permission.file] = values.parse_mode(permission.mode, where)
        return tuple(Permission(pattern=pattern, mode=mode) for pattern, mode in modes.items())

    def _created(self) -> Instant | None:
        text = self._jib.creation_time
        # Nothing but what is configured: SOURCE_DATE_EPOCH, say, means nothing to Jib.
        where = self._jib.origin("container.creationTime")
        return values.parse_creation_time(text or "EPOCH", where, self._given.now)

    def _file_time(self) -> Instant | None:
        text = self._jib.files_modification_time
        where = self._jib.origin("container.filesModificationTime")
        return values.parse_file_time(text, where) if text else None

    def _format(self) -> ImageFormat | None:
        formats = {"Docker": ImageFormat.DOCKER, "OCI": ImageFormat.OCI}
        text = self._jib.format
        if text is None:
            return None
        if text not in formats:
            raise ConfigurationError(
                f"{self._jib.origin('container.format')}: {text!r} is not an image format",
                hint="write Docker or OCI, in these capitals",
            )
        return formats[text]

    def _host(self) -> HostEnvironment:
        """Let the variables of ``dockerClient.environment`` choose the daemon."""
        host = self._given.options.host
        chosen = {
            name: value
            for name, value in self._jib.docker_environment or ()
            if name in _OF_A_DAEMON
        }
        return HostEnvironment.of({**host.variables, **chosen}, host.home) if chosen else host

    def _with_targets(self, options: BuildOptions) -> BuildOptions:
        """Name the image, and the targets that the caller left without a name."""
        image = self._jib.to_image
        named = _named(self._jib) if image is not None else None
        targets = list(options.targets)
        if not targets and not self._given.unnamed and named is not None:
            targets.append(RegistryLocation(reference=named))
        if any(isinstance(target, RegistryLocation | EngineLocation) for target in targets):
            name = options.name
        else:
            name = options.name or named or self._generated_name()
        for unnamed in self._given.unnamed:
            targets.append(self._target(unnamed, name or named or self._generated_name()))
        options = replace(options, targets=tuple(targets), name=name)
        only_daemons = targets and all(isinstance(found, EngineLocation) for found in targets)
        if only_daemons and self._is_free("format"):
            return replace(options, format=ImageFormat.DOCKER)  # as jib:dockerBuild does
        return options

    def _target(self, unnamed: Unnamed, name: Reference) -> Location:
        if unnamed is Unnamed.DOCKER:
            return EngineLocation(reference=name)
        if self._jib.output_paths is None:
            raise ConfigurationError("tar:// names no file", hint="write tar://FILE")
        return ArchiveLocation(path=self._jib.output_paths.tar)

    def _generated_name(self) -> Reference:
        version = self._model.version
        text = f"{self._model.artifact}:{'latest' if version == 'unspecified' else version}"
        try:
            return Reference.parse(text)
        except InvalidReferenceError as error:
            raise InvalidReferenceError(
                f"the image has no name, and that of the project cannot be one: {error.message}",
                hint=f"name it in <to><image> of {self._model.pom}, or by --name",
            ) from None

    def _unused(self) -> Iterator[Warned]:
        """Tell of what is configured and has no effect on pyjib."""
        if self._jib.docker_executable is not None:
            yield Warned(
                message=f"{self._jib.origin('dockerClient.executable')} has no effect: pyjib "
                "talks to the daemon itself",
                hint="set DOCKER_HOST if it is not the one that should be talked to",
            )
        others = [
            name for name, _ in self._jib.docker_environment or () if name not in _OF_A_DAEMON
        ]
        if others:
            yield Warned(
                message=f"{self._jib.origin('dockerClient.environment')}: no effect on how a "
                f"daemon is talked to: {', '.join(others)}"
            )
        if self._jib.version is None and self._given.identity is None:
            yield Warned(
                message=f"jib-maven-plugin has no version in {self._model.pom}; the image is as "
                f"{NEWEST_JIB} makes it",
                hint="choose another by --identity jib:VERSION",
            )


def _laid_over(
    configured: tuple[tuple[str, str], ...] | None, given: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    return tuple(dict((*(configured or ()), *given)).items())


def _named(jib: JibConfiguration) -> Reference:
    return _parsed(jib.to_image or "", jib.origin("to.image"))


def _parsed(text: str, where: str) -> Reference:
    try:
        return Reference.parse(text)
    except InvalidReferenceError as error:
        raise InvalidReferenceError(f"{where}: {error.message}", hint=error.hint) from None


def _located(text: str, where: str) -> Location:
    try:
        return parse_location(text)
    except ConfigurationError as error:
        raise type(error)(f"{where}: {error.message}", hint=error.hint) from None
