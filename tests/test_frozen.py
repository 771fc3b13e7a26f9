"""``frozen`` makes what ``dataclass(frozen=True, slots=True, kw_only=True)`` makes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any, ClassVar

import pytest

from pyjib.frozen import frozen

reference = dataclass(frozen=True, slots=True, kw_only=True)
both = pytest.mark.parametrize("decorate", [frozen, reference], ids=["frozen", "dataclass"])
Decorator = Callable[[type], Any]


def make(decorate: Decorator) -> Any:
    class Point:
        """A point."""

        origin: ClassVar[int] = 7
        x: int
        y: int = 2
        names: tuple[str, ...] = ()
        found: list[int] = field(default_factory=list)
        secret: str = field(default="s", repr=False)
        note: str = field(default="n", compare=False)

        @property
        def total(self) -> int:
            return self.x + self.y

    return decorate(Point)


@frozen
class Kept:
    """At the top, where pickle finds it."""

    x: int
    y: tuple[int, ...] = ()


@both
def test_values(decorate: Decorator) -> None:
    point = make(decorate)
    one = point(x=1)
    assert (one.x, one.y, one.names, one.found, one.secret, one.note) == (1, 2, (), [], "s", "n")
    assert one.total == 3
    assert point.origin == 7
    assert one.found is not point(x=1).found
    assert repr(one).endswith("Point(x=1, y=2, names=(), found=[], note='n')")
    assert not hasattr(one, "__dict__")
    assert point.__doc__ == "A point."


@both
def test_equality_and_hash(decorate: Decorator) -> None:
    point = make(decorate)
    assert point(x=1) == point(x=1, note="another")
    assert point(x=1) != point(x=2)
    assert point(x=1) != point(x=1, secret="t")
    assert point(x=1) != (1, 2)
    with pytest.raises(TypeError):
        hash(point(x=1))  # a list is in it
    key = decorate(type("Key", (), {"__annotations__": {"x": int}}))
    assert hash(key(x=1)) == hash(key(x=1))
    assert {key(x=1): "a"}[key(x=1)] == "a"


@both
def test_it_cannot_be_changed(decorate: Decorator) -> None:
    one = make(decorate)(x=1)
    with pytest.raises(FrozenInstanceError, match="'x'"):
        one.x = 2
    with pytest.raises(FrozenInstanceError, match="'x'"):
        del one.x


@both
def test_replace_and_fields(decorate: Decorator) -> None:
    point = make(decorate)
    assert replace(point(x=1), y=5) == point(x=1, y=5)
    assert [each.name for each in fields(point)] == ["x", "y", "names", "found", "secret", "note"]


@both
def test_what_is_not_a_field_or_missing(decorate: Decorator) -> None:
    point = make(decorate)
    for _ in range(2):  # the first time and later
        with pytest.raises(TypeError, match="'z'"):
            point(x=1, z=2)
        with pytest.raises(TypeError, match="'x'"):
            point()
        with pytest.raises(TypeError, match="positional"):
            point(1)


@both
def test_after_init_and_methods_of_its_own(decorate: Decorator) -> None:
    class Checked:
        x: int
        double: int = field(init=False, default=0)

        def __post_init__(self) -> None:
            if self.x < 0:
                raise ValueError("negative")
            object.__setattr__(self, "double", self.x * 2)

        def __repr__(self) -> str:
            return "checked"

    checked = decorate(Checked)
    assert checked(x=2).double == 4
    assert repr(checked(x=2)) == "checked"
    with pytest.raises(ValueError, match="negative"):
        checked(x=-1)


@both
def test_heirs(decorate: Decorator) -> None:
    class Base:
        x: int

    base = decorate(Base)

    class Heir(base):  # type: ignore[misc, valid-type]
        y: int = 1

    heir = decorate(Heir)
    assert (base(x=1).x, heir(x=1, y=3).y) == (1, 3)
    assert heir(x=1) == heir(x=1, y=1)
    assert heir(x=1) != base(x=1)


def test_copies() -> None:
    one = Kept(x=1, y=(2,))
    assert copy.copy(one) == copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
