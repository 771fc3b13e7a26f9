"""What a 401 asks for: the ``WWW-Authenticate`` header (RFC 9110 section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pyjib.frozen import frozen
from pyjib.patterns import late

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  (RFC 9110's word, no secret)
_PARAMETER = late(rf'({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))', re.DOTALL)
_SCHEME = late(rf"({_TOKEN})(?=[ \t]|,|$)")
_TOKEN68 = late(r"[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))")
_BLANK = late(r"[ \t]*")
_MAX_LINE = 16 * 1024
_GAP = late(r"[ \t\r\n,]+")


@frozen
class Challenge:
    """A way to authenticate; ``scheme`` and the names of ``parameters`` are in lower case."""

    scheme: str
    parameters: Mapping[str, str]

    def get(self, name: str) -> str:
        """Return a parameter, empty if it is missing."""
        return self.parameters.get(name, "")


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Parse all header lines of an answer; each may hold several challenges.

    What cannot be understood is skipped up to the next comma: a registry behind an odd proxy
    should still be usable if one of its challenges is.
    """
    return tuple(challenge for value in values for challenge in _parse(value[:_MAX_LINE]))


def wants_more(challenges: Iterable[Challenge]) -> bool:
    """Tell whether a token allows too little and another may do (RFC 6750 section 3.1)."""
    return any(challenge.get("error") == "insufficient_scope" for challenge in challenges)


def _parse(text: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    place = 0
    while place < len(text):
        gap = _GAP.match(text, place)
        if gap:
            place = gap.end()
            continue
        parameter = _PARAMETER.match(text, place)
        if parameter and found:
            quoted, plain = parameter[2], parameter[3]
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
            found[-1][1].setdefault(parameter[1].lower(), value)
            place = parameter.end()
            continue
        scheme = _SCHEME.match(text, place)
        if scheme:
            found.append((scheme[1].lower(), {}))
            place = _after_token68(text, scheme.end())
            continue
        comma = text.find(",", place)
        place = len(text) if comma < 0 else comma
    return [
        Challenge(scheme=scheme, parameters=MappingProxyType(parameters))
        for scheme, parameters in found
    ]


def _after_token68(text: str, place: int) -> int:
    # "Negotiate YII=" has opaque text where others have parameters.
    blank = _BLANK.match(text, place)
    opaque = _TOKEN68.match(text, blank.end() if blank else place)
    if opaque is None:
        return place
    # A bare word may as well be the next challenge's scheme ("Basic, Bearer …" has a comma).
    return opaque.end()
