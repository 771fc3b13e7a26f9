"""All that bears on a Maven project from outside its POMs, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pyjib.project.maven.model import nothing
from pyjib.project.maven.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class MavenSession:
    """What ``mvn`` would know before it reads the first POM.

    ``user_properties`` come from ``-D``; ``system_properties`` are the JVM's and the
    environment's (``env.NAME``), never shown for they may hold secrets. ``root`` is the
    directory with ``.mvn``, else the project's. ``java_version`` is ``None`` where no JDK was
    found. ``started`` is for ``maven.build.timestamp``.
    """

    root: Path
    local_repository: Path
    user_properties: Mapping[str, str] = field(default_factory=nothing)
    system_properties: Mapping[str, str] = field(default_factory=nothing, repr=False)
    active_profiles: tuple[str, ...] = ()
    inactive_profiles: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
    offline: bool = False
    java_version: str | None = None
    started: datetime | None = None
    warnings: tuple[str, ...] = ()
