"""The time of a tar entry, as Jib comes by it in its two byte eras."""

from __future__ import annotations

from typing import Self

from pyjib.frozen import frozen
from pyjib.oci.instant import Instant

_MILLISECOND = 1_000_000
_TICKS = 10_000_000
"""Seven digits of fraction: the hundreds of nanoseconds that PAX records are written in."""


@frozen
class TarTime:
    """What headers and PAX records say of an entry's time.

    ``seconds`` go into headers, where they fit; ``text`` is a PAX record's value; ``every``
    tells whether each of an entry's four times has a record.
    """

    seconds: int
    text: str
    has_fraction: bool
    every: bool

    @classmethod
    def of(cls, instant: Instant, *, exact: bool) -> Self:
        """Return the time since Jib 3.4.2 if ``exact``, else the one before."""
        return cls._exact(instant) if exact else cls._whole(instant)

    @classmethod
    def _whole(cls, instant: Instant) -> Self:
        # Java divides the milliseconds (which were rounded down) by 1000 toward zero.
        milliseconds = instant.nanoseconds // _MILLISECOND
        seconds = abs(milliseconds) // 1000 * (1 if milliseconds >= 0 else -1)
        return cls(seconds=seconds, text=str(seconds), has_fraction=False, every=False)

    @classmethod
    def _exact(cls, instant: Instant) -> Self:
        """Go through text as Jib does: ``SECONDS.NANOSECONDS`` without zeros before the latter.

        So 5 ms past a second become half a second, and a fraction of a negative time counts
        away from zero. Such defects are part of the bytes.
        """
        digits = str(instant.fraction)
        shift = 9 - len(digits)
        fraction = int(digits) * 10**shift * (-1 if instant.seconds < 0 else 1)
        seconds, nanoseconds = divmod(instant.seconds * 1_000_000_000 + fraction, 1_000_000_000)
        if nanoseconds == 0:
            return cls(seconds=seconds, text=str(seconds), has_fraction=False, every=True)
        ticks = seconds * _TICKS + nanoseconds // 100
        sign = "-" if ticks < 0 else ""
        whole, rest = divmod(abs(ticks), _TICKS)
        text = f"{sign}{whole}.{rest:07d}"
        return cls(seconds=seconds, text=text, has_fraction=True, every=True)
