"""What a daemon says while it loads an image: a stream of JSON objects, one after the other.

Docker answers a load that fails with status 200; only the stream tells. Objects are set apart
by line breaks, as a rule, and may be cut anywhere by the chunks they arrive in.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator

from pyjib.errors import EngineError
from pyjib.oci.json import Json

_MAX_MESSAGE = 1 << 20
_LOADED = re.compile(r"Loaded image(?:\(s\)| ID)?: *(.+)")
_FAILED = re.compile(r"\berror unpacking image\b", re.IGNORECASE)


def messages(chunks: Iterable[bytes]) -> Iterator[Json]:
    """Yield the objects of a stream as they become complete.

    Raises ``EngineError`` for anything that is not JSON, and for an object cut at the end.
    """
    decoder, text = codecs.getincrementaldecoder("utf-8")("replace"), ""
    for chunk in chunks:
        text += decoder.decode(chunk)
        objects, text = _take(text)
        yield from objects
        if len(text) > _MAX_MESSAGE:
            raise _not_json(text)
    if text.strip():
        raise _not_json(text)


def loaded_names(chunks: Iterable[bytes]) -> tuple[str, ...]:
    """Return the names and IDs that a daemon says it loaded, at least one.

    Raises ``EngineError`` with what it says of a failure, and if it does not say that it loaded
    anything.
    """
    names: list[str] = []
    last = ""
    for message in messages(chunks):
        if (failure := failure_of(message)) is not None:
            raise EngineError(failure)
        for line in filter(None, map(str.strip, str(message.get("stream") or "").splitlines())):
            last = line
            if loaded := _LOADED.match(line):
                names += [name.strip() for name in loaded[1].split(",")]
    if not names:
        raise EngineError(
            "the daemon does not say that it loaded anything"
            + (f"; its last words: {last[:500]}" if last else "")
        )
    return tuple(dict.fromkeys(names))


def failure_of(message: Json) -> str | None:
    """Return what an object says has failed, ``None`` for one that reports progress."""
    detail = message.get("errorDetail")
    said = detail.get("message") if isinstance(detail, dict) else None
    said = said or message.get("error")
    stream = message.get("stream")
    if not said and isinstance(stream, str) and _FAILED.search(stream):
        said = stream.strip()  # containerd's store says it in passing
    if said:
        return str(said)[:2000]
    return "an error that it does not name" if detail is not None else None


def _take(text: str) -> tuple[list[Json], str]:
    """Split off the complete objects at the start; what is left may be one's beginning."""
    objects: list[Json] = []
    decoder = json.JSONDecoder()
    text = text.lstrip()
    while text:
        try:
            value, end = decoder.raw_decode(text)
        except ValueError:
            break
        except RecursionError:
            raise _not_json(text) from None
        if not isinstance(value, dict):
            raise _not_json(text)
        objects.append(value)
        text = text[end:].lstrip()
    return objects, text


def _not_json(text: str) -> EngineError:
    return EngineError(
        f"the daemon's answer is cut short or not what a daemon says: {text[:200]!r}"
    )
