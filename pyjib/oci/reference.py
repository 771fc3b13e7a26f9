"""References: the names under which images are pulled and pushed.

The grammar is Distribution's, with the stricter choices that keep a name meaning one thing to
every client; Docker Hub's aliases all fold to ``docker.io``.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Self

from pyjib.errors import InvalidReferenceError
from pyjib.oci.digest import Digest
from pyjib.patterns import late

DOCKER_HUB = "docker.io"
HUB_ALIASES = frozenset(
    {DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
)
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = late(rf"((?:{_LABEL})(?:\.{_LABEL})*|\[[0-9a-fA-F:.]+\])(?::([0-9]{{1,5}}))?")
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = late(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = late(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_IMAGE_ID = late(r"[0-9a-f]{64}")
_LOGIN = late(
    r"(?P<scheme>[a-z]+://)?(?P<user>[^:/@]*)(?::.*@(?!sha\d+:)|@(?=.*/))(?P<rest>.*)", re.DOTALL
)
"""What stands before a host and an ``@`` in a URL; an ``@`` in a reference leads to a digest."""
_MAX_HOST = _MAX_REPOSITORY = 255
_MAX_TEXT = 1024  # a host of 255, a port, a repository of 255, a tag and a sha512 make 790


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Reference:
    """A fully qualified name: registry host, repository path, and a tag or a digest or both.

    With both, the digest decides and the tag is for display.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``[HOST[:PORT]/]PATH[:TAG][@DIGEST]``.

        The registry defaults to Docker Hub, where one-component paths get ``library/``; the tag
        defaults to ``latest`` if there is no digest. Raises ``InvalidReferenceError``.
        """
        if len(text) > _MAX_TEXT:
            raise _invalid(text, f"it is longer than {_MAX_TEXT} characters")
        if hide_login(text) != text:
            raise _invalid(text, "a name has no login in it", _LOGIN_HINT)
        name, at, digest_text = text.partition("@")
        digest = _parse_digest(digest_text, text) if at else None
        registry, path = _split_host(name, text)
        path, colon, tag = path.partition(":")
        if colon and not is_tag(tag):
            raise _invalid(text, f"{tag!r} is not a tag", _TAG_HINT)
        _check_path(path, text)
        if registry == DOCKER_HUB and "/" not in path:
            path = f"library/{path}"
        if len(path) > _MAX_REPOSITORY:
            raise _invalid(text, f"the repository is longer than {_MAX_REPOSITORY} characters")
        if _IMAGE_ID.fullmatch(text):
            raise _invalid(text, "this is an image ID", "name the image by repository and tag")
        return cls(
            registry=registry,
            repository=path,
            tag=tag or (None if digest else "latest"),
            digest=digest,
        )

    @property
    def name(self) -> str:
        """Registry and repository, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def familiar(self) -> str:
        """The short form that Docker and Jib show: no Docker Hub host, no ``library/``."""
        text = str(self)
        for prefix in (f"{DOCKER_HUB}/library/", f"{DOCKER_HUB}/"):
            if text.startswith(prefix):
                return text[len(prefix) :]
        return text

    @property
    def selector(self) -> str:
        """What a manifest is asked for by: the digest if there is one, else the tag."""
        return str(self.digest) if self.digest else self.tag or "latest"

    def with_tag(self, tag: str) -> Reference:
        """Return the same repository under another tag."""
        check_tag(tag)
        return replace(self, tag=tag, digest=None)

    def with_digest(self, digest: Digest) -> Reference:
        """Return the same repository at a digest, without a tag."""
        return replace(self, tag=None, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def hide_login(text: str) -> str:
    """Return text without the user and the password that stand in it as in a URL."""
    found = _LOGIN.fullmatch(text)
    return f"{found['scheme'] or ''}***@{found['rest']}" if found else text


def check_tag(text: str) -> None:
    """Raise ``InvalidReferenceError`` unless text is a tag."""
    if not is_tag(text):
        raise InvalidReferenceError(f"not a tag: {text[:200]!r}", hint=_TAG_HINT)


def is_repository(text: str) -> bool:
    """Tell whether text is a repository's path, without a registry (Distribution's ``<name>``)."""
    return len(text) <= _MAX_REPOSITORY and _PATH.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Tell whether text is a tag."""
    return _TAG.fullmatch(text) is not None


_LOGIN_HINT = "leave it out, and log in with pyjib login, or with --username and --password-stdin"
_TAG_HINT = "a tag has up to 128 letters, digits, '_', '.' and '-', and starts with none of '.-'"


def _split_host(name: str, text: str) -> tuple[str, str]:
    if "://" in name:
        raise _invalid(text, "a reference has no scheme", "leave out everything up to '://'")
    first, slash, rest = name.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        return _parse_host(first, text), rest
    if slash and first.lower() != first:
        raise _invalid(
            text,
            f"{first!r} has capitals, and is no registry host without a dot or a port",
            "write the repository in lower case",
        )
    return DOCKER_HUB, name


def _parse_host(host: str, text: str) -> str:
    match = _HOST.fullmatch(host) if len(host) <= _MAX_HOST else None
    if match is None:
        raise _invalid(text, f"{host!r} is not a registry host")
    if match[2] is not None and not 1 <= int(match[2]) <= 65535:
        raise _invalid(text, f"{match[2]} is not a port")
    if match[1].startswith("[") and not _is_ipv6(match[1][1:-1]):
        raise _invalid(text, f"{host!r} is not a registry host")
    host = host.lower()
    return DOCKER_HUB if host in HUB_ALIASES else host


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _check_path(path: str, text: str) -> None:
    if _PATH.fullmatch(path):
        return
    if _PATH.fullmatch(path.lower()):
        lower = text.replace(path, path.lower(), 1)
        raise _invalid(text, "repository names have no capitals", f"write it as {lower}")
    raise _invalid(
        text,
        f"{path!r} is not a repository",
        "a repository is words of a-z and 0-9 joined by '.', '_', '__' or '-', divided by '/'",
    )


def _parse_digest(digest: str, text: str) -> Digest:
    try:
        return Digest.parse(digest)
    except InvalidReferenceError as error:
        raise _invalid(text, error.message, error.hint) from None


def _invalid(text: str, reason: str, hint: str | None = None) -> InvalidReferenceError:
    # Whoever passes a whole file for a name gets no whole file back.
    message = f"invalid image reference {hide_login(text)[:300]!r}: {reason[:600]}"
    return InvalidReferenceError(message, hint=None if hint is None else hint[:600])
