"""Ranges of bytes: the ones that are asked for and the ones that are sent."""

from __future__ import annotations

import re

_ASKED = re.compile(r"bytes=\s*([0-9]{0,20})-([0-9]{0,20})\s*", re.ASCII)
_SENT = re.compile(r"([0-9]{1,20})-([0-9]{1,20})", re.ASCII)


class UnsatisfiableRange(Exception):  # noqa: N818  the name that RFC 9110 gives it
    """A range begins after the end, or is empty."""


def asked_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return start and length of the ``Range`` of a request for ``size`` bytes.

    ``None`` means all of it: no range was asked for, or several, or in another unit, which a
    server may ignore (RFC 9110, section 14.2). Raises ``UnsatisfiableRange``.
    """
    match = _ASKED.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first == "":
        start, end = max(0, size - int(last)), size
    else:
        start = int(first)
        end = min(int(last) + 1, size) if last else size
    if start >= end:
        raise UnsatisfiableRange
    return start, end - start


def sent_range(header: str) -> tuple[int, int] | None:
    """Return start and length of an upload's ``Content-Range``; ``None`` if it is malformed.

    Its form is Distribution's, ``first-last`` with no unit, and not that of RFC 9110.
    """
    match = _SENT.fullmatch(header)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    return (first, last - first + 1) if first <= last else None
