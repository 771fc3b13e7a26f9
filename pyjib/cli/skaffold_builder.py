"""``pyjib build --skaffold``: as a custom builder, told by the environment what to build.

Skaffold sets ``IMAGE`` (name with tag), ``PUSH_IMAGE``, ``BUILD_CONTEXT`` and ``PLATFORMS``, and
looks afterwards for the image where it asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pyjib.cli import values
from pyjib.cli.command import Option
from pyjib.errors import ConfigurationError
from pyjib.oci.location import EngineLocation, RegistryLocation
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment

T = TypeVar("T")

SKAFFOLD = Option(
    "--skaffold",
    is_flag=True,
    help="Build what Skaffold asks of a custom builder: IMAGE, PUSH_IMAGE, PLATFORMS and "
    "BUILD_CONTEXT of the environment stand for --to, --platform and PATH.",
)


def asked_by_skaffold(
    given: Mapping[str, Any], path: Path | None, host: HostEnvironment
) -> tuple[dict[str, Any], Path]:
    """Return parameters and path with Skaffold's words put in; ``path`` is ``None`` if not given.

    Without ``PUSH_IMAGE=true`` the image goes to the local daemon. Raises ``ConfigurationError``
    where Skaffold says nothing, or where the command line says where the image goes too.
    """
    image = host.get("IMAGE")
    if image is None:
        raise ConfigurationError(
            "--skaffold: IMAGE is not set, so it is not Skaffold that calls",
            hint="leave --skaffold out, or write it in a custom buildCommand of skaffold.yaml",
        )
    if given["to"]:
        raise ConfigurationError(
            f"--skaffold and --to: Skaffold says where the image goes, to {image}",
            hint="leave one of them out",
        )
    reference = _parsed("IMAGE", image, Reference.parse)
    pushes = (host.get("PUSH_IMAGE") or "").lower() in ("true", "1")
    kind = RegistryLocation if pushes else EngineLocation
    asked: dict[str, Any] = {**given, "to": (kind(reference=reference),)}
    words = values.parse_list(host.get("PLATFORMS") or "")
    if words and not given["platform"]:
        asked["platform"] = (tuple(_parsed("PLATFORMS", word, Platform.parse) for word in words),)
    return asked, path or Path(host.get("BUILD_CONTEXT") or ".")


def _parsed(variable: str, text: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{variable}, as set: {error.message}", hint=error.hint) from None
