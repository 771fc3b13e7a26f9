"""Points in time to the nanosecond, as image configs and tar headers need them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from pyjib.errors import ConfigurationError
from pyjib.patterns import late

_ISO = late(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)", re.ASCII
)
_BILLION = 1_000_000_000
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _UNIX) // timedelta(seconds=1)
_LAST = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _UNIX) // timedelta(seconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """Nanoseconds since 1970-01-01T00:00:00Z, negative before it."""

    nanoseconds: int

    @classmethod
    def of_seconds(cls, seconds: int) -> Self:
        """Return the instant ``seconds`` after the epoch."""
        return cls(seconds * _BILLION)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an ISO 8601 date and time with an offset, for example ``2024-05-01T12:00:00Z``.

        Raises ``ConfigurationError`` for anything else, and for what an offset takes out of the
        years 1 to 9999; a time without an offset would mean another instant on another machine.
        """
        match = _ISO.fullmatch(text.strip())
        if match is None:
            raise _not_a_time(text)
        moment, fraction, offset = match.groups()
        try:
            parsed = datetime.fromisoformat(moment + ("+00:00" if offset == "Z" else offset))
        except ValueError:
            raise _not_a_time(text) from None
        seconds = (parsed - _UNIX) // timedelta(seconds=1)
        if not _FIRST <= seconds <= _LAST:
            raise _not_a_time(text)
        return cls(seconds * _BILLION + int((fraction or "").ljust(9, "0")))

    @property
    def seconds(self) -> int:
        """Whole seconds since the epoch, rounded down."""
        return self.nanoseconds // _BILLION

    @property
    def fraction(self) -> int:
        """Nanoseconds past ``seconds``, 0 to 999,999,999."""
        return self.nanoseconds % _BILLION

    def __str__(self) -> str:
        """Return RFC 3339 in UTC with 0, 3, 6 or 9 digits of fraction (Java's ``Instant``)."""
        text = (_UNIX + timedelta(seconds=self.seconds)).strftime("%Y-%m-%dT%H:%M:%S")
        text = text.rjust(19, "0")  # years before 1000 on platforms that do not pad them
        digits = f"{self.fraction:09d}"
        while digits.endswith("000"):
            digits = digits[:-3]
        return f"{text}.{digits}Z" if digits else f"{text}Z"


def _not_a_time(text: str) -> ConfigurationError:
    return ConfigurationError(
        f"not a date and time with an offset: {text[:200]!r}",
        hint="write ISO 8601, for example 2024-05-01T12:00:00Z or 2024-05-01T14:00:00+02:00",
    )


EPOCH = Instant(0)
EPOCH_PLUS_SECOND = Instant(_BILLION)
