"""Moments by the patterns of Java's ``SimpleDateFormat``, as ``maven.build.timestamp`` is one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

DEFAULT_PATTERN = "yyyy-MM-dd'T'HH:mm:ss'Z'"

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*")
_MONTHS = "January February March April May June July August September October November December"
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"


def java_time(moment: datetime, pattern: str) -> str:
    """Return a moment in UTC, in English.

    Knows the fields that stamps are made of: ``y M d D E H h a m s S Z X z``; others stay
    letters.
    """
    moment = moment.astimezone(UTC)

    def put(match: re.Match[str]) -> str:
        if match[2] is None:
            return match[1].replace("''", "'") if match[1] else "'"
        field = _FIELDS.get(match[2])
        return match[0] if field is None else field(moment, len(match[0]))

    return _TOKEN.sub(put, pattern)


_Field = Callable[[datetime, int], str]


def _number(of: Callable[[datetime], int]) -> _Field:
    return lambda moment, width: str(of(moment)).zfill(width)


def _year(moment: datetime, width: int) -> str:
    return f"{moment.year % 100:02}" if width == 2 else str(moment.year).zfill(width)


def _month(moment: datetime, width: int) -> str:
    if width < 3:
        return str(moment.month).zfill(width)
    return _name(_MONTHS, moment.month - 1, width)


def _name(names: str, number: int, width: int) -> str:
    name = names.split()[number]
    return name[:3] if width < 4 else name


_FIELDS: Mapping[str, _Field] = {
    "y": _year,
    "M": _month,
    "d": _number(lambda moment: moment.day),
    "D": _number(lambda moment: moment.timetuple().tm_yday),
    "E": lambda moment, width: _name(_DAYS, moment.weekday(), width),
    "H": _number(lambda moment: moment.hour),
    "h": _number(lambda moment: moment.hour % 12 or 12),
    "a": lambda moment, _: "AM" if moment.hour < 12 else "PM",
    "m": _number(lambda moment: moment.minute),
    "s": _number(lambda moment: moment.second),
    "S": _number(lambda moment: moment.microsecond // 1000),
    "Z": lambda *_: "+0000",
    "X": lambda *_: "Z",
    "z": lambda *_: "UTC",
}
