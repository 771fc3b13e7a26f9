from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pyjib.errors import ProjectError
from pyjib.project.maven.activation import (
    Activation,
    ActivationFile,
    ActivationOs,
    ActivationProperty,
)
from pyjib.project.maven.model import Profile
from pyjib.project.maven.profiles import (
    ProfileContext,
    active_profiles,
    active_settings_profiles,
    is_family,
    is_no_jdk_range,
    jdk_matches,
)

LINUX = {"os.name": "Linux", "os.arch": "amd64", "os.version": "6.1", "path.separator": ":"}
CONTEXT = ProfileContext(
    user={"user": "1"}, system={**LINUX, "java.version": "17.0.15", "sys": "1", "user": "2"}
)


def is_active(activation: Activation, context: ProfileContext = CONTEXT, **properties: str) -> bool:
    return bool(active_profiles([Profile(activation=activation)], context, properties))


@pytest.mark.parametrize(
    ("condition", "version", "matches"),
    [
        ("17", "17.0.15", True),
        ("1", "11.0.2", True),
        ("1", "17.0.15", True),
        ("1.8", "1.8.0_442", True),
        ("11", "17.0.15", False),
        ("!17", "17.0.15", False),
        ("!1.8", "17.0.15", True),
        ("[11,17)", "17.0.15", False),
        ("[11,17]", "17.0.15", False),
        ("[11,18)", "17.0.15", True),
        ("[17,)", "17.0.15", True),
        ("(17,)", "17.0.0", False),
        ("[17,)", "17.0.0", True),
        ("(,1.8]", "1.8.0", True),
        ("(,1.8]", "1.8.0_442", True),
        ("[9,)", "9-ea", True),
        ("[1.8", "21", True),
        ("[1.8]", "21", True),
        ("[1.8]", "1.7.0", False),
        ("[17]", "21", False),
        ("[1.7,1.8.0_20)", "1.8.0_392", False),
        ("[1.8.0_20,)", "17.0.15", True),
        ("[x,)", "17", False),
    ],
)
def test_jdk(condition: str, version: str, matches: bool) -> None:
    assert jdk_matches(condition, version) is matches


@pytest.mark.parametrize(
    ("name", "value", "active"),
    [
        ("user", None, True),
        ("user", "1", True),
        ("user", "2", False),  # the user's value hides the system's
        ("user", "!2", True),
        ("sys", "1", True),
        ("!sys", None, False),
        ("!none", None, True),
        ("none", None, False),
        ("none", "!x", True),
        ("own", None, False),  # a POM's property never activates
    ],
)
def test_properties(name: str, value: str | None, active: bool) -> None:
    condition = ActivationProperty(name=name, value=value)
    assert is_active(Activation(on_property=condition), own="1") is active


def test_a_property_needs_a_name() -> None:
    with pytest.raises(ProjectError, match="The property name is required to activate"):
        is_active(Activation(on_property=ActivationProperty(name="!")))


@pytest.mark.parametrize(
    ("family", "name", "separator", "belongs"),
    [
        ("unix", "linux", ":", True),
        ("unix", "mac os x", ":", True),
        ("mac", "mac os x", ":", True),
        ("windows", "windows 10", ";", True),
        ("winnt", "windows 10", ";", False),
        ("nt", "windows nt", ";", True),
        ("win9x", "windows 98", ";", True),
        ("win9x", "windows 10", ";", False),
        ("mac", "darwin", ":", False),
        ("unix", "darwin", ":", True),
        ("unix", "windows 10", ";", False),
        ("linux", "linux", ":", True),
        ("windows", "linux", ":", False),
    ],
)
def test_families(family: str, name: str, separator: str, belongs: bool) -> None:
    assert is_family(family, name, separator) is belongs


@pytest.mark.parametrize(
    ("condition", "active"),
    [
        (ActivationOs(name="LINUX"), True),
        (ActivationOs(name="!linux"), False),
        (ActivationOs(family="unix", architecture="AMD64"), True),
        (ActivationOs(family="unix", architecture="aarch64"), False),
        (ActivationOs(version="6.1"), True),
        (ActivationOs(version="regex:6\\..*"), True),
        (ActivationOs(version="regex:6"), False),
        (ActivationOs(version="regex:("), False),
        (ActivationOs(), False),
    ],
)
def test_operating_systems(condition: ActivationOs, active: bool) -> None:
    assert is_active(Activation(os=condition)) is active


@pytest.mark.parametrize(
    ("exists", "missing", "active"),
    [
        ("marker", None, True),
        ("${basedir}/marker", None, True),
        ("${project.basedir}/${part}", None, True),
        ("none", None, False),
        (None, "none", True),
        (None, "marker", False),
        ("marker", "marker", True),  # exists is asked first
    ],
)
def test_files(tmp_path: Path, exists: str | None, missing: str | None, active: bool) -> None:
    (tmp_path / "marker").touch()
    activation = Activation(file=ActivationFile(exists=exists, missing=missing))
    assert is_active(activation, replace(CONTEXT, basedir=tmp_path), part="marker") is active


def test_a_repository_pom_has_no_files_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "marker").touch()
    absolute = Activation(file=ActivationFile(exists=str(tmp_path / "marker")))
    assert is_active(absolute)
    for path in ("marker", "${basedir}/marker"):
        assert not is_active(Activation(file=ActivationFile(missing=path)))


def test_all_conditions_must_hold() -> None:
    jdk, prop = "17", ActivationProperty(name="none")
    assert is_active(Activation(jdk=jdk))
    assert not is_active(Activation(jdk=jdk, on_property=prop))


def test_without_a_jdk_no_jdk_matches() -> None:
    assert not is_active(Activation(jdk="17"), ProfileContext())


def test_expressions_in_conditions() -> None:
    assert is_active(Activation(jdk="${major}"), major="17")


def ids(context: ProfileContext, *profiles: Profile) -> list[str]:
    return [found.id for found in active_profiles(profiles, context, {})]


DEFAULT = Profile(id="default", activation=Activation(by_default=True))
OTHER = Profile(id="other", activation=Activation(on_property=ActivationProperty(name="pp")))
PLAIN = Profile(id="plain")


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (ProfileContext(), ["default"]),
        (ProfileContext(user={"pp": "1"}), ["other"]),
        (ProfileContext(active=frozenset(["plain"])), ["plain"]),
        (ProfileContext(active=frozenset(["plain", "default"])), ["default", "plain"]),
        (ProfileContext(inactive=frozenset(["default"])), []),
        (ProfileContext(user={"pp": "1"}, inactive=frozenset(["other"])), ["default"]),
        (ProfileContext(active=frozenset(["elsewhere"])), ["default"]),
    ],
)
def test_defaults_yield_to_others_of_the_same_pom(
    context: ProfileContext, expected: list[str]
) -> None:
    assert ids(context, DEFAULT, OTHER, PLAIN) == expected


def test_profiles_of_settings_do_not_compete() -> None:
    context = ProfileContext(active=frozenset(["plain"]))
    found = active_settings_profiles([DEFAULT, OTHER, PLAIN], context)
    assert [profile.id for profile in found] == ["default", "plain"]


@pytest.mark.parametrize(
    ("condition", "is_none"),
    [
        ("[17x,)", True),
        ("[1.8,x)", True),
        ("[]", True),
        ("[17,)", False),
        ("[18,x)", False),  # Maven looks no further either
        ("17x", False),
        ("[${java.wanted},)", False),
    ],
)
def test_ranges_that_are_none(condition: str, is_none: bool) -> None:
    assert is_no_jdk_range(condition, "17.0.15") is is_none
    assert not (is_none and jdk_matches(condition, "17.0.15"))
