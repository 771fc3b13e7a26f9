"""jib.yaml: the build file of jib-cli (``jib-plugins-and-cli`` §4.2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from pathlib import Path, PurePath
from typing import TypeVar

from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.jib import values
from pyjib.jib.template import substitute
from pyjib.jib.yaml_tree import Value, parse_yaml
from pyjib.oci.instant import Instant
from pyjib.oci.location import Location, Scratch, parse_location
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import Platform
from pyjib.options import BuildOptions, FileProperties, ListedCopy, ListedLayer

Pairs = tuple[tuple[str, str], ...]
T = TypeVar("T")

_FORMATS = {"Docker": ImageFormat.DOCKER, "OCI": ImageFormat.OCI}
_MEMBERS = (
    "apiVersion",
    "kind",
    "from",
    "creationTime",
    "format",
    "environment",
    "labels",
    "volumes",
    "exposedPorts",
    "user",
    "workingDirectory",
    "entrypoint",
    "cmd",
    "layers",
)
_ADDED = ("environment", "labels")
_PROPERTIES = ("filePermissions", "directoryPermissions", "user", "group", "timestamp")


@frozen
class BuildFile:
    """What a build file says, in the words of ``BuildOptions``; ``None`` is not said.

    ``warnings`` name what in it has no effect.
    """

    base: Location
    platforms: tuple[Platform, ...] | None = None
    created: Instant | None = None
    format: ImageFormat | None = None
    environment: Pairs = ()
    labels: Pairs = ()
    volumes: tuple[str, ...] | None = None
    ports: tuple[str, ...] | None = None
    user: str | None = None
    working_directory: str | None = None
    entrypoint: tuple[str, ...] | None = None
    arguments: tuple[str, ...] | None = None
    layers: tuple[ListedLayer, ...] = ()
    warnings: tuple[Warned, ...] = ()


def read_build_file(path: Path, parameters: Mapping[str, str], *, context: str) -> BuildFile:
    """Read a build file from disk; ``context`` is the directory that ``src`` starts from.

    Raises ``ConfigurationError``.
    """
    if not path.is_file():
        raise ConfigurationError(
            f"The Build File YAML either does not exist or cannot be opened for reading: {path}",
            hint="name an existing file with --build-file",
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"cannot read the build file {path}: {reason}") from None
    return parse_build_file(text, parameters, context=context, file=str(path))


def parse_build_file(
    text: str, parameters: Mapping[str, str], *, context: str, file: str = "jib.yaml"
) -> BuildFile:
    """Return what the text of a build file says, ``parameters`` put in.

    Raises ``ConfigurationError`` with file, line and path for all that jib-cli refuses.
    """
    try:
        filled = substitute(text, parameters)
    except ConfigurationError as error:
        raise ConfigurationError(f"{file}: {error.message}", hint=error.hint) from None
    document = parse_yaml(filled, file)
    return replace(_read(document.root, context), warnings=document.warnings)


def apply_build_file(
    listed: BuildFile, given: BuildOptions, *, explicit: Collection[str]
) -> BuildOptions:
    """Return the caller's options laid over the build file's.

    ``explicit`` are the fields that he has a word on; of variables and labels he adds to those
    of the file.
    """
    said = {field.name: getattr(listed, field.name) for field in fields(listed)}
    chosen = {
        name: value
        for name, value in said.items()
        if value is not None and name not in (*explicit, *_ADDED, "warnings")
    }
    if "created" not in explicit and listed.created is None:
        chosen["created"] = BuildOptions().created  # whatever SOURCE_DATE_EPOCH says
    return replace(
        given,
        **chosen,
        environment=tuple(dict((*listed.environment, *given.environment)).items()),
        labels=tuple(dict((*listed.labels, *given.labels)).items()),
    )


def _read(root: Value, context: str) -> BuildFile:
    members = root.members(_MEMBERS)
    root.required(members, "apiVersion").text()
    kind = root.required(members, "kind")
    if kind.text() != "BuildFile":
        raise kind.wrong(f"Property 'kind' must be 'BuildFile' but is '{kind.text()}'")
    base, platforms = _base(members.get("from"))
    return BuildFile(
        base=base,
        platforms=platforms,
        created=_checked(members, "creationTime", values.parse_image_time),
        format=_format(members.get("format")),
        environment=members["environment"].pairs() if "environment" in members else (),
        labels=members["labels"].pairs() if "labels" in members else (),
        volumes=_paths(members.get("volumes")),
        ports=_ports(members.get("exposedPorts")),
        user=members["user"].text() if "user" in members else None,
        working_directory=_checked(members, "workingDirectory", values.parse_path),
        entrypoint=members["entrypoint"].texts() if "entrypoint" in members else None,
        arguments=members["cmd"].texts() if "cmd" in members else None,
        layers=_layers(members.get("layers"), context),
    )


def _base(value: Value | None) -> tuple[Location, tuple[Platform, ...] | None]:
    if value is None:
        return Scratch(), None
    members = value.members(("image", "platforms"))
    image = value.required(members, "image")
    try:
        location = parse_location(image.text())
    except ConfigurationError as error:
        raise image.wrong(error.message, error.hint) from None
    if "platforms" not in members:
        return location, None
    return location, tuple(map(_platform, members["platforms"].items())) or None


def _platform(value: Value) -> Platform:
    if value.is_null:
        raise value.wrong("Property 'platforms' cannot contain null entries")
    members = value.members(("architecture", "os"))
    return Platform(
        os=value.required(members, "os").text(),
        architecture=value.required(members, "architecture").text(),
    )


def _format(value: Value | None) -> ImageFormat | None:
    if value is None:
        return None
    if value.text() not in _FORMATS:
        raise value.wrong(f"{value.text()!r} is not an image format", "write Docker or OCI")
    return _FORMATS[value.text()]


def _checked(members: Mapping[str, Value], name: str, parse: Callable[[str, str], T]) -> T | None:
    if name not in members:
        return None
    return _parsed(members[name], parse)


def _parsed(value: Value, parse: Callable[[str, str], T]) -> T:
    text = value.text()
    try:
        return parse(text, value.name)
    except ConfigurationError as error:
        raise value.wrong(error.message, error.hint) from None


def _paths(value: Value | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(_parsed(item, values.parse_path) for item in value.items())


def _ports(value: Value | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(
        _parsed(item, lambda text, where: values.parse_ports((text,), where)[0])
        for item in value.items()
    )


def _layers(value: Value | None, context: str) -> tuple[ListedLayer, ...]:
    if value is None:
        return ()
    members = value.members(("entries", "properties"))
    outer = _properties(members.get("properties"), FileProperties())
    entries = value.required(members, "entries").items(may_be_empty=False)
    return tuple(_layer(entry, outer, context) for entry in entries)


def _layer(value: Value, outer: FileProperties, context: str) -> ListedLayer:
    members = value.members(("name", "files", "properties", "archive", "mediaType"))
    if "name" not in members:
        raise value.wrong("Could not parse layer entry, missing required property 'name'")
    if "archive" in members:
        raise members["archive"].wrong(
            "Only FileLayers are supported at this time.",
            "jib-cli has no layers of archives either; unpack it, and name the directory in src",
        )
    if "files" not in members:
        raise value.wrong("Could not parse entry into ArchiveLayer or FileLayer", "add files:")
    if "mediaType" in members:
        raise members["mediaType"].wrong("Unrecognized field 'mediaType'")
    properties = _properties(members.get("properties"), outer)
    return ListedLayer(
        name=members["name"].text(),
        copies=tuple(
            _copy(file, properties, context) for file in members["files"].items(may_be_empty=False)
        ),
    )


def _copy(value: Value, outer: FileProperties, context: str) -> ListedCopy:
    members = value.members(("src", "dest", "includes", "excludes", "properties"))
    source = value.required(members, "src").text()
    target = value.required(members, "dest")
    _parsed(target, values.parse_path)
    return ListedCopy(
        source=Path(context, source),
        shown=shown_path(context, source),
        target=target.text(),
        includes=members["includes"].texts() if "includes" in members else (),
        excludes=members["excludes"].texts() if "excludes" in members else (),
        properties=_properties(members.get("properties"), outer),
    )


def shown_path(context: str, source: str) -> str:
    """Return the path that globs match: Java's, which keeps the ``.`` of the context."""
    if PurePath(source).is_absolute():
        return _slashed(source)
    return _slashed(f"{context}/{source}" if context else source)


def _slashed(path: str) -> str:
    text = path.replace("\\", "/") if PurePath("a\\b").name == "b" else path
    return ("/" if text.startswith("/") else "") + "/".join(filter(None, text.split("/")))


def _properties(value: Value | None, outer: FileProperties) -> FileProperties:
    """Return properties, those that are not said taken from further out, one by one."""
    if value is None:
        return outer
    members = value.members(_PROPERTIES)
    said = FileProperties(
        file_mode=_checked(members, "filePermissions", values.parse_mode),
        directory_mode=_checked(members, "directoryPermissions", values.parse_mode),
        user=members["user"].text() if "user" in members else None,
        group=members["group"].text() if "group" in members else None,
        time=_checked(members, "timestamp", values.parse_milliseconds_or_time),
    )
    return said.over(outer)
