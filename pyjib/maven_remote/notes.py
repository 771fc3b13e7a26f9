"""What Maven notes beside files of its local repository, as Java properties.

``_remote.repositories`` tells where a file came from, ``resolver-status.properties`` when
metadata were last asked for. Lines are only ever appended, each in one write, so that several
processes lose nothing of each other's; for Java the last line of a name counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

TRACKING = "_remote.repositories"
STATUS = "resolver-status.properties"
_HEAD = (
    "#NOTE: This is a Maven Resolver internal implementation file, its format can be changed "
    "without prior notice.\n"
)
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_ESCAPED = re.compile(r"[\\ =:#!]")


def note_origin(path: Path, repository: str) -> None:
    """Note that a file came from a repository."""
    _append(path.with_name(TRACKING), {f"{path.name}>{repository}": ""})


def note_update(metadata: Path, now: datetime | None, *, found: bool) -> None:
    """Note when metadata were asked for, and whether they were there."""
    if now is None:
        return
    error = {} if found else {f"{metadata.name}.error": ""}
    updated = {f"{metadata.name}.lastUpdated": str(int(now.timestamp() * 1000))}
    _append(metadata.with_name(STATUS), {**error, **updated})


def is_due(metadata: Path, policy: str | None, now: datetime | None) -> bool:
    """Tell whether metadata are to be asked for again, by an update policy in Maven's words."""
    if now is None or policy == "always":
        return True
    last = _last_update(metadata)
    if last is None:
        return True
    if policy == "never":
        return False
    word, _, minutes = (policy or "daily").partition(":")
    if word == "interval" and _NUMBER.fullmatch(minutes):
        return now.timestamp() - last >= int(minutes) * 60
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return last < midnight.timestamp()


def _last_update(metadata: Path) -> float | None:
    """Return when metadata were last asked for, in seconds; by their own time if unnoted."""
    try:
        text = metadata.with_name(STATUS).read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    key = _escape(f"{metadata.name}.lastUpdated")
    noted = [
        value
        for name, _, value in (line.partition("=") for line in text.splitlines())
        if name == key and _NUMBER.fullmatch(value)
    ]
    if noted:
        return int(noted[-1]) / 1000
    try:
        return metadata.stat().st_mtime
    except OSError:
        return None


def _append(path: Path, entries: Mapping[str, str]) -> None:
    lines = "".join(f"{_escape(name)}={value}\n" for name, value in entries.items())
    head = "" if path.exists() else _HEAD
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as file:
        file.write((head + lines).encode())


def _escape(name: str) -> str:
    return _ESCAPED.sub(lambda match: f"\\{match[0]}", name)
