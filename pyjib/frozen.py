"""``frozen``: the decorator of all values, a dataclass that costs next to nothing to define.

A frozen, slotted, keyword-only dataclass writes six methods as text and compiles them when its
class is defined: 0.3 ms each time, and 200 classes were nearly half of what starting took. Here
five of the methods are shared by all classes, and ``__init__`` is compiled when the first value
is made. To a type checker and to ``dataclasses`` itself (``fields``, ``replace``) the classes are
what ``@dataclass(frozen=True, slots=True, kw_only=True)`` makes (docs/adr/008-frozen.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from functools import cache
from inspect import Parameter, Signature
from typing import Any, TypeVar, dataclass_transform

Class = TypeVar("Class")

_put = object.__setattr__


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[Class]) -> type[Class]:
    """Make a class with annotated fields one of values: frozen, slotted, told by keywords.

    Methods that the class defines itself stay its own; ``__post_init__`` is called as in any
    dataclass. Changing a value raises ``dataclasses.FrozenInstanceError``.
    """
    # Without a docstring, dataclass would work out a signature to have one, which is slow.
    cls.__doc__ = cls.__doc__ or cls.__name__
    own = set(vars(cls))
    made = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)(cls)
    for name, method in _SHARED.items():
        if name not in own:
            setattr(made, name, method)
    made.__signature__ = _SIGNATURE  # type: ignore[attr-defined]
    return made


def _init(self: Any, *arguments: object, **given: object) -> None:
    """Stand for the ``__init__`` of a class until the first value is made."""
    owner = next(cls for cls in type(self).__mro__ if "__dataclass_fields__" in vars(cls))
    method = _compile_init(owner)
    type.__setattr__(owner, "__init__", method)
    method(self, *arguments, **given)


def _compile_init(owner: type) -> Callable[..., None]:
    names: dict[str, object] = {"put": _put, "unset": MISSING}
    parameters, body = [], []
    for each in fields(owner):
        parameter, line = _init_of(each, names)
        parameters += [parameter] if each.init else []
        body.append(line)
    if hasattr(owner, "__post_init__"):
        body.append("self.__post_init__()")
    star = ["self", "*"] if parameters else ["self"]
    text = f"def __init__({', '.join([*star, *parameters])}):\n " + "\n ".join(body or ["pass"])
    exec(text, names)  # noqa: S102  names of fields, as dataclasses do it too
    method: Callable[..., None] = names["__init__"]  # type: ignore[assignment]
    method.__qualname__ = f"{owner.__qualname__}.__init__"
    return method


def _init_of(each: Field[Any], names: dict[str, object]) -> tuple[str, str]:
    """Return a field's parameter and the line that sets it; put into ``names`` what they use."""
    name = each.name
    given = name
    parameter = name
    if each.default_factory is not MISSING:
        names[f"make_{name}"] = each.default_factory
        parameter = f"{name}=unset"
        given = f"make_{name}() if {name} is unset else {name}" if each.init else f"make_{name}()"
    elif each.default is not MISSING:
        names[f"default_{name}"] = each.default
        parameter = f"{name}=default_{name}"
        given = name if each.init else f"default_{name}"
    return parameter, f"put(self, {name!r}, {given})"


class _Signature:
    """What ``help`` and ``inspect.signature`` show of a class, worked out when they ask."""

    def __get__(self, _instance: object, owner: Any) -> object:
        return Signature(
            [
                Parameter(
                    each.name,
                    Parameter.KEYWORD_ONLY,
                    default=_default_of(each),
                    annotation=each.type,
                )
                for each in fields(owner)
                if each.init
            ]
        )


def _default_of(each: Field[Any]) -> object:
    if each.default_factory is not MISSING:
        return each.default_factory()
    if each.default is not MISSING:
        return each.default
    return Parameter.empty


@cache
def _compared(cls: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cls) if each.compare)


@cache
def _hashed(cls: Any) -> tuple[str, ...]:
    return tuple(
        each.name for each in fields(cls) if (each.compare if each.hash is None else each.hash)
    )


@cache
def _shown(cls: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cls) if each.repr)


def _repr(self: Any) -> str:
    cls: Any = type(self)
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in _shown(cls))
    return f"{cls.__qualname__}({shown})"


def _eq(self: Any, other: Any) -> Any:
    cls: Any = type(self)
    if type(other) is not cls:
        return NotImplemented
    # Not by tuples: what differs in its first field is told at once.
    return all(getattr(self, name) == getattr(other, name) for name in _compared(self.__class__))


def _hash(self: Any) -> int:
    return hash(tuple([getattr(self, name) for name in _hashed(self.__class__)]))


def _setattr(self: Any, name: str, value: object) -> None:  # noqa: ARG001  the protocol's
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:  # noqa: ARG001  the protocol's
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[object]:
    return [getattr(self, each.name) for each in fields(self)]


def _setstate(self: Any, state: list[object]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        _put(self, each.name, value)


_SIGNATURE = _Signature()
_SHARED: dict[str, Callable[..., Any]] = {
    "__init__": _init,
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}
