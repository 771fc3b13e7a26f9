"""URLs as registries hand them out: kept byte for byte, compared by origin, redacted for logs.

A registry may sign the query of an upload's ``Location``, so nothing here decodes, sorts or
escapes what a server wrote.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Self

from pyjib.errors import TransportError
from pyjib.frozen import frozen
from pyjib.patterns import late

_URL = late(r"(https?)://([^/?#]*)([^#]*)(?:#.*)?", re.ASCII | re.IGNORECASE)
_AUTHORITY = late(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::([0-9]{0,5}))?", re.ASCII)
_TARGET = late(r"[!-~]*", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SHOWN = frozenset({"scope", "service", "mount", "from", "digest", "n", "last", "ns"})


@frozen
class Url:
    """An absolute http or https URL without user and fragment.

    ``target`` is path and query exactly as they go on the wire, starting with a slash.
    ``str`` hides the values of a query that may be secret: it is for people and logs.
    """

    scheme: str
    host: str
    port: int
    target: str = "/"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse; raises ``TransportError``, also for a user in it (it would become a login)."""
        match = _URL.fullmatch(text)
        authority = _AUTHORITY.fullmatch(match[2].lower()) if match else None
        if match is None or authority is None or not _TARGET.fullmatch(match[3]):
            raise TransportError(f"not a URL that can be followed: {redact(text)!r}")
        scheme = match[1].lower()
        port = int(authority[2] or _DEFAULT_PORTS[scheme])
        if not 1 <= port <= 65535:
            raise TransportError(f"not a URL that can be followed: {redact(text)!r}")
        target = match[3] if match[3].startswith("/") else f"/{match[3]}"
        return cls(scheme=scheme, host=authority[1], port=port, target=target)

    @classmethod
    def of_host(cls, scheme: str, host: str) -> Self:
        """Return the root of ``HOST[:PORT]``."""
        return cls.parse(f"{scheme}://{host}/")

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what a login belongs to."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """``HOST[:PORT]``, the port only if it is not the scheme's own."""
        own = self.port == _DEFAULT_PORTS[self.scheme]
        return self.host if own else f"{self.host}:{self.port}"

    @property
    def full(self) -> str:
        """The whole text, secrets included: for the wire only."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def at(self, target: str) -> Url:
        """Return another path and query of the same origin."""
        return replace(self, target=target)

    def join(self, location: str) -> Url:
        """Resolve a ``Location``, ``Link`` or realm (RFC 3986 section 5), byte for byte."""
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", location):
            return Url.parse(location)
        if location.startswith("//"):
            return Url.parse(f"{self.scheme}:{location}")
        location = location.partition("#")[0]
        path, question, query = location.partition("?")
        base = self.target.partition("?")[0]
        if not path:
            path = base
        elif not path.startswith("/"):
            path = _without_dots(base[: base.rindex("/") + 1] + path)
        return Url.parse(f"{self.scheme}://{self.authority}{path}{question}{query}")

    def with_query(self, addition: str) -> Url:
        """Append ``name=value`` to the query as text; what is there stays as it is."""
        joiner = "&" if "?" in self.target else "?"
        if self.target.endswith(("?", "&")):
            joiner = ""
        return self.at(f"{self.target}{joiner}{addition}")

    def __str__(self) -> str:
        return redact(self.full)

    def __repr__(self) -> str:
        return f"Url({str(self)!r})"


def redact(text: str) -> str:
    """Hide a URL's user and all values of its query but those that are never secret."""
    text = re.sub(r"//[^/?#@]*@", "//***@", text)
    head, question, query = text.partition("?")
    parts = [_redact_pair(part) for part in query.split("&")] if query else []
    return f"{head}{question}{'&'.join(parts)}"


def _redact_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    if not equals or not value:
        return pair if not pair or equals else "***"
    return pair if name in _SHOWN else f"{name}=***"


def _without_dots(path: str) -> str:
    kept: list[str] = []
    parts = path.split("/")
    for place, part in enumerate(parts):
        if part == ".." and len(kept) > 1:
            kept.pop()
        if part in (".", ".."):
            if place == len(parts) - 1:
                kept.append("")
            continue
        kept.append(part)
    return "/".join(kept)
