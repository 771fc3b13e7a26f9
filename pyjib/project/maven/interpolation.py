"""``${…}`` in POMs: where values come from, in which order, and when to stop.

An expression that nobody knows stays as it is. One that leads back to itself is an error, as it
is in Maven. Specification: ``maven-and-gradle-projects`` §1.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.frozen import frozen
from pyjib.project.maven import seen
from pyjib.project.maven.model import NOTHING, nothing

Lookup = Callable[[str], str | None]

_PREFIXES = ("project.", "pom.")
# Paths that Maven makes absolute on the way, wherever they are mentioned.
_PATHS = frozenset(
    (
        "build.directory",
        "build.outputDirectory",
        "build.testOutputDirectory",
        "build.sourceDirectory",
        "build.testSourceDirectory",
        "build.scriptSourceDirectory",
        "reporting.outputDirectory",
    )
)
CI_FRIENDLY = ("revision", "changelist", "sha1")
"""The properties that a user's value replaces in the POM's own, so that versions can be given."""


class Interpolator:
    """Replaces expressions by values from the first of ``sources`` that knows them.

    ``basedir``, if given, is what relative build directories are below. ``where`` names the
    file in messages.
    """

    def __init__(self, *sources: Lookup, basedir: Path | None = None, where: str = "") -> None:
        self._sources = sources
        self._basedir = basedir
        self._where = where
        self._answers: dict[str, str | None] = {}
        self._texts: dict[str, str] = {}
        self._open: list[str] = []  # without prefix, the outermost first

    def __call__(self, text: str) -> str:
        """Return the text with all that is known put in.

        Raises ``ProjectError`` for an expression that needs itself.
        """
        start = text.find("${")
        if start < 0:
            return text
        known = self._texts.get(text)
        if known is None:
            known = self._texts[text] = self._replaced(text, start)
        return known

    def _replaced(self, text: str, start: int) -> str:
        parts, done = [], 0
        while start >= 0:
            end = text.find("}", start)
            if end < 0:
                break
            expression = text[start + 2 : end]
            value = self.value(expression)
            parts.append(text[done:start])
            parts.append(text[start : end + 1] if value is None else value)
            done = end + 1
            start = text.find("${", done)
        parts.append(text[done:])
        return "".join(parts)

    def value(self, expression: str) -> str | None:
        """Return what one expression stands for, itself interpolated; ``None`` if unknown."""
        try:
            return self._answers[expression]
        except KeyError:
            pass
        naked = without_prefix(expression)
        if naked in self._open:
            raise self._cycle(expression, naked)
        self._open.append(naked)
        try:
            raw = self._look_up(expression, naked)
            answer = None if raw is None else self._absolute(naked, self(raw))
        finally:
            self._open.pop()
        self._answers[expression] = answer
        return answer

    def _look_up(self, expression: str, naked: str) -> str | None:
        whole, itself = f"${{{expression}}}", False
        for source in self._sources:
            value = source(expression)
            if value is None:
                continue
            if whole not in value:
                return value
            itself = True  # "<java.home>${java.home}</java.home>" leaves it to the next source
        if itself:
            raise self._cycle(expression, naked)
        return None

    def _cycle(self, expression: str, naked: str) -> ProjectError:
        names = ", ".join(dict.fromkeys((*self._open, naked)))
        where = f"{self._where}: " if self._where else ""
        return ProjectError(
            f"{where}Resolving expression: '${{{expression}}}': Detected the following recursive "
            f"expression cycle in '{naked}': [{names}]"
        )

    def _absolute(self, naked: str, value: str) -> str:
        if self._basedir is None or naked not in _PATHS:
            return value
        return str(align(value, self._basedir))


def align(path: str, basedir: Path) -> Path:
    """Return a path made absolute from the project's folder, ``..`` worked out as in Java."""
    joined = basedir / path.replace("\\", "/")
    parts: list[str] = []
    for part in joined.parts[1:]:
        if part == ".." and parts:
            parts.pop()
        elif part != "..":
            parts.append(part)
    return Path(joined.anchor, *parts)


def without_prefix(expression: str) -> str:
    """Return ``version`` for ``project.version`` and ``pom.version``."""
    for prefix in _PREFIXES:
        if expression.startswith(prefix):
            return expression[len(prefix) :]
    return expression


@frozen
class Values:
    """What the expressions of one model are looked up in.

    ``facts`` are the model's own texts by dotted path (``version``, ``build.finalName``…).
    ``basedir`` and ``started`` are known for projects only, not for POMs of a repository.
    ``where`` names the file in messages.
    """

    facts: Mapping[str, str]
    properties: Mapping[str, str]
    user: Mapping[str, str] = field(default_factory=nothing)
    system: Mapping[str, str] = field(default_factory=nothing, repr=False)
    basedir: Path | None = None
    started: datetime | None = None
    where: str = ""

    def interpolator(self) -> Interpolator:
        """Return an interpolator with Maven's order of sources."""
        return Interpolator(*self._sources(), basedir=self.basedir, where=self.where)

    def _sources(self) -> Iterator[Lookup]:
        if self.basedir is not None:
            yield basedir_source(self.basedir)
            if self.started is not None:
                yield self._timestamp
        yield self._prefixed_fact
        yield self.user.get
        yield self.properties.get
        yield self.system.get
        yield self._environment
        yield self.facts.get

    def _prefixed_fact(self, expression: str) -> str | None:
        naked = without_prefix(expression)
        return self.facts.get(naked) if naked != expression else None

    def _environment(self, expression: str) -> str | None:
        return self.system.get(f"env.{expression}")

    def _timestamp(self, expression: str) -> str | None:
        if self.started is None or expression not in ("build.timestamp", "maven.build.timestamp"):
            return None
        from pyjib.project.maven.java_time import DEFAULT_PATTERN, java_time  # noqa: PLC0415 - rare

        pattern = self.properties.get("maven.build.timestamp.format", DEFAULT_PATTERN)
        return seen.tell_time(java_time(self.started, pattern))


def basedir_source(basedir: Path) -> Lookup:
    """Return a source for ``basedir``, ``project.basedir`` and ``project.baseUri``."""
    answers = {"basedir": str(basedir)}
    for prefix in _PREFIXES:
        answers[f"{prefix}basedir"] = str(basedir)
        answers[f"{prefix}baseUri"] = f"{basedir.as_uri()}/"
    return answers.get


def overridden(properties: Mapping[str, str], user: Mapping[str, str]) -> Mapping[str, str]:
    """Return a POM's properties with the versions that a user gave from outside put in."""
    given = {name: user[name] for name in CI_FRIENDLY if name in user}
    return {**properties, **given} if given else (properties or NOTHING)
