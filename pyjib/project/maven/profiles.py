"""Which profiles are active. Specification: ``maven-and-gradle-projects`` §1.6."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import islice
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.frozen import frozen
from pyjib.project.maven import seen
from pyjib.project.maven.activation import (
    ActivationFile,
    ActivationOs,
    ActivationProperty,
)
from pyjib.project.maven.interpolation import Interpolator, align, basedir_source
from pyjib.project.maven.model import Profile, nothing


@frozen
class ProfileContext:
    """What profiles are asked against.

    ``active`` and ``inactive`` are ids given by ``-P``. ``basedir`` is that of the project being
    built, for its parents' profiles too, and ``None`` for POMs of a repository. Without
    ``java_is_known``, the Java version is a guess, if there is one.
    """

    user: Mapping[str, str] = field(default_factory=nothing)
    system: Mapping[str, str] = field(default_factory=nothing, repr=False)
    active: frozenset[str] = frozenset()
    inactive: frozenset[str] = frozenset()
    basedir: Path | None = None
    java_is_known: bool = True


def active_profiles(
    profiles: Sequence[Profile], context: ProfileContext, properties: Mapping[str, str]
) -> tuple[Profile, ...]:
    """Return the active ones among the profiles of one POM, which has these ``properties``.

    Profiles that are active by default count only if no other of the same POM is active.
    """
    if not profiles:
        return ()
    question = _Question(context, properties)
    candidates = [profile for profile in profiles if profile.id not in context.inactive]
    active = [
        profile for profile in candidates if profile.id in context.active or question.holds(profile)
    ]
    return tuple(active or (found for found in candidates if found.activation.by_default))


def active_settings_profiles(
    profiles: Iterable[Profile], context: ProfileContext
) -> tuple[Profile, ...]:
    """Return the active ones among the profiles of settings.xml, which do not compete."""
    question = _Question(context, {})
    return tuple(
        profile
        for profile in profiles
        if profile.id not in context.inactive
        and (
            profile.id in context.active or question.holds(profile) or profile.activation.by_default
        )
    )


class _Question:
    """Asks the conditions of profiles, expressions in them replaced."""

    def __init__(self, context: ProfileContext, properties: Mapping[str, str]) -> None:
        self._context = context
        self._text = Interpolator(properties.get, context.user.get, context.system.get)
        basedir = () if context.basedir is None else (basedir_source(context.basedir),)
        self._path = Interpolator(*basedir, properties.get, context.user.get, context.system.get)

    def holds(self, profile: Profile) -> bool:
        """Tell whether there are conditions and all of them hold."""
        answers = list(self._answers(profile))
        return bool(answers) and all(answers)

    def _answers(self, profile: Profile) -> Iterator[bool]:
        activation = profile.activation
        if activation.jdk is not None:
            version = self._context.system.get("java.version", "")
            yield bool(version) and jdk_matches(self._text(activation.jdk), version)
        if activation.os is not None:
            yield self._os(activation.os)
        if activation.on_property is not None:
            yield self._property(activation.on_property, profile.id)
        if activation.file is not None:
            yield self._file(activation.file)

    def _os(self, os: ActivationOs) -> bool:
        system = self._context.system
        name = system.get("os.name", "").lower()
        separator = system.get("path.separator", ":")
        conditions: list[bool] = []
        if os.family is not None:
            family, negated = _negation(self._text(os.family).lower())
            conditions.append(is_family(family, name, separator) != negated)
        if os.name is not None:
            conditions.append(_equal(self._text(os.name), name))
        if os.architecture is not None:
            conditions.append(
                _equal(self._text(os.architecture), system.get("os.arch", "").lower())
            )
        if os.version is not None:
            conditions.append(
                _version_matches(self._text(os.version), system.get("os.version", "").lower())
            )
        return bool(conditions) and all(conditions)

    def _property(self, condition: ActivationProperty, profile: str) -> bool:
        name, absent = _negation(self._text(condition.name))
        if not name:
            raise ProjectError(f"The property name is required to activate the profile {profile}")
        found = self._context.user.get(name)
        if found is None:
            found = self._context.system.get(name)
        if condition.value:
            value, negated = _negation(self._text(condition.value))
            return (found == value) != negated
        return bool(found) != absent

    def _file(self, condition: ActivationFile) -> bool:
        path = condition.exists or condition.missing
        basedir = self._context.basedir
        if not path or (basedir is None and "${basedir}" in path):
            return False
        path = self._path(path)
        absolute = Path(path) if basedir is None else align(path, basedir)
        if not absolute.is_absolute():
            return False
        try:
            exists = seen.exists(absolute)
        except (OSError, ValueError):  # too long, or with a NUL
            exists = False
        return exists if condition.exists else not exists


def jdk_matches(condition: str, version: str) -> bool:
    """Tell whether a Java version meets ``17``, ``!1.8``, ``[11,17)`` and the like."""
    if condition.startswith("!"):
        return not version.startswith(condition[1:])
    if condition.startswith(("[", "(")):
        try:
            return _in_range(version, condition)
        except ValueError:
            return False  # a warning in Maven 3.9, an error before
    return version.startswith(condition)


def is_no_jdk_range(condition: str, version: str) -> bool:
    """Tell whether a range of JDKs cannot be compared with a version."""
    if not condition.startswith(("[", "(")) or "${" in condition or not version:
        return False
    try:
        _in_range(version, condition)
    except ValueError:
        return True
    return False


def is_family(family: str, name: str, separator: str) -> bool:
    """Tell whether an operating system (``os.name``, lower case) belongs to a family.

    Maven knows no ``winnt``, other than Ant, from which it has the rules.
    """
    windows = "windows" in name
    mac = "mac" in name
    answers = {
        "windows": windows,
        "win9x": windows and any(word in name for word in ("95", "98", "me", "ce")),
        "dos": separator == ";" and "netware" not in name and not windows,
        "mac": mac,
        "tandem": "nonstop_kernel" in name,
        "unix": separator == ":" and "openvms" not in name and (not mac or name.endswith("x")),
        "z/os": "z/os" in name or "os/390" in name,
    }
    return answers.get(family, family in name)


def _in_range(version: str, condition: str) -> bool:
    """Tell whether a version is in a range; raises ``ValueError`` for what is none."""
    bounds = list(_bounds(condition))
    if len(bounds) < 2:
        bounds.append(("99999999", False))
    left = _compare(version, *bounds[0], left=True)
    return left == 0 or (left > 0 and _compare(version, *bounds[1], left=False) <= 0)


def _bounds(condition: str) -> Iterator[tuple[str, bool]]:
    for token in condition.split(","):
        if token.startswith(("[", "(")):
            yield token.replace(token[0], "").strip(), token[0] == "["
        elif token.endswith(("]", ")")):
            yield token.replace(token[-1], "").strip(), token[-1] == "]"
        elif not token:
            yield "", False


def _compare(version: str, bound: str, closed: bool, *, left: bool) -> int:
    if not bound:
        return 1 if left else -1
    digits = re.sub(r"[^\d._-]", "", version).rstrip("._-")  # "9-ea" is 9
    parts = zip(
        (*re.split(r"[._-]", digits), "0", "0"), (*bound.split("."), "0", "0"), strict=False
    )
    for ours, theirs in islice(parts, 3):
        # The first difference decides, so that "[1.8]", which is none, holds for all since Java 9.
        if _number(ours) != _number(theirs):
            return -1 if _number(ours) < _number(theirs) else 1
    if closed:
        return 0
    return -1 if left else 1


def _number(text: str) -> int:
    if not text.isdecimal():  # Python would take "1_0" too
        raise ValueError
    return int(text)


def _negation(text: str) -> tuple[str, bool]:
    return (text[1:], True) if text.startswith("!") else (text, False)


def _equal(condition: str, actual: str) -> bool:
    wanted, negated = _negation(condition.lower())
    return (wanted == actual) != negated


def _version_matches(condition: str, actual: str) -> bool:
    if condition.startswith("regex:"):
        try:
            return re.fullmatch(condition.removeprefix("regex:"), actual) is not None
        except re.error:
            return False
    return _equal(condition, actual)
