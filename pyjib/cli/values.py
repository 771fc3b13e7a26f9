"""From the texts of options to values. Each function raises ``ConfigurationError``."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pyjib.cli.environment import now, source_date_epoch
from pyjib.errors import ConfigurationError
from pyjib.jib.to_options import Unnamed
from pyjib.oci.instant import EPOCH, Instant
from pyjib.oci.location import ArchiveLocation, Location, Scratch, parse_location
from pyjib.oci.media_type import Compression
from pyjib.oci.reference import DOCKER_HUB, HUB_ALIASES, Reference, check_tag, hide_login
from pyjib.options import (
    CompressionChoice,
    ExtraDirectory,
    HostEnvironment,
    LayerIndexMode,
    Permission,
)
from pyjib.patterns import late

Now: TypeAlias = Literal["now"]
NOW: Final[Now] = "now"

_MILLISECONDS = late(r"-?[0-9]{1,15}", re.ASCII)
_EARLIEST = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
_LATEST = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
_SIZE = late(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([KMGT]?)(I?)B?", re.ASCII)
_MOST = 1_000_000_000
_DIGITS = 10
_HOST = late(r"[a-z0-9._:\[\]-]+", re.ASCII | re.IGNORECASE)
_SHOWN = 200
_SKOPEOS = late(r"(docker|tar|oci):((?![0-9]+/)(?!//).+)", re.ASCII | re.DOTALL)
_MODE = late(r"[0-7]{3}", re.ASCII)
_COMPRESSION = late(r"(gzip|zstd)(?::([0-9]{1,2}))?|none", re.ASCII)


def parse_target(text: str) -> Location | Unnamed:
    """Parse a place to write an image to; ``docker://`` and ``tar://`` leave the name to Jib's."""
    if text in (Unnamed.DOCKER, Unnamed.TAR):
        return Unnamed(text)
    _check_skopeos(text, ("docker",))
    location = parse_image_location(text)
    if location == ArchiveLocation(path=Path("-")):
        raise ConfigurationError(
            "an archive is not written to standard output",
            hint="name a file, as tar://image.tar; one that is called - is written tar://./-",
        )
    if isinstance(location, Scratch):
        raise ConfigurationError(
            "nothing can be written to scratch, the empty base image",
            hint="a repository of that name is written registry://scratch",
        )
    return location


def parse_image_location(text: str) -> Location:
    """Parse where an image is or will be; ``ghcr.io`` alone is no image of Docker Hub."""
    check_names_image(text)
    return parse_location(text)


def parse_image_name(text: str) -> Reference:
    """Parse the name of an image in a registry, with the same exception."""
    check_names_image(text)
    return Reference.parse(text)


def check_names_image(text: str) -> None:
    """Refuse what is a registry or a file; Docker would look for it at Docker Hub.

    What Docker Hub has under names of one word are official images, and none has a dot.
    """
    _check_skopeos(text, ("tar", "oci"))
    name = text.partition("@")[0].partition(":")[0].lower()
    if _is_tar_below(text):
        raise ConfigurationError(
            f"{text} is no image's name", hint=f"a file is written tar://{text}"
        )
    if "/" in text or ("." not in name.strip(".") and name != "localhost"):
        return
    if name.endswith(".tar"):
        raise ConfigurationError(
            f"{text} is no image's name", hint=f"a file is written tar://{text}"
        )
    raise ConfigurationError(
        f"{text} is a registry, not an image in it",
        hint=f"name an image, as {text}/team/app: the repository's name is missing after the host",
    )


def _check_skopeos(text: str, kinds: tuple[str, ...]) -> None:
    """Refuse ``tar:FILE`` and the like, as Skopeo has them: as names they are Docker Hub's.

    What has a number after the colon and a path behind that is on a host of that name.
    """
    match = _SKOPEOS.fullmatch(text)
    if match is not None and match[1] in kinds:
        raise ConfigurationError(
            f"{text} would be the image {match[1]} of Docker Hub; "
            f"did you mean {match[1]}://{match[2]}?",
            hint=f"an image of that name is written registry://{text}",
        )


def _is_tar_below(text: str) -> bool:
    """Tell whether text is a tar's path that is also a name on Docker Hub, as ``target/x.tar``."""
    if "/" not in text or "://" in text or not text.lower().endswith(".tar"):
        return False
    host = text.partition("/")[0]
    try:
        path = Path(text)
        is_host = "." in host or ":" in host or host == "localhost"
        return path.is_file() or (not is_host and path.parent.is_dir())
    except (OSError, ValueError):  # longer than any file's name
        return False


def parse_amount(text: str, least: int = 0) -> float:
    """Parse a number that is not below ``least`` nor beyond all use (a thousand million)."""
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not least <= amount <= _MOST:
        raise ConfigurationError(
            f"{text!r} is not a number from {least} to {_MOST}", hint="write for example 7 or 1.5"
        )
    return amount


def parse_count(text: str, least: int, most: int) -> int:
    """Parse a whole number from ``least`` to ``most``."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS):
        digits = "-1"
    if not least <= int(digits) <= most:
        raise ConfigurationError(
            f"{text!r} is not a whole number from {least} to {most}",
            hint=f"write a number from {least} to {most}",
        )
    return int(digits)


def parse_word(text: str) -> str:
    """Take any text but an empty one."""
    if not text.strip():
        raise ConfigurationError("it is empty")
    return text


def left_out(flag: str, *, needed: bool = False) -> str:
    """Return the hint for what is given an empty value: most often a variable is empty."""
    instead = "" if needed else f", or leave {flag} out"
    return f"write one{instead}: the variable in its place may be empty"


def parse_layer_index(text: str) -> LayerIndexMode | Reference:
    """Parse ``auto``, ``off``, or the name of an index in a registry.

    A repository of such a name on Docker Hub is written ``docker.io/library/off``.
    """
    if text in tuple(LayerIndexMode):
        return LayerIndexMode(text)
    reference = Reference.parse(text)
    if reference.digest is not None:
        raise ConfigurationError(
            f"an index of layers changes, and {text} has a digest",
            hint="name it by a tag: REGISTRY/REPOSITORY:layer-index",
        )
    return reference


def parse_list(text: str) -> tuple[str, ...]:
    """Split at commas; what is empty is left out."""
    return tuple(part for part in (part.strip() for part in text.split(",")) if part)


def parse_some(text: str, what: str) -> tuple[str, ...]:
    """Split what ``--WHAT`` is given at commas: at least one, for it replaces what is configured."""
    found = parse_list(text)
    if not found:
        raise ConfigurationError(
            f"there is no {what} in {text!r}",
            hint=f"name one, or leave --{what} out: the variable in its place may be empty",
        )
    return found


def parse_tags(text: str) -> tuple[str, ...]:
    """Parse tags, divided by commas."""
    tags = parse_some(text, "tag")
    for tag in tags:
        check_tag(tag)
    return tags


def parse_pair(text: str) -> tuple[str, str]:
    """Parse ``NAME=VALUE``; the value may be empty and may have ``=`` in it."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigurationError(
            f"{text!r} is not NAME=VALUE", hint="write for example TZ=UTC; the value may be empty"
        )
    return name, value


def parse_words(texts: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the words of a command: one each time, or all as one JSON array.

    Nothing given is ``None``; ``[]`` is a command without words.
    """
    if not texts:
        return None
    is_array = len(texts) == 1 and texts[0].startswith("[")
    words = _parse_array(texts[0]) if is_array else texts
    if words and not words[0]:
        raise ConfigurationError(
            "--entrypoint: the program to run has no name",
            hint="name it, leave --entrypoint out, or write [] for no entrypoint at all",
        )
    return words


def _parse_array(text: str) -> tuple[str, ...]:
    try:
        words = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"--entrypoint: {text[:_SHOWN]!r} starts like a JSON array and is none: {error}",
            hint="""write --entrypoint '["java", "-jar", "/app.jar"]', or one word each time""",
        ) from None
    if not all(isinstance(word, str) for word in words):
        raise ConfigurationError(f"--entrypoint: {text[:_SHOWN]!r} is not an array of texts")
    return tuple(words)


def parse_instant(text: str) -> Instant:
    """Parse ``epoch``, milliseconds since then, or ISO 8601 with an offset."""
    if text.lower() == "epoch":
        return EPOCH
    if _MILLISECONDS.fullmatch(text):
        instant = Instant(int(text) * 1_000_000)
        if not _EARLIEST <= instant.seconds <= _LATEST:
            raise ConfigurationError(f"{text} milliseconds lie outside the years 1 to 9999")
        return instant
    return Instant.parse(text)


def parse_created(text: str) -> Instant | Now:
    """Parse ``now`` too."""
    return NOW if text.lower() == NOW else parse_instant(text)


def read_created(created: Instant | Now | None, host: HostEnvironment) -> Instant:
    """Return when the image is to say that it was created.

    ``SOURCE_DATE_EPOCH`` stands for the present and, as its specification has it, for what was
    not asked for; without it that is the epoch, so that a build gives the same image each time.
    """
    if isinstance(created, Instant):
        return created
    stated = source_date_epoch(host)
    if stated is not None:
        return stated
    return EPOCH if created is None else now()


def parse_compression(text: str) -> CompressionChoice:
    """Parse ``gzip[:LEVEL]``, ``zstd[:LEVEL]`` or ``none``; the level's range is checked later."""
    match = _COMPRESSION.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"{text!r} is no compression", hint="write gzip, gzip:9, zstd, zstd:19 or none"
        )
    return CompressionChoice(
        method=Compression(match[1] or "none"),
        level=int(match[2]) if match[2] else None,
    )


def parse_extra_directory(text: str) -> ExtraDirectory:
    """Parse ``DIR[:INTO]``; a colon starts INTO if a slash follows and it is no drive's."""
    source, colon, into = text.rpartition(":")
    if colon and len(source) > 1 and into.startswith("/"):
        return ExtraDirectory(source=Path(source), into=into)
    if not text:
        raise ConfigurationError("it is empty")
    return ExtraDirectory(source=Path(text))


def parse_permission(text: str) -> Permission:
    """Parse ``PATH=MODE``: an absolute path in the image, or a glob of such, and three digits."""
    pattern, _, mode = text.rpartition("=")
    if not pattern or not _MODE.fullmatch(mode):
        raise ConfigurationError(
            f"{text!r} is not PATH=MODE",
            hint="write an absolute path in the image and three octal digits: /app/run.sh=755",
        )
    return Permission(pattern=pattern, mode=int(mode, 8))


def parse_host(text: str) -> str:
    """Parse a registry's ``HOST[:PORT]``, as it stands in image references."""
    if not _HOST.fullmatch(text):
        raise ConfigurationError(
            f"{hide_login(text)!r} is not a registry's host",
            hint="write HOST or HOST:PORT as image references have it, without http:// and paths",
        )
    return text.lower()


def parse_size(text: str) -> int:
    """Parse a number of bytes: ``500MB``, ``1.5 GiB``, ``2G`` (decimal unless ``i`` is there)."""
    match = _SIZE.fullmatch(text.strip().upper())
    if match is None:
        raise ConfigurationError(f"{text!r} is not a size", hint="write for example 500MB or 2GB")
    return int(float(match[1]) * (1024 if match[3] else 1000) ** " KMGT".index(match[2] or " "))


def parse_registry(text: str) -> str:
    """Parse a registry for a login: its host, or the address that other tools call it by."""
    host = parse_host(text.removeprefix("https://").rstrip("/").removesuffix("/v1"))
    return DOCKER_HUB if host in HUB_ALIASES else host
