"""Jib's global ``config.json`` (``jib-plugins-and-cli`` §5), never created or fetched."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen
from pyjib.options import BuildOptions, HostEnvironment, Mirror

NAME = "config.json"
_LARGEST = 1 << 20
_MOST_HOLDERS = 32_768


@frozen
class GlobalConfig:
    """What the file says: ``mirrors`` in the order of asking.

    Its ``disableUpdateCheck`` is not kept, for there is no such check.
    """

    path: Path
    mirrors: tuple[Mirror, ...] = ()

    def added_to(self, options: BuildOptions) -> BuildOptions:
        """Return options with these mirrors, after those that the caller named."""
        if not self.mirrors:
            return options
        registry = replace(options.registry, mirrors=(*options.registry.mirrors, *self.mirrors))
        return replace(options, registry=registry)


def read_global_config(host: HostEnvironment, directory: str | None = None) -> GlobalConfig:
    """Return what the file says; one that does not exist says nothing.

    ``directory`` is that of ``jib.configDirectory``. Raises ``ConfigurationError`` for a file
    that cannot be used: it is fatal to Jib too.
    """
    path = (Path(directory) if directory else config_directory(host)) / NAME
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return GlobalConfig(path=path)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from None
    return parse_global_config(data, path)


def parse_global_config(data: bytes, path: Path) -> GlobalConfig:
    """Return what the text of a file says; unknown members are passed over.

    One of more than 1 MiB, or of so many objects and lists that they fill the memory, is none.
    """
    if len(data) > _LARGEST:
        raise _unusable(path, f"it has more than {_LARGEST} bytes")
    if data.count(b"[") + data.count(b"{") > _MOST_HOLDERS:
        raise _unusable(path, f"it has more than {_MOST_HOLDERS} objects and lists")
    try:
        document: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _unusable(path, f"it is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise _unusable(path, "it is not an object")
    entries = document.get("registryMirrors") or []
    if not isinstance(entries, list):
        raise _unusable(path, "'registryMirrors' is not a list")
    mirrors = tuple(mirror for entry in entries for mirror in _mirrors(entry, path))
    return GlobalConfig(path=path, mirrors=mirrors)


def config_directory(host: HostEnvironment, platform: str = sys.platform) -> Path:
    """Return where Jib keeps its configuration on this kind of machine."""
    home = host.get("XDG_CONFIG_HOME")
    if platform == "win32":
        local = home or host.get("LOCALAPPDATA")
        base = Path(local) if local else host.home / "AppData" / "Local"
        return base / "Google" / "Jib" / "Config"
    if platform == "darwin":
        base = Path(home) if home else host.home / "Library" / "Preferences"
        return base / "Google" / "Jib"
    return (Path(home) if home else host.home / ".config") / "google-cloud-tools-java" / "jib"


def _mirrors(entry: Any, path: Path) -> tuple[Mirror, ...]:
    members = entry if isinstance(entry, dict) else {}
    registry, mirrors = members.get("registry"), members.get("mirrors")
    if not isinstance(registry, str) or not registry:
        raise _unusable(path, "'registryMirrors.registry' property is missing")
    if not isinstance(mirrors, list) or not mirrors:
        raise _unusable(path, "'registryMirrors.mirrors' property is missing")
    if not all(isinstance(mirror, str) and mirror for mirror in mirrors):
        raise _unusable(path, "'registryMirrors.mirrors' has what is no text")
    return tuple(Mirror(registry=registry, location=mirror, source=str(path)) for mirror in mirrors)


def _unusable(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"cannot read Jib's global configuration {path}: {reason}",
        hint="correct the file, or delete it",
    )
