"""When Jib does nothing, and when it refuses to begin (``jib-plugins-and-cli`` §1.1)."""

from __future__ import annotations

from pathlib import PurePath

from pyjib.errors import ConfigurationError
from pyjib.jib.configuration import BuiltModule, JibConfiguration
from pyjib.oci.identity import Identity
from pyjib.patterns import late

_RANGE = late(r"([\[(])([\d.]*),([\d.]*)([\])])")
_VERSION = late(r"\d+(?:\.\d+)*")


def why_skipped(jib: JibConfiguration, model: BuiltModule) -> str | None:
    """Return Jib's sentence for skipping the project, ``None`` if it is to be built."""
    if jib.skip:
        return "Skipping containerization because jib-maven-plugin: skip = true"
    if not _is_meant(jib.containerize, model):
        return "Skipping containerization of this module (not specified in jib.containerize)"
    if model.packaging == "pom":
        return "Skipping containerization because packaging is 'pom'..."
    return None


def check_required_version(jib: JibConfiguration, identity: Identity) -> None:
    """Raise ``ConfigurationError`` where ``jib.requiredVersion`` does not admit the Jib.

    Ranges are ``[1.4,2)``, ``(,2]`` and the like; a version alone is the least that will do.
    """
    required = jib.required_version
    if required is None or not identity.is_jib:
        return
    where = jib.origin("jib.requiredVersion")
    if not _admits(required.replace(" ", ""), identity.release, where):
        raise ConfigurationError(
            f"Jib plugin version is {identity.version} but is required to be {required} ({where})",
            hint="choose another by --identity jib:VERSION, or change the version in the POM",
        )


def _is_meant(module: str | None, model: BuiltModule) -> bool:
    """Tell whether ``jib.containerize`` means this module, by its name or the end of its path."""
    if not module or module in (f"{model.group}:{model.artifact}", f":{model.artifact}"):
        return True
    if ":" in module:
        return False
    parts = PurePath(module).parts
    return bool(parts) and model.basedir.parts[-len(parts) :] == parts


def _admits(required: str, release: tuple[int, ...], where: str) -> bool:
    found = _RANGE.fullmatch(required)
    if found is None:
        if not _VERSION.fullmatch(required):
            raise ConfigurationError(
                f"{where}: {required!r} is neither a version nor a range of versions",
                hint="write for example 3.4 (at least), or [3.4,4)",
            )
        return release >= _numbers(required)
    opening, low, high, closing = found.groups()
    above = not low or (release >= _numbers(low) if opening == "[" else release > _numbers(low))
    below = not high or (release <= _numbers(high) if closing == "]" else release < _numbers(high))
    return above and below


def _numbers(text: str) -> tuple[int, ...]:
    numbers = [int(part[:9]) for part in text.split(".") if part]
    return tuple(numbers + [0] * (3 - len(numbers)))
