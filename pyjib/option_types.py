"""Options of the wrong type, told before they make a wrong image: for callers without mypy.

A text where a tuple of texts belongs would be taken for its characters, without a word.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from pyjib.oci.identity import Identity
from pyjib.oci.instant import Instant
from pyjib.oci.location import Location
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.options import (
    BuildOptions,
    CompressionChoice,
    ExtraDirectory,
    HostEnvironment,
    LayerIndexMode,
    ListedLayer,
    Mode,
    Permission,
    RegistryOptions,
)

_LOCATIONS: tuple[type, ...] = get_args(Location)
_PAIR: tuple[type, ...] = (tuple,)
_SINGLE: dict[str, tuple[type, ...]] = {
    "name": (Reference,),
    "base": _LOCATIONS,
    "mode": (Mode,),
    "main_class": (str,),
    "expand_classpath": (bool,),
    "app_root": (str,),
    "user": (str,),
    "working_directory": (str,),
    "created": (Instant,),
    "file_time": (Instant,),
    "format": (ImageFormat,),
    "compression": (CompressionChoice,),
    "identity": (Identity,),
    "registry": (RegistryOptions,),
    "host": (HostEnvironment,),
    "cache": (Path,),
    "layer_index": (LayerIndexMode, Reference),
}
_SEVERAL: dict[str, tuple[type, ...]] = {
    "targets": _LOCATIONS,
    "tags": (str,),
    "platforms": (Platform,),
    "jvm_flags": (str,),
    "extra_classpath": (str,),
    "entrypoint": (str,),
    "arguments": (str,),
    "environment": _PAIR,
    "labels": _PAIR,
    "ports": (str,),
    "volumes": (str,),
    "extra_directories": (ExtraDirectory,),
    "permissions": (Permission,),
    "layers": (ListedLayer,),
}
_OPTIONAL = frozenset(
    {"name", "base", "main_class", "app_root", "user", "working_directory", "format", "cache"}
    | {"entrypoint", "arguments", "layers"}
)


def check_types(options: BuildOptions) -> None:
    """Raise ``TypeError``, which names the field, for a value that the field cannot have."""
    for name, types in _SINGLE.items():
        value = getattr(options, name)
        if not (isinstance(value, types) or (value is None and name in _OPTIONAL)):
            raise _wrong(name, value, types)
    for name, types in _SEVERAL.items():
        values = getattr(options, name)
        if values is None and name in _OPTIONAL:
            continue
        if not isinstance(values, tuple | list):
            raise _wrong(name, values, (tuple,))
        for value in values:
            if not isinstance(value, types) or (types is _PAIR and not _is_pair(value)):
                raise _wrong(f"{name}: an item", value, types)


def _is_pair(value: Any) -> bool:
    return len(value) == 2 and all(isinstance(text, str) for text in value)


def _wrong(name: str, value: Any, types: tuple[type, ...]) -> TypeError:
    wanted = " or ".join(each.__name__ for each in types)
    wanted = "a pair of str" if types is _PAIR else wanted
    found = f"{value!r:.80}, of the type {type(value).__name__}"
    return TypeError(f"BuildOptions.{name} is {found}; it takes {wanted}")
