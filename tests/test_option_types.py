from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import pyjib
from pyjib.option_types import _OPTIONAL, _SEVERAL, _SINGLE
from pyjib.options import BuildOptions


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"jvm_flags": "-Xmx1m"}, "jvm_flags is '-Xmx1m', of the type str; it takes tuple"),
        ({"tags": "abc"}, "tags is 'abc', of the type str; it takes tuple"),
        ({"entrypoint": "java"}, "entrypoint is 'java', of the type str; it takes tuple"),
        ({"labels": {"a": "b"}}, "labels is {'a': 'b'}, of the type dict; it takes tuple"),
        ({"environment": ("A=b",)}, "environment: an item is 'A=b', of the type str"),
        ({"platforms": ("linux/amd64",)}, "platforms: an item is 'linux/amd64'"),
        ({"targets": ("r.io/app",)}, "targets: an item is 'r.io/app'"),
        ({"created": "now"}, "created is 'now', of the type str; it takes Instant"),
        ({"base": "scratch"}, "it takes RegistryLocation or EngineLocation or"),
        ({"cache": "c"}, "cache is 'c', of the type str; it takes Path"),
        ({"compression": "zstd"}, "it takes CompressionChoice"),
        ({"user": 1000}, "user is 1000, of the type int; it takes str"),
        ({"file_time": None}, "file_time is None"),
        (
            {"labels": (("a", 1),)},
            "labels: an item is ('a', 1), of the type tuple; it takes a pair",
        ),
        ({"environment": (("A", None),)}, "environment: an item is ('A', None)"),
        ({"environment": (("A", "b", "c"),)}, "it takes a pair of str"),
        ({"expand_classpath": "false"}, "expand_classpath is 'false', of the type str; it takes b"),
    ],
)
def test_a_wrong_type_is_told(given: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=re.escape(told)):
        pyjib.plan(BuildOptions(**given), path=tmp_path)


def test_lists_will_do() -> None:
    hello = Path(__file__).parent.parent / "fixtures" / "docker-hello"
    options: Any = BuildOptions(tags=["1", "2"], jvm_flags=["-Xmx1m"])  # type: ignore[arg-type]
    assert "-Xmx1m" in str(pyjib.plan(options, path=hello).plan.config.entrypoint)


def test_every_field_that_is_told_is_one() -> None:
    names = {each.name for each in fields(BuildOptions)}
    assert {*_SINGLE, *_SEVERAL} <= names
    optional = {each.name for each in fields(BuildOptions) if "None" in str(each.type)}
    assert optional & {*_SINGLE, *_SEVERAL} == _OPTIONAL


def test_help_shows_what_can_be_asked() -> None:
    parameter = inspect.signature(BuildOptions).parameters["jvm_flags"]
    assert parameter.annotation == "tuple[str, ...]"
    assert parameter.default == ()
    assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


def test_a_path_may_be_a_text() -> None:
    hello = Path(__file__).parent.parent / "fixtures" / "docker-hello"
    options = BuildOptions()
    assert pyjib.plan(options, path=str(hello)).plan == pyjib.plan(options, path=hello).plan
