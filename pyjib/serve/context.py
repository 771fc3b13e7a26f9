"""What the handlers of requests work on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from pyjib.errors import InvalidReferenceError
from pyjib.frozen import frozen
from pyjib.oci.digest import Digest
from pyjib.oci.reference import is_tag
from pyjib.serve.access import Caller
from pyjib.serve.message import Code, Headers, Refusal, Request, Response
from pyjib.serve.pull_through import PullThrough
from pyjib.serve.repositories import Repositories
from pyjib.serve.rules import Rules
from pyjib.serve.uploads import Uploads


@frozen
class Context:
    """A registry, as far as its handlers see it."""

    repositories: Repositories
    uploads: Uploads
    rules: Rules
    source: PullThrough | None = None


@frozen
class Call:
    """A request that was admitted. ``name`` is a checked repository name, or empty.

    ``reference`` is the last part of the path as sent, decoded and unchecked.
    """

    request: Request
    caller: Caller
    name: str = ""
    reference: str = ""

    @property
    def digest(self) -> Digest:
        """The reference as a digest; refused with 400 if it is none."""
        return parse_digest(self.reference)

    @property
    def target(self) -> Digest | str:
        """The reference as a digest or a tag."""
        if ":" in self.reference:
            return self.digest
        if not is_tag(self.reference):
            raise Refusal(400, Code.MANIFEST_INVALID, f"not a tag: {self.reference[:140]!r}")
        return self.reference


Handler: TypeAlias = Callable[[Context, Call], Response]


def parse_digest(text: str | None) -> Digest:
    """Parse a digest that a client sent."""
    try:
        return Digest.parse(text or "")
    except InvalidReferenceError:
        shown = f"not a digest: {text[:140]!r}" if text else "no digest was given"
        raise Refusal(400, Code.DIGEST_INVALID, shown) from None


def digest_header(digest: Digest) -> Headers:
    """Return the header that tells the digest of what is sent or was stored."""
    return (("Docker-Content-Digest", str(digest)),)


def unknown_repository(name: str) -> Refusal:
    """Return a 404 for a repository."""
    return Refusal(404, Code.NAME_UNKNOWN, f"there is no repository {name}")
