r"""The syntax of Jib's values (``jib-plugins-and-cli`` §1.3, §1.4).

``where`` is where a value was found, for the message of the ``ConfigurationError`` that each
function raises for a text of another form.
"""

from __future__ import annotations

import re

from pyjib.errors import ConfigurationError
from pyjib.oci.instant import EPOCH, EPOCH_PLUS_SECOND, Instant
from pyjib.patterns import late

NOW = "USE_CURRENT_TIMESTAMP"

_PAIR = late(r"([^=]+)=([^\n\r\x85\u2028\u2029]*)")
_PLATFORM = late(r"([^/ ]+)/([^/ ]+)")
_MODE = late(r"[0-7]{3}", re.ASCII)
_PORTS = late(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(?:tcp|udp))?", re.ASCII)
_LOCAL = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:\.\d{0,9})?)?"
_ISO = late(rf"{_LOCAL}(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_ISO_OR_BARE_OFFSET = late(rf"{_LOCAL}(?:[Zz]|[+-]\d\d(?::?\d\d)?)", re.ASCII)
_MILLISECONDS = late(r"[+-]?\d{1,15}", re.ASCII)
_FIRST, _END = Instant.parse("0001-01-01T00:00:00Z"), Instant.of_seconds(253_402_300_800)
_TIME_HINT = (
    "write a date and time with an offset, for example 2024-05-01T12:00:00Z or "
    "2024-05-01T14:00:00+02:00"
)


def parse_list(text: str) -> tuple[str, ...]:
    r"""Split a property at commas; ``\,`` is a comma, and no other backslash is special.

    Nothing is trimmed, and an empty text is one empty element.
    """
    parts = [""]
    position = 0
    while position < len(text):
        if text[position] == ",":
            parts.append("")
        else:
            position += text.startswith("\\,", position)
            parts[-1] += text[position]
        position += 1
    return tuple(parts)


def parse_pairs(text: str, where: str) -> tuple[tuple[str, str], ...]:
    """Parse a list of ``name=value``; of one name the last value counts, at the first's place."""
    pairs: dict[str, str] = {}
    for part in parse_list(text):
        match = _PAIR.fullmatch(part)
        if match is None:
            raise ConfigurationError(
                f"{where}: {part!r} is not a valid key-value pair",
                hint=r"write name=value,name=value; a comma within a value is written \,",
            )
        pairs[match[1]] = match[2]
    return tuple(pairs.items())


def parse_flag(text: str) -> bool:
    """Parse a truth value as Java does: all but ``true`` is false."""
    return text.lower() == "true"


def parse_platform(text: str, where: str) -> tuple[str, str]:
    """Parse ``os/architecture``; there is no variant in Jib's words."""
    match = _PLATFORM.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"{where}: {text!r} is not a platform: it must be of the form os/architecture",
            hint="write for example linux/amd64,linux/arm64",
        )
    return match[1], match[2]


def parse_mode(text: str, where: str) -> int:
    """Parse three octal digits."""
    if not _MODE.fullmatch(text):
        raise ConfigurationError(
            f"{where}: {text!r} is not a mode", hint="write three octal digits, for example 755"
        )
    return int(text, 8)


def parse_ports(texts: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Check ``N`` or ``A-B``, with ``/tcp``, ``/udp`` or neither; return them as they are."""
    for text in texts:
        match = _PORTS.fullmatch(text)
        numbers = [int(number) for number in match.groups() if number] if match else []
        if not numbers or numbers != sorted(numbers) or not 0 < numbers[0] <= numbers[-1] < 65536:
            raise ConfigurationError(
                f"{where}: {text!r} is not a port from 1 to 65535, nor a range of such",
                hint="write for example 8080, 9000-9010 or 53/udp",
            )
    return texts


def parse_path(text: str, where: str) -> str:
    """Check that a path in the image is absolute; return it as it is."""
    if not text.startswith("/"):
        raise ConfigurationError(
            f"{where} is not an absolute Unix-style path: {text}",
            hint="write the full path in the image, with forward slashes",
        )
    return text


def parse_creation_time(text: str, where: str, now: Instant | None) -> Instant:
    """Parse ``EPOCH``, ``USE_CURRENT_TIMESTAMP`` or a date and time; ``+0900`` will do too.

    ``now`` is the present; without it there is none.
    """
    if text == "EPOCH":
        return EPOCH
    if text == NOW:
        if now is None:
            raise ConfigurationError(f"{where}: {NOW}, and the present is not known here")
        return now
    return _instant(text, _ISO_OR_BARE_OFFSET, where)


def parse_file_time(text: str, where: str) -> Instant:
    """Parse ``EPOCH_PLUS_SECOND`` or a date and time; an offset needs its colon here."""
    return EPOCH_PLUS_SECOND if text == "EPOCH_PLUS_SECOND" else _instant(text, _ISO, where)


def parse_milliseconds_or_time(text: str, where: str) -> Instant:
    """Parse what jib-cli takes for a time: milliseconds since 1970, or a date and time."""
    if _MILLISECONDS.fullmatch(text):
        return Instant(int(text) * 1_000_000)
    return _instant(text, _ISO_OR_BARE_OFFSET, where)


def parse_image_time(text: str, where: str) -> Instant:
    """Parse ``parse_milliseconds_or_time`` of a year that an image's config can hold: 1 to 9999."""
    instant = parse_milliseconds_or_time(text, where)
    if not _FIRST <= instant < _END:
        raise ConfigurationError(
            f"{where} is outside of the years 1 to 9999: {text}", hint=_TIME_HINT
        )
    return instant


def _instant(text: str, form: re.Pattern[str], where: str) -> Instant:
    if form.fullmatch(text):
        try:
            return Instant.parse(_plain(text))
        except ConfigurationError:
            pass  # no such month, hour…
    raise ConfigurationError(
        f"{where} should be an ISO 8601 date-time with an offset, or one of its special words: "
        f"{text}",
        hint=_TIME_HINT,
    )


def _plain(text: str) -> str:
    """Return Java's spelling as ours: capitals, and no point without digits."""
    return re.sub(r"\.(?!\d)", "", text.upper())
