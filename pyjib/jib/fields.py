"""The parameters that have a field of ``BuildOptions`` each, checked as Jib checks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyjib.errors import ConfigurationError, InvalidReferenceError
from pyjib.jib import values
from pyjib.jib.configuration import BuiltModule, JibConfiguration, JibDirectory
from pyjib.oci.instant import Instant
from pyjib.oci.location import Location, parse_location
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import LINUX_AMD64, Platform
from pyjib.oci.reference import is_tag
from pyjib.options import ExtraDirectory, Mode, Permission


def configured_fields(
    jib: JibConfiguration,
    model: BuiltModule,
    *,
    now: Instant | None,
    free: Callable[[str], bool],
) -> dict[str, Any]:
    """Return the fields of ``BuildOptions`` that are configured, by name.

    Only fields that are ``free`` are read, so that what the caller overrides may be wrong.
    ``now`` is for images that tell the present. Raises ``ConfigurationError`` where Jib refuses
    a value.
    """
    return _Fields(jib, model, now).read(free)


class _Fields:
    """Reads one configuration, a method for each field that needs a look."""

    def __init__(self, jib: JibConfiguration, model: BuiltModule, now: Instant | None) -> None:
        self._jib = jib
        self._model = model
        self._now = now

    def read(self, free: Callable[[str], bool]) -> dict[str, Any]:
        """Return the values of those fields that are ``free`` and configured."""
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
        found = {name: read() for name, read in readers.items() if free(name)}
        return {name: value for name, value in found.items() if value is not None}

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
                hint="take <containerizingMode> out, or pass --mode packaged to have it from pyjib",
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
        return values.parse_creation_time(text or "EPOCH", where, self._now)

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


def _located(text: str, where: str) -> Location:
    try:
        return parse_location(text)
    except ConfigurationError as error:
        raise type(error)(f"{where}: {error.message}", hint=error.hint) from None
