"""Which classes count as main classes: the rules of Jib's finder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.project.classfile import MalformedClassError, find_main, read_version
from tests.support.projects import (
    ABSTRACT,
    FINAL,
    JAVA_8,
    JAVA_17,
    JAVA_25,
    NATIVE,
    PRIVATE,
    PROTECTED,
    PUBLIC,
    STATIC,
    STRICT,
    SYNCHRONIZED,
    SYNTHETIC,
    VARARGS,
    Method,
    class_file,
    main_class,
)

FIXTURE = Path("fixtures/docker-hello/target/classes/org/objectworld/hello/HelloServer.class")
ARGUMENTS = "([Ljava/lang/String;)V"
PREVIEW = 65535


def is_main(major: int, method: Method, minor: int = 0) -> bool:
    content = class_file("a.b.C$D", major=major, minor=minor, methods=[method])
    return find_main(content) == "a.b.C$D"


def test_a_real_class(request: pytest.FixtureRequest) -> None:
    content = (request.config.rootpath / FIXTURE).read_bytes()
    assert find_main(content) == "org.objectworld.hello.HelloServer"
    assert read_version(content[:8]).release == 17


@pytest.mark.parametrize(
    ("access", "descriptor", "expected"),
    [
        (PUBLIC | STATIC, ARGUMENTS, True),
        (PUBLIC | STATIC | FINAL | VARARGS | SYNTHETIC, ARGUMENTS, True),
        (STATIC, ARGUMENTS, False),
        (PROTECTED | STATIC, ARGUMENTS, False),
        (PRIVATE | STATIC, ARGUMENTS, False),
        (PUBLIC, ARGUMENTS, False),
        (PUBLIC | STATIC | SYNCHRONIZED, ARGUMENTS, False),
        (PUBLIC | STATIC | STRICT, ARGUMENTS, False),
        (PUBLIC | STATIC | NATIVE, ARGUMENTS, False),
        (PUBLIC | STATIC, "()V", False),
        (PUBLIC | STATIC, "([Ljava/lang/String;)I", False),
    ],
)
def test_main_up_to_java_24(access: int, descriptor: str, expected: bool) -> None:
    for major in (JAVA_8, JAVA_17, JAVA_25 - 1):
        assert is_main(major, Method(access, "main", descriptor)) is expected


@pytest.mark.parametrize(
    ("access", "descriptor", "expected"),
    [
        (PUBLIC | STATIC, ARGUMENTS, True),
        (STATIC, "()V", True),
        (0, "()V", True),
        (PROTECTED, ARGUMENTS, True),
        (PUBLIC | FINAL | VARARGS, ARGUMENTS, True),
        (PRIVATE, "()V", False),
        (PRIVATE | STATIC, ARGUMENTS, False),
        (PUBLIC | ABSTRACT, "()V", False),
        (PUBLIC | STATIC | SYNCHRONIZED, ARGUMENTS, False),
        (PUBLIC, "(I)V", False),
    ],
)
def test_main_from_java_25(access: int, descriptor: str, expected: bool) -> None:
    for major in (JAVA_25, JAVA_25 + 7):
        assert is_main(major, Method(access, "main", descriptor)) is expected


def test_preview_classes_keep_the_old_rule() -> None:
    assert is_main(JAVA_25, Method(), minor=PREVIEW)
    assert not is_main(JAVA_25, Method(0, "main", "()V"), minor=PREVIEW)


def test_another_name_is_no_main_method() -> None:
    assert not is_main(JAVA_17, Method(name="start"))
    named_main_elsewhere = class_file("a.B", methods=[Method(name="go")], text="main")
    assert find_main(named_main_elsewhere) is None


@pytest.mark.parametrize(("major", "release"), [(45, 1), (49, 5), (52, 8), (61, 17), (99, 55)])
def test_releases(major: int, release: int) -> None:
    assert read_version(class_file(major=major)).release == release


@pytest.mark.parametrize(
    "content", [b"", b"\xca\xfe\xba\xbe", b"PK\x03\x04\0\0\0=", b"\xca\xfe\xba\xbe\0\0\0\x01"]
)
def test_no_class_file(content: bytes) -> None:
    with pytest.raises(MalformedClassError):
        read_version(content)


@given(cut=st.integers(0, len(main_class()) - 1))
def test_a_cut_class_never_counts_as_whole(cut: int) -> None:
    """The cut may spare all that matters; else it is malformed, and never another error."""
    with suppress(MalformedClassError):
        assert find_main(main_class()[:cut]) in {None, "com.example.Main"}


@given(place=st.integers(8, len(main_class()) - 1), value=st.integers(0, 255))
def test_any_damage_is_malformed_or_harmless(place: int, value: int) -> None:
    content = bytearray(main_class())
    content[place] = value
    with suppress(MalformedClassError):
        find_main(bytes(content))
