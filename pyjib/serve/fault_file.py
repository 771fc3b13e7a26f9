"""Faults from a file, JSON or YAML (``docs/embedded-registry.md``, "Faults")."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml

from pyjib.errors import ConfigurationError
from pyjib.serve.faults import Fault, Moment
from pyjib.serve.message import Headers

_MATCH = frozenset({"method", "path", "regex", "query", "headers", "calls", "state", "answered"})
_ACTION = frozenset(
    {"hide", "received", "delay", "drop", "status", "headers", "remove", "body", "json"}
    | {"redirect", "shorten", "append", "corrupt", "truncate", "stall", "endless"}
)
_RULE = frozenset({"name", "match", "then", *Moment})
_ANSWER = frozenset({"status", "body", "json", "redirect"})
_CHANGES = _ACTION - _ANSWER - {"hide", "received", "delay", "drop"}
_ONLY = {"hide": Moment.BEFORE, "received": Moment.DURING}
_METHODS = re.compile(r"\*|[A-Z]+(?:\|[A-Z]+)*", re.ASCII)
_CALLS = re.compile(r"([1-9][0-9]{0,8})(?:(-)([1-9][0-9]{0,8})?)?", re.ASCII)


def read_faults(path: Path) -> tuple[Fault, ...]:
    """Read a file of faults. Raises ``ConfigurationError`` that names the place in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(
            f"cannot read the faults in {path}: {reason}", hint="name a file of rules with --faults"
        ) from None
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{path} is neither JSON nor YAML: {reason[:300]}") from None
    try:
        return parse_faults(document)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error.message}", hint=_HINT) from None


_HINT = "docs/embedded-registry.md tells what a file of faults has in it"


def parse_faults(document: object) -> tuple[Fault, ...]:
    """Take faults from a parsed file: a list, or an object with one as ``faults``."""
    rules = document.get("faults") if isinstance(document, dict) else document
    if not isinstance(rules, list):
        _fail("faults", "a list is needed")
    return tuple(_fault(rule, f"faults[{place}]") for place, rule in enumerate(rules))


def _fault(value: object, where: str) -> Fault:
    rule = _object(value, where, _RULE)
    moments = [moment for moment in Moment if moment in rule]
    if len(moments) != 1:
        _fail(where, "one of before, during and after is needed")
    moment = moments[0]
    match = _object(rule.get("match", {}), f"{where}.match", _MATCH)
    place = f"{where}.{moment}"
    action = _object({} if rule[moment] is None else rule[moment], place, _ACTION)
    fault = Fault(
        at=moment,
        name=_text(rule.get("name", ""), f"{where}.name"),
        then=_text_or_none(rule.get("then"), f"{where}.then"),
        **_matching(match, f"{where}.match"),
        **_acting(action, place),
    )
    _check_sense(moment, match, action, where)
    return fault


def _check_sense(
    moment: Moment, match: Mapping[str, Any], action: Mapping[str, Any], where: str
) -> None:
    """Refuse what would do nothing, or not all that it says."""
    place = f"{where}.{moment}"
    if "answered" in match and moment is not Moment.AFTER:
        _fail(f"{where}.match.answered", f"that is for {Moment.AFTER} alone")
    if "path" in match and "regex" in match:
        _fail(f"{where}.match", "path or regex, not both")
    if "body" in action and "json" in action:
        _fail(place, "body or json, not both")
    for name, only in _ONLY.items():
        if name in action and moment is not only:
            _fail(f"{place}.{name}", f"that is for {only} alone")
    if moment is not Moment.AFTER and _ANSWER.isdisjoint(action):
        for name in sorted(_CHANGES & action.keys()):
            _fail(f"{place}.{name}", "there is no answer yet: give a status, or let it act after")


def _matching(match: Mapping[str, Any], where: str) -> dict[str, Any]:
    headers = _object(match.get("headers", {}), f"{where}.headers", None)
    found: dict[str, Any] = {
        "method": _methods(match.get("method", "*"), f"{where}.method"),
        "path": _path(match.get("path", "**"), f"{where}.path"),
        "regex": _pattern(match.get("regex"), f"{where}.regex"),
        "query": _pattern(match.get("query"), f"{where}.query"),
        "headers_match": {
            name: _pattern(_text(text, f"{where}.headers.{name}"), f"{where}.headers.{name}")
            for name, text in headers.items()
        },
        "calls": _calls(match.get("calls", "1-"), f"{where}.calls"),
        "state": _text_or_none(match.get("state"), f"{where}.state"),
    }
    if "answered" in match:
        found["answered"] = _status(match["answered"], f"{where}.answered")
    return found


def _acting(action: Mapping[str, Any], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {"headers": _headers(action.get("headers", {}), f"{where}.headers")}
    for name in ("received", "shorten", "truncate"):
        if name in action:
            found[name] = _number(action[name], f"{where}.{name}")
    if "status" in action:
        found["status"] = _status(action["status"], f"{where}.status")
    if "corrupt" in action:
        found["corrupt"] = _number(action["corrupt"], f"{where}.corrupt", least=None)
    for name in ("drop", "endless"):
        if name in action:
            found[name] = _flag(action[name], f"{where}.{name}")
    for name in ("hide", "remove"):
        found[name] = frozenset(_texts(action.get(name, []), f"{where}.{name}"))
    found["delay"] = _seconds(action.get("delay", 0), f"{where}.delay")
    found |= _body(action, where)
    if "redirect" in action:
        target = _text(action["redirect"], f"{where}.redirect")
        found["headers"] += (("Location", target),)
        found.setdefault("status", 307)
        found.setdefault("body", b"")
    if "stall" in action:
        stall = _object(action["stall"], f"{where}.stall", frozenset({"at", "seconds"}))
        found["stall_at"] = _number(stall.get("at", 0), f"{where}.stall.at")
        found["stall"] = _seconds(stall.get("seconds"), f"{where}.stall.seconds")
    return found


def _body(action: Mapping[str, Any], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "json" in action:
        found["body"] = json.dumps(action["json"], separators=(",", ":")).encode()
    if "body" in action:
        found["body"] = _text(action["body"], f"{where}.body").encode()
    if "append" in action:
        found["append"] = _text(action["append"], f"{where}.append").encode()
    return found


def _headers(value: object, where: str) -> Headers:
    found: list[tuple[str, str]] = []
    for name, lines in _object(value, where, None).items():
        for line in lines if isinstance(lines, list) else [lines]:
            text = str(line) if isinstance(line, int) else _text(line, f"{where}.{name}")
            if not f"{name}{text}".isascii() or not {"\r", "\n"}.isdisjoint(name + text):
                _fail(f"{where}.{name}", "no header can have that in it")
            found.append((name, text))
    return tuple(found)


def _methods(value: object, where: str) -> str:
    texts = value if isinstance(value, list) else [value]
    methods = "|".join(_text(one, where) for one in texts).upper()
    if not _METHODS.fullmatch(methods):
        _fail(where, "a method such as GET is needed, or a list of them")
    return methods


def _path(value: object, where: str) -> str:
    path = _text(value, where)
    if not path.startswith(("/", "*")):
        _fail(where, "paths begin with a slash")
    return path


def _calls(value: object, where: str) -> tuple[int, int | None]:
    match = _CALLS.fullmatch(str(value))
    first, last = (int(match[1]), int(match[3] or 0)) if match else (0, 0)
    if match is None or 0 < last < first:
        _fail(where, "a number from 1 on is needed, or a range such as 1-2 or 3-")
    return first, (last or None) if match[2] else first


def _object(value: object, where: str, known: frozenset[str] | None) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        _fail(where, "an object is needed")
    for name in value:
        if known is not None and name not in known:
            _fail(f"{where}.{name}", f"unknown; there are {', '.join(sorted(known))}")
    return value


def _texts(value: object, where: str) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [_text(one, where) for one in values]


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        _fail(where, "text is needed (in YAML, perhaps with quotes around it)")
    return value


def _text_or_none(value: object, where: str) -> str | None:
    return None if value is None else _text(value, where)


def _pattern(value: object, where: str) -> str | None:
    if value is None:
        return None
    try:
        re.compile(_text(value, where))
    except re.error as error:
        _fail(where, f"not a regular expression: {error}")
    return str(value)


def _number(value: object, where: str, least: int | None = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or (least or value) > value:
        _fail(where, "a whole number is needed")
    return value


def _status(value: object, where: str) -> int:
    status = _number(value, where)
    if not 100 <= status <= 999:
        _fail(where, "a status has three digits")
    return status


def _seconds(value: object, where: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 86400:
        _fail(where, "a number of seconds is needed, a day at most")
    return float(value)


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        _fail(where, "true or false is needed")
    return value


def _fail(where: str, what: str) -> NoReturn:
    raise ConfigurationError(f"{where}: {what}")
