"""When a profile is active on its own, as a POM or settings.xml says it."""

from __future__ import annotations

from pyjib.frozen import frozen


@frozen
class ActivationProperty:
    """A condition on a property; ``!`` before the name or the value negates."""

    name: str
    value: str | None = None


@frozen
class ActivationOs:
    """A condition on the operating system; ``!`` before a value negates, ``None`` is any."""

    name: str | None = None
    family: str | None = None
    architecture: str | None = None
    version: str | None = None


@frozen
class ActivationFile:
    """A condition on a file, relative to the project's folder."""

    exists: str | None = None
    missing: str | None = None


@frozen
class Activation:
    """When a profile is active on its own; all conditions that are given must hold."""

    by_default: bool = False
    jdk: str | None = None
    os: ActivationOs | None = None
    on_property: ActivationProperty | None = None
    file: ActivationFile | None = None

    @property
    def has_conditions(self) -> bool:
        """Whether anything is asked of the machine at all."""
        return any((self.jdk, self.os, self.on_property, self.file))
