"""Answers that mean no, and no answer at all, as exceptions that say what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from pyjib.errors import (
    DeniedError,
    NotFoundError,
    OfflineError,
    PyjibError,
    RateLimitedError,
    RegistryDiagnostic,
    RegistryError,
    TransportError,
    UnauthorizedError,
)
from pyjib.frozen import frozen
from pyjib.patterns import late
from pyjib.registry.login.credential import conceal
from pyjib.registry.login.origins import CHECK
from pyjib.registry.login.scope import is_reading, repository_of
from pyjib.registry.net.message import Call
from pyjib.registry.net.reach import reach_of
from pyjib.registry.net.retry import LONGEST_RETRY_AFTER, PASSING_STATUSES, Passing, retry_after

MAX_ERROR = 64 * 1024
"""The largest error body in bytes that is looked at."""
_MAX_SHOWN = 300
_PAGE = late(r"\s*(<!doctype\s+html|<html\b|<head\b)", re.IGNORECASE)
_TITLE = late(r"<title>([^<]*)</title>", re.IGNORECASE)
_WEB_PAGE = "a web page"
_SOON = 10.0
"""Seconds; who asks for a shorter pause has been given several in vain."""
_LIMIT = late(r"(\d{1,9});w=(\d{1,9})", re.ASCII)
_WRITING = frozenset({"POST", "PUT", "PATCH"})
_BY_RULE = frozenset({401, 403, 405, 409, 412})
"""What registries answer where a rule of theirs forbids a manifest."""


@frozen
class LoginWords:
    """What an error may say of the login: whose it was, or where one was looked for.

    ``renewal`` says what its user does to have a better one, and ``refused`` tells that it was not
    accepted before, so that what was said now was said to nobody in particular. ``withheld`` tells what helps where
    none was sent, though there may be one. ``asked`` tells whether the registry ever asked for
    one, and ``unasked`` in what words it refused without doing so.
    """

    asked: bool = True
    used: str | None = None
    renewal: str = ""
    refused: bool = False
    tried: tuple[str, ...] = ()
    withheld: str | None = None
    unasked: str = ""


def refusal(
    call: Call,
    status: int,
    headers: Mapping[str, str],
    data: bytes,
    login: LoginWords,
    *,
    secrets: Iterable[str] = (),
    where: str | None = None,
) -> RegistryError | Passing:
    """Return what to raise for an answer that ``call`` does not accept.

    ``secrets`` are kept out of what it says. ``where`` is the host that answered, if it was not
    the registry's own. ``Passing`` if repeating may help, unless the server asks for more patience
    than there is.
    """
    diagnostics, text = parse_error(data, secrets)
    after = retry_after(headers) if status in PASSING_STATUSES else None
    said = "; ".join(str(diagnostic) for diagnostic in diagnostics) or text
    message = f"cannot {call.action}: {where or call.registry} answered {describe(status)}"
    if said:
        message += f" ({said[:_MAX_SHOWN]})"
    if status == 429:
        message += _pull_limit(headers)
    if login.unasked and status == 401 and where is None:
        message += f", and {login.unasked}"
    if call.taken and status in _BY_RULE:
        message += f", after it had taken {call.taken}"
    error = _error(call, status, message, diagnostics, after, login, said)
    if status in PASSING_STATUSES and (after or 0) <= LONGEST_RETRY_AFTER:
        return Passing(error, after=after)
    return error


def telling(call: Call, error: PyjibError) -> PyjibError:
    """Return a failure of the connection with what it was for; others say so already."""
    if not isinstance(error, TransportError) or error.action:
        return error
    told = f"cannot {call.action}: {error.message.removeprefix(f'cannot {call.action}: ')}"
    kind = OfflineError if isinstance(error, OfflineError) else TransportError
    return kind(told, action=call.action, hint=error.hint)


def describe(status: int) -> str:
    """Return a status with its words, for example ``404 Not Found``."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def parse_error(
    data: bytes, secrets: Iterable[str] = ()
) -> tuple[tuple[RegistryDiagnostic, ...], str]:
    """Read an error body: its ``errors`` (Distribution 1.1, "Error Codes"), else its text.

    Docker Hub sends plain text, of which the first printable characters are kept, and proxies
    send web pages, of which the title is. Some repeat what they were sent: ``secrets`` are
    replaced in what JSON and HTML stand for, and before it is cut.
    """

    def shown(value: object) -> str:
        return printable(conceal(str(value), secrets))

    try:
        document: Any = json.loads(data)
        entries = document["errors"]
        found = tuple(_diagnostic(entry, shown) for entry in entries if isinstance(entry, dict))
    except (ValueError, TypeError, KeyError, RecursionError):
        found = ()
    if found:
        return found, ""
    text = data.decode("utf-8", "replace")
    if _PAGE.match(text):
        from html import unescape  # noqa: PLC0415  its table of names is long, and rarely needed

        title = _TITLE.search(text)
        words = shown(unescape(title[1])) if title else ""
        return (), f"{_WEB_PAGE}: {words}" if words else _WEB_PAGE
    return (), shown(text)


def printable(text: str, limit: int = _MAX_SHOWN) -> str:
    """Return the first characters of a server's text on one line, control characters left out."""
    line = " ".join(text[: 4 * limit].split())
    return "".join(character for character in line if character.isprintable())[:limit]


def _diagnostic(entry: dict[str, Any], shown: Callable[[object], str]) -> RegistryDiagnostic:
    detail = entry.get("detail")
    return RegistryDiagnostic(
        code=shown(entry.get("code") or ""),
        message=shown(entry.get("message") or ""),
        detail=shown(detail) if isinstance(detail, str) else "",
    )


def _error(
    call: Call,
    status: int,
    message: str,
    diagnostics: tuple[RegistryDiagnostic, ...],
    after: float | None,
    login: LoginWords,
    said: str,
) -> RegistryError:
    if status == 429 or (after or 0) > LONGEST_RETRY_AFTER:
        return RateLimitedError(
            message,
            action=call.action,
            status=status,
            diagnostics=diagnostics,
            retry_after=after,
            hint=_wait_hint(call, after, login),
        )
    kinds = {401: UnauthorizedError, 403: DeniedError, 404: NotFoundError}
    return kinds.get(status, RegistryError)(
        message,
        action=call.action,
        status=status,
        diagnostics=diagnostics,
        hint=_hint(call, status, diagnostics, login, said),
    )


def _hint(
    call: Call,
    status: int,
    diagnostics: tuple[RegistryDiagnostic, ...],
    login: LoginWords,
    said: str,
) -> str | None:
    return next(filter(None, _hints(call, status, diagnostics, login, said)), None)


def _hints(
    call: Call,
    status: int,
    diagnostics: tuple[RegistryDiagnostic, ...],
    login: LoginWords,
    said: str,
) -> Iterator[str | None]:
    """Yield what may help, the first that is any the best; what was said counts before a status."""
    from pyjib.registry.push_rules import (  # noqa: PLC0415  for what is refused only
        by_status,
        by_words,
    )

    writing = call.method in _WRITING and not call.bare
    of_login = status in (401, 403)
    if of_login:
        yield login.withheld
    if status in (404, 405, 501) and said.startswith(_WEB_PAGE):
        yield _NO_REGISTRY
    if writing and (status < 500 or status == 507):
        yield by_words(call, diagnostics, "" if said.startswith(_WEB_PAGE) else said)
    if call.taken:
        yield by_status(call, status)
    if status == 403 and not login.refused and (login.used or not login.asked):
        yield _denied_hint(call, login)
    if of_login:
        yield login_hint(call.registry, login, repository=repository_of(call.scopes))
    yield from (_HINTS_BY_CODE.get(diagnostic.code) for diagnostic in diagnostics)
    if status == 404 and not call.bare:
        yield _PUSH_AGAIN if call.taken else _CREATE_REPOSITORY if writing else _CHECK_NAME
    if writing:
        yield by_status(call, status)
    yield _HINTS.get(status)
    if status >= 500:
        yield _TROUBLE


def _denied_hint(call: Call, login: LoginWords) -> str:
    """Return what helps where no other login would, or where none was asked for."""
    look = _look_with(call.registry, repository_of(call.scopes))
    what = "pull from" if is_reading(call.scopes) else "push to"
    if login.used and login.asked:
        other = ", or use another login"
        if login.renewal and login.renewal != CHECK:
            other += f" ({login.renewal})"
        return f"the login from {login.used} may not {what} it: ask for the right{other}{look}"
    return (
        f"{call.registry} asked for no login, so it is its own rules that forbid to {what} it: "
        f"see what they allow to whom{look}"
    )


_CHECK_NAME = "check the name and the tag"
_CREATE_REPOSITORY = (
    "create the repository in the registry first: not every registry (Amazon ECR is one) makes "
    "it on the first push"
)
_TROUBLE = "the registry is in trouble: try again later"
_NO_REGISTRY = "what answers there seems to be no registry: check its address, with the port"
_PUSH_AGAIN = "push again: what the registry had a moment ago was removed from it"
_HINTS = {
    413: "a proxy in front of the registry limits uploads: raise its limit (client_max_body_size "
    "in nginx)",
    501: "what answers there cannot do this: check its address, or use another registry",
}
_HINTS_BY_CODE = {
    "MANIFEST_INVALID": "the registry may not take this kind of manifest: try --format docker or "
    "oci",
    "MANIFEST_BLOB_UNKNOWN": _PUSH_AGAIN,
    "PROJECTPOLICYVIOLATION": "a policy of its project, about signatures or vulnerabilities, forbids "
    "to pull it: take another tag, or ask who runs the registry",
}


def login_hint(registry: str, login: LoginWords, *, repository: str = "") -> str:
    """Return what helps when ``registry`` wants a login or did not take the one it got."""
    if login.withheld:
        return login.withheld
    look = _look_with(registry, repository)
    if login.used:
        help_ = login.renewal or CHECK
        return f"the login from {login.used} was not accepted: {help_}{look}"
    looked = f"; none was found in {', '.join(login.tried)}" if login.tried else ""
    return f"log in with pyjib login {registry}{looked}{look}"


def _look_with(registry: str, repository: str) -> str:
    command = f"doctor {registry}/{repository}" if repository else f"login --check {registry}"
    return f"; pyjib {command} shows what was tried, and what is allowed"


def _wait_hint(call: Call, after: float | None, login: LoginWords) -> str:
    soon = after is None or after < _SOON
    when = "try again later" if soon else f"try again in {in_words(after or 0)}"
    if login.used or not login.asked:
        return when
    return f"{when}, or log in with pyjib login {call.registry}, which may allow more"


def _pull_limit(headers: Mapping[str, str]) -> str:
    """Return what Docker Hub tells of its limit, and whom it counts for."""
    allowed = _LIMIT.fullmatch(headers.get("ratelimit-limit", "").strip())
    left = _LIMIT.fullmatch(headers.get("ratelimit-remaining", "").strip())
    if allowed is None:
        return ""
    source = headers.get("docker-ratelimit-source", "").strip()
    whose = f"to {source}, " if reach_of(source) is not None else ""  # else an account's number
    rest = f", of which {left[1]} are left" if left is not None else ""
    return f"; it allows {whose}{allowed[1]} pulls in {in_words(int(allowed[2]))}{rest}"


def in_words(seconds: float) -> str:
    """Return a duration for people, rounded up: ``90 seconds``, ``60 minutes``, ``6 hours``."""
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{-int(-seconds // size)} {unit}"
    whole = max(1, -int(-seconds // 1))
    return "1 second" if whole == 1 else f"{whole} seconds"
