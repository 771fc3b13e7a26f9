"""Platforms: what an image runs on (OCI image index, "platform")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from pyjib.errors import InvalidReferenceError
from pyjib.patterns import late

_PART = late(r"[a-z0-9._]+", re.ASCII)
_MAX_TEXT = 255
_ALIASES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"}


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Platform:
    """Operating system and processor in OCI's words, for example ``linux`` and ``amd64``."""

    os: str
    architecture: str
    variant: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``os/architecture[/variant]``; ``x86_64`` and ``aarch64`` are understood."""
        parts = text.strip().lower().split("/") if len(text) <= _MAX_TEXT else []
        if len(parts) not in (2, 3) or not all(
            _PART.fullmatch(part) or part in _ALIASES for part in parts
        ):
            raise InvalidReferenceError(
                f"not a platform: {text[:200]!r}",
                hint="write os/architecture, for example linux/amd64 or linux/arm64",
            )
        architecture = _ALIASES.get(parts[1], parts[1])
        return cls(
            os=parts[0],
            architecture=architecture,
            variant=parts[2] if len(parts) == 3 else None,
        )

    def accepts(self, other: Platform) -> bool:
        """Tell whether an image for ``other`` answers a request for this platform.

        Without a variant any variant does; arm64's only variant in use, v8, may be left out.
        """
        if (self.os, self.architecture) != (other.os, other.architecture):
            return False
        if self.variant is None or self.variant == other.variant:
            return True
        return self.architecture == "arm64" and self.variant == "v8" and other.variant is None

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


LINUX_AMD64 = Platform(os="linux", architecture="amd64")


_MACHINES = {
    "x86_64": ("amd64", None),
    "aarch64": ("arm64", None),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i686": ("386", None),
    "i386": ("386", None),
}


def normal_architecture(machine: str) -> tuple[str, str | None]:
    """Return OCI's architecture and variant for what ``uname -m`` calls a machine."""
    return _MACHINES.get(machine, (machine, None))
