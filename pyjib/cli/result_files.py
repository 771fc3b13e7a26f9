"""The small files about an image: what ``--metadata-file`` names, and what Jib's plugins write.

A path that somebody named is tried before the build, since after it the image is pushed; Jib's
own, which nobody asked for, are no reason to fail where the project may not be written to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from pyjib.build import BuildResult
from pyjib.configure import Configured
from pyjib.destination.files import replacing
from pyjib.errors import ConfigurationError, DestinationError
from pyjib.events import Listener, Warned
from pyjib.files import Partial
from pyjib.oci.identity import JIB_MAVEN_PLUGIN
from pyjib.oci.json import Json, dump

_JIBS = {"digest": "jib-image.digest", "imageId": "jib-image.id", "imageJson": "jib-image.json"}
"""The names of Jib's files below ``outputPaths``, and what they are called by default."""


def write_file(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all; raises ``DestinationError``.

    A device, a pipe, and what is this process's own output are written to, and not replaced by
    a file; nor is a symbolic link, but the file that it leads to.
    """
    stream = _own_stream(path)
    if stream is None and not _is_special(path):
        # Not forced to disk: a power cut may take it, and a build brings it back.
        with replacing(Path(os.path.realpath(path)), durable=False) as file:
            file.write(data)
        return
    try:
        if stream is None:
            path.write_bytes(data)
        else:
            stream.flush()
            stream.buffer.write(data)
            stream.flush()
    except OSError as error:
        raise DestinationError(f"cannot write {path}: {error.strerror or error}") from None


def check_writable(file: Path, flag: str, hint: str = "choose another file") -> None:
    """Raise ``ConfigurationError`` that names ``flag`` if no file can be written there.

    Where there can be one, a file of another name is made there and removed.
    """
    parent = file.absolute().parent
    try:
        if file.is_dir():
            raise ConfigurationError(f"{flag}: {file} is a directory", hint=hint)
        if not parent.is_dir():
            raise ConfigurationError(
                f"{flag}: there is no directory {parent}",
                hint=f"create the directory first, or {hint}",
            )
        if _own_stream(file) is not None:
            return
        if not _is_special(file):
            with Partial(Path(os.path.realpath(file))):
                return
        if not os.access(file, os.W_OK):
            raise PermissionError(None, "Permission denied")
    except OSError as error:
        raise ConfigurationError(
            f"{flag}: cannot write {file}: {error.strerror or error}", hint=hint
        ) from None


def check_named_outputs(configured: Configured) -> None:
    """Raise ``ConfigurationError`` if a file cannot be written that Jib's plugin is told to."""
    for name, path in _paths(configured).items():
        if _is_named(configured, name, path):
            check_writable(path, f"outputPaths.{name}", f"choose a file: {_elsewhere(name)}")


def write_jib_outputs(
    configured: Configured, result: BuildResult, metadata: Json, listener: Listener
) -> None:
    """Write what every goal of Jib's plugin writes, without ends of lines.

    Raises ``DestinationError`` for a file that somebody named; that one of the others cannot be
    written is a warning.
    """
    contents = {
        "digest": str(result.digest).encode(),
        "imageId": str(result.image_id).encode(),
        "imageJson": dump(metadata),
    }
    failed: dict[str, DestinationError] = {}
    for name, path in _paths(configured).items():
        try:
            write_file(path, contents[name])
        except DestinationError as error:
            if _is_named(configured, name, path):
                raise
            failed[name] = error
    for warning in _unwritten(failed):
        listener(warning)


def _unwritten(failed: Mapping[str, DestinationError]) -> Iterator[Warned]:
    """Yield one warning for all: they lie in one directory."""
    for error in list(failed.values())[:1]:
        yield Warned(
            message=f"the image is written, but not what Jib writes about it: {error.message}",
            hint=f"choose other files, or /dev/null: {' '.join(map(_elsewhere, failed))}",
        )


def _elsewhere(name: str) -> str:
    return f"-Djib.outputPaths.{name}=FILE"


def _paths(configured: Configured) -> dict[str, Path]:
    paths = configured.outputs
    if paths is None:
        return {}
    return {"digest": paths.digest, "imageId": paths.image_id, "imageJson": paths.image_json}


def _is_named(configured: Configured, name: str, path: Path) -> bool:
    """Tell whether somebody chose the path; Gradle states its defaults as it does all else."""
    jib = configured.configuration
    if jib is None or f"outputPaths.{name}" not in jib.origins:
        return False
    return jib.plugin == JIB_MAVEN_PLUGIN or path.name != _JIBS[name]


def _own_stream(path: Path) -> TextIO | None:
    """Return stdout or stderr if that is where the path leads, as ``/dev/stdout`` does.

    Where they are files, a second opening would write over what is there, at its own place.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # closed, or no stream of the system's
            if os.path.samestat(path.stat(), os.fstat(stream.fileno())):
                return stream
    return None


def _is_special(path: Path) -> bool:
    try:
        return path.exists() and not path.is_file() and not path.is_dir()
    except OSError:  # nobody may look; writing tells why
        return False
