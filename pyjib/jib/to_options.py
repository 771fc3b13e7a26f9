"""From ``JibConfiguration`` to ``BuildOptions``: what the caller says wins, then the POM, then us.

What ``mvn jib:build`` would do, ``jib:dockerBuild`` for a daemon without a name and
``jib:buildTar`` for an archive without one (``jib-plugins-and-cli`` §1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from pyjib.errors import ConfigurationError, InvalidReferenceError
from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.jib.configuration import BuiltModule, JibConfiguration, JibOutputPaths
from pyjib.jib.fields import configured_fields
from pyjib.jib.login import FindServer, read_registry_options
from pyjib.jib.reader import NO_VALUE
from pyjib.jib.skips import check_required_version, why_skipped
from pyjib.oci.identity import (
    JIB_MAVEN_PLUGIN,
    NEWEST_JIB,
    NEWEST_JIB_GRADLE,
    Identity,
)
from pyjib.oci.instant import Instant
from pyjib.oci.location import (
    ArchiveLocation,
    EngineLocation,
    Location,
    RegistryLocation,
)
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.reference import Reference
from pyjib.options import BuildOptions, EngineProgram, HostEnvironment, Transformation
from pyjib.project.maven.model import EffectiveModel

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


class Unnamed(StrEnum):
    """A target that is to be named by the configuration: ``docker://`` or ``tar://`` alone."""

    DOCKER = "docker://"
    TAR = "tar://"


@frozen
class Given:
    """What the caller says.

    ``explicit`` are the fields of ``options`` that hold against the configuration; ``unnamed``
    targets come after those of ``options``. ``identity`` makes of the configured version, if it
    is known, whose image it is to be; without it that is the configured Jib's. ``now`` is the
    present, for images that are to tell it. ``find_server`` gives logins of settings.xml by a
    server's id, ``packaged_names`` the names of the files that modules of the build were made into.
    """

    options: BuildOptions
    explicit: frozenset[str] = frozenset()
    unnamed: tuple[Unnamed, ...] = ()
    identity: Callable[[str | None], Identity] | None = None
    now: Instant | None = None
    find_server: FindServer = lambda _: None
    packaged_names: Callable[[], frozenset[str]] = frozenset

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


@frozen
class JibBuild:
    """What a configuration comes to.

    ``skipped`` tells why Jib would do nothing, ``None`` if it would build. ``outputs`` are the
    files that Jib writes about every image.
    """

    options: BuildOptions
    outputs: JibOutputPaths | None
    skipped: str | None
    warnings: tuple[Warned, ...]


def to_options(configuration: JibConfiguration, model: BuiltModule, given: Given) -> JibBuild:
    """Return the options for building the project of ``model``.

    ``environment`` and ``labels`` of the caller are laid over the configured ones; all else
    that he says replaces what is configured. Raises ``ConfigurationError`` and its kind for
    configured values that Jib refuses too; where the caller's hold they are not looked at.
    """
    identity = _identity(configuration, given)
    check_required_version(configuration, identity)
    try:
        return _Translator(configuration, model, given, identity).build()
    except ConfigurationError as error:
        _blame_expressions(error, configuration.warnings)
        raise


def _blame_expressions(error: ConfigurationError, warnings: Iterable[Warned]) -> None:
    """Advise to give an expression a value where what is refused holds one that has none."""
    for warned in warnings:
        expression, _, rest = warned.message.partition(" in ")
        place, missing, _ = rest.partition(NO_VALUE)
        if missing and (expression in error.message or place in error.message):
            error.advise(f"{expression}{NO_VALUE}: {warned.hint}")
            return


def _identity(configuration: JibConfiguration, given: Given) -> Identity:
    """Return the caller's choice, of the configured plugin if it is one of a Jib's plugins."""
    version = configuration.version or _newest(configuration)
    if given.identity is not None:
        chosen = given.identity(version)
        is_plugin = chosen.tool == JIB_MAVEN_PLUGIN
        return replace(chosen, tool=configuration.plugin) if is_plugin else chosen
    try:
        return Identity.of_jib(version, tool=configuration.plugin)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{error.message}, which is the version of {configuration.plugin} here",
            hint=f"choose one, for example --identity jib:{_newest(configuration)}, "
            "or --identity pyjib",
        ) from None


def _newest(configuration: JibConfiguration) -> str:
    return NEWEST_JIB if configuration.plugin == JIB_MAVEN_PLUGIN else NEWEST_JIB_GRADLE


class _Translator:
    """Turns one configuration into options, and gathers what is to be told of it."""

    def __init__(
        self,
        configuration: JibConfiguration,
        model: BuiltModule,
        given: Given,
        identity: Identity,
    ) -> None:
        self._jib = configuration
        self._model = model
        self._given = given
        self._identity = identity
        self._warnings = list(configuration.warnings)

    def build(self) -> JibBuild:
        """Return options and what goes with them; those of a skipped project are not looked at."""
        given, jib = self._given.options, self._jib
        skipped = why_skipped(jib, self._model)
        if skipped is not None:
            return JibBuild(options=given, outputs=None, skipped=skipped, warnings=())
        chosen = configured_fields(jib, self._model, now=self._given.now, free=self._is_free)
        options = replace(given, **chosen, identity=self._identity)
        options = replace(
            options,
            environment=_laid_over(jib.environment, given.environment),
            labels=_laid_over(jib.labels, given.labels),
            host=self._host(),
            engine_program=self._engine_program(),
        )
        options = self._with_targets(options)
        registry, warnings = read_registry_options(
            jib, options, find_server=self._given.find_server
        )
        self._warnings += warnings
        options = replace(options, registry=registry)
        transformations, warnings = self._extensions(options)
        self._warnings += [*warnings, *self._unused()]
        return JibBuild(
            options=replace(options, transformations=transformations),
            outputs=jib.output_paths,
            skipped=None,
            warnings=tuple(self._warnings),
        )

    def _extensions(
        self, options: BuildOptions
    ) -> tuple[tuple[Transformation, ...], tuple[Warned, ...]]:
        if not self._jib.plugin_extensions:
            return (), ()
        # Few projects have some.
        if isinstance(self._model, EffectiveModel):
            from pyjib.jib.extensions import read_extensions  # noqa: PLC0415

            return read_extensions(self._jib, self._model, self._given.packaged_names)
        from pyjib.jib.gradle_extensions import read_gradle_extensions  # noqa: PLC0415

        return read_gradle_extensions(self._jib, self._model, options)

    def _is_free(self, name: str) -> bool:
        return name not in self._given.explicit

    def _host(self) -> HostEnvironment:
        """Let the variables of ``dockerClient.environment`` choose the daemon."""
        host = self._given.options.host
        chosen = {
            name: value
            for name, value in self._jib.docker_environment or ()
            if name in _OF_A_DAEMON
        }
        return replace(host, variables={**host.variables, **chosen}) if chosen else host

    def _engine_program(self) -> EngineProgram | None:
        if self._jib.docker_executable is None:
            return self._given.options.engine_program
        return EngineProgram(
            executable=Path(self._jib.docker_executable),
            environment=self._jib.docker_environment or (),
        )

    def _with_targets(self, options: BuildOptions) -> BuildOptions:
        """Name the image, and the targets that the caller left without a name."""
        targets = list(options.targets)
        if not targets and not self._given.unnamed and self._jib.to_image is not None:
            targets.append(RegistryLocation(reference=self._own_name()))
        is_named = any(isinstance(found, RegistryLocation | EngineLocation) for found in targets)
        name = options.name if options.name or is_named else self._own_name()
        targets += [self._target(unnamed, name) for unnamed in self._given.unnamed]
        options = replace(options, targets=tuple(targets), name=name)
        only_daemons = targets and all(isinstance(found, EngineLocation) for found in targets)
        if only_daemons and self._is_free("format"):
            return replace(options, format=ImageFormat.DOCKER)  # as jib:dockerBuild does
        return options

    def _target(self, unnamed: Unnamed, name: Reference | None) -> Location:
        if unnamed is Unnamed.DOCKER:
            return EngineLocation(reference=name or self._own_name())
        if self._jib.output_paths is None:
            raise ConfigurationError("tar:// names no file", hint="write tar://FILE")
        return ArchiveLocation(path=self._jib.output_paths.tar)

    def _own_name(self) -> Reference:
        """Return what the image is called where the caller does not say."""
        if self._jib.to_image is not None:
            return _parsed(self._jib.to_image, self._jib.origin("to.image"))
        version = self._model.version
        text = f"{self._model.artifact}:{'latest' if version == 'unspecified' else version}"
        try:
            return Reference.parse(text)
        except InvalidReferenceError as error:
            raise InvalidReferenceError(
                f"the image has no name, and that of the project cannot be one: {error.message}",
                hint=f"name it in <to><image> of {self._model.file}, or by --name",
            ) from None

    def _unused(self) -> Iterator[Warned]:
        """Tell of what is configured and has no effect on pyjib."""
        others = [
            name for name, _ in self._jib.docker_environment or () if name not in _OF_A_DAEMON
        ]
        if others and self._jib.docker_executable is None:
            yield Warned(
                message=f"{self._jib.origin('dockerClient.environment')}: no effect on how a "
                f"daemon is talked to: {', '.join(others)}"
            )
        if self._jib.version is None and self._given.identity is None:
            yield Warned(
                message=f"{self._jib.plugin} has no version in {self._model.file}; the image is as "
                f"{_newest(self._jib)} makes it",
                hint="choose another by --identity jib:VERSION",
            )


def _laid_over(
    configured: tuple[tuple[str, str], ...] | None, given: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    return tuple(dict((*(configured or ()), *given)).items())


def _parsed(text: str, where: str) -> Reference:
    try:
        return Reference.parse(text)
    except InvalidReferenceError as error:
        raise InvalidReferenceError(f"{where}: {error.message}", hint=error.hint) from None
