from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import pytest

from pyjib.errors import (
    DeniedError,
    NotFoundError,
    PyjibError,
    RateLimitedError,
    RegistryError,
    UnauthorizedError,
)
from pyjib.registry.flight import SingleFlight
from pyjib.registry.login.scope import Scope
from pyjib.registry.net.message import Call
from pyjib.registry.net.retry import Gates, Passing, delay_before, retry_after
from pyjib.registry.refusal import LoginWords, in_words, parse_error, refusal

NOON = "Wed, 01 May 2024 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": " 17 "}, 17),
        ({"retry-after": "9" * 5000}, 999_999_999),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 01 May 2024 12:01:30 GMT", "date": NOON}, 90),
        ({"retry-after": "Wed, 01 May 2024 11:00:00 GMT", "date": NOON}, 0),
        ({"retry-after": "Wed, 01 May 2024 12:01:30 GMT"}, None),
        ({"retry-after": "Wed, 01 May 2024 12:01:30 GMT", "date": "x"}, None),
        ({"retry-after": "Wed, 01 May 2024 12:01:30", "date": NOON}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_delays_grow_and_are_bounded() -> None:
    """Each has a floor, so that all together outlast a registry that is restarted."""
    for attempt, step in [(2, 0.5), (3, 2), (4, 8), (5, 30), (20, 30), (10_000, 30)]:
        assert all(step * 2 / 3 <= delay_before(attempt, None) <= step for _ in range(50))
    assert delay_before(2, 17) == 17
    for _ in range(50):
        assert 27 <= sum(delay_before(attempt, None) for attempt in range(2, 6)) <= 40.5


def test_a_gate_holds_all_threads_back() -> None:
    waits: list[float] = []
    gates = Gates(wait=waits.append)
    gates.close("a", 5)
    gates.close("a", 1)
    gates.pass_through("b")
    assert waits == []
    gates.pass_through("a")
    gates.pass_through("a")
    assert len(waits) == 2
    assert all(4 < wait <= 5 for wait in waits)


def test_a_pause_that_is_made_longer_meanwhile() -> None:
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:  # another thread is told to wait for longer
            gates.close("a", 90)

    gates = Gates(wait=wait)
    gates.close("a", 5)
    gates.pass_through("a")
    assert [round(seconds) for seconds in waits] == [5, 90]


def test_single_flight() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    calls, results, entered, go = [], [], threading.Event(), threading.Event()

    def work() -> int:
        calls.append(1)
        entered.set()
        go.wait(60)
        return len(calls)

    threads = [
        threading.Thread(target=lambda: results.append(flights.do("k", work))) for _ in range(8)
    ]
    threads[0].start()
    entered.wait(60)
    for thread in threads[1:]:
        thread.start()
    deadline = time.monotonic() + 60
    while threading.active_count() < 8 and time.monotonic() < deadline:
        time.sleep(0.001)
    go.set()
    for thread in threads:
        thread.join()
    assert results[0] == 1
    assert len(results) == 8
    assert flights.do("k", lambda: 7) == 7


def test_single_flight_shares_failures() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    with pytest.raises(PyjibError):
        flights.do("k", lambda: (_ for _ in ()).throw(PyjibError("no")))
    assert flights.do("k", lambda: 1) == 1


def body(*errors: object) -> bytes:
    return json.dumps({"errors": errors}).encode()


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (body({"code": "DENIED", "message": "no"}), "DENIED: no"),
        (body({"code": "A"}, {"code": "B", "detail": "d"}), "A; B: d"),
        (body({"code": "A", "detail": {"x": 1}}), "A"),
        (body({}, 1), ""),
        (
            b"toomanyrequests: You have reached your limit\n",
            "toomanyrequests: You have reached your limit",
        ),
        (b"<html>\n<b>502</b>\x1b[31m\x00</html>", "a web page"),
        (b"<b>502</b>\x1b[31m\x00", "<b>502</b>[31m"),
        (b" <!DOCTYPE HTML>\n<title>No &amp;\n\x1b[31m</title>x", "a web page: No & [31m"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 1000, "x" * 300),
        (b"[" * 100_000, "[" * 300),
        (b"null", "null"),
        (b'{"errors": 5}', '{"errors": 5}'),
        (b"", ""),
    ],
)
def test_error_bodies(data: bytes, shown: str) -> None:
    diagnostics, text = parse_error(data)
    assert ("; ".join(map(str, diagnostics)) or text) == shown


PULL = Call(action="get it", registry="r.io", scopes=(Scope.of_repository("a", "pull"),))
PUSH = Call(
    action="push it",
    registry="r.io",
    method="PUT",
    scopes=(Scope.of_repository("a", "pull", "push"),),
)
LOOK = replace(PUSH, method="GET")
DELETE = replace(PUSH, method="DELETE")
TOKEN = replace(PUSH, method="POST", bare=True)
NOBODY = LoginWords(tried=("the file",))
SOMEBODY = LoginWords(used="the file (user me)")
UNASKED = LoginWords(asked=False)
INVALID = body({"code": "TAG_INVALID"})
FULL = body({"code": "DENIED", "message": "Quota exceeded"})
POLICY = body({"code": "PROJECTPOLICYVIOLATION", "message": "current image with 9 vulnerabilities"})
PAGE = b"<!DOCTYPE html>\n<html><title>Error</title></html>"


@pytest.mark.parametrize(
    ("call", "status", "login", "data", "kind", "hint"),
    [
        (PULL, 401, NOBODY, b"", UnauthorizedError, "pyjib login r.io; none was found in the file"),
        (PULL, 401, SOMEBODY, b"", UnauthorizedError, "the login from the file (user me) was not"),
        (PULL, 401, LoginWords(withheld="why"), b"", UnauthorizedError, "why"),
        (PULL, 403, SOMEBODY, b"", DeniedError, "may not pull from"),
        (PUSH, 403, SOMEBODY, b"", DeniedError, "may not push to"),
        (PUSH, 403, NOBODY, b"", DeniedError, "pyjib login r.io"),
        (PULL, 404, NOBODY, b"", NotFoundError, "check the name"),
        (PUSH, 404, NOBODY, b"", NotFoundError, "create the repository"),
        (PUSH, 405, NOBODY, b"", RegistryError, "takes no pushes"),
        (PULL, 405, NOBODY, b"", RegistryError, ""),
        (PULL, 409, NOBODY, b"", RegistryError, ""),
        (LOOK, 404, NOBODY, b"", NotFoundError, "check the name"),
        (PULL, 412, NOBODY, POLICY, RegistryError, "a policy of its project"),
        *((call, 405, NOBODY, b"", RegistryError, "") for call in (LOOK, DELETE, TOKEN)),
        (PUSH, 413, NOBODY, b"", RegistryError, "limit"),
        (PUSH, 400, NOBODY, INVALID, RegistryError, "immutable"),
        (PUSH, 505, NOBODY, b"", RegistryError, "in trouble"),
        (PUSH, 501, NOBODY, b"", RegistryError, "cannot do this: check its address"),
        (PUSH, 501, NOBODY, PAGE, RegistryError, "seems to be no registry"),
        (PULL, 404, NOBODY, PAGE, NotFoundError, "seems to be no registry"),
        (PUSH, 403, UNASKED, b"", DeniedError, "r.io asked for no login, so it is its own rules"),
        (PUSH, 403, UNASKED, FULL, DeniedError, "free some space at r.io, or have its quota"),
        (PUSH, 403, SOMEBODY, FULL, DeniedError, "free some space at r.io, or have its quota"),
        (PUSH, 403, LoginWords(used="x", withheld="why"), FULL, DeniedError, "why"),
    ],
)
def test_refusals_help(
    call: Call,
    status: int,
    login: LoginWords,
    data: bytes,
    kind: type[RegistryError],
    hint: str,
) -> None:
    error = refusal(call, status, {}, data, login)
    assert type(error) is kind
    assert hint in (error.hint or "")
    assert bool(hint) is bool(error.hint)
    assert error.message.startswith(f"cannot {call.action}: r.io answered {status} ")
    assert (error.action, error.status) == (call.action, status)
    assert "<" not in error.message


@pytest.mark.parametrize("status", [408, 429, 499, 500, 502, 503, 504, 520, 524])
def test_what_passes(status: int) -> None:
    error = refusal(PULL, status, {"retry-after": "7"}, b"", NOBODY)
    assert isinstance(error, Passing)
    assert error.after == 7


@pytest.mark.parametrize("status", [429, 503])
def test_too_long_a_wait(status: int) -> None:
    error = refusal(PULL, status, {"retry-after": "3600"}, b"slow down", NOBODY)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == 3600
    assert "try again in 60 minutes, or log in" in (error.hint or "")
    assert "slow down" in error.message


@pytest.mark.parametrize(
    ("login", "after", "hint"),
    [
        (SOMEBODY, 3600, "try again in 60 minutes"),
        (UNASKED, 3600, "try again in 60 minutes"),
        (
            NOBODY,
            90,
            "try again in 90 seconds, or log in with pyjib login r.io, which may allow more",
        ),
        (SOMEBODY, 1, "try again later"),
        (SOMEBODY, None, "try again later"),
    ],
)
def test_who_asked_too_often(login: LoginWords, after: int | None, hint: str) -> None:
    """To log in helps nobody who has, and nowhere where no login is asked for."""
    headers = {} if after is None else {"retry-after": str(after)}
    found = refusal(PULL, 429, headers, b"", login)
    assert (found.error if isinstance(found, Passing) else found).hint == hint


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("203.0.113.7", "; it allows to 203.0.113.7, 100 pulls in 6 hours, of which 0 are left"),
        ("0b6f2c1e-8f4d", "; it allows 100 pulls in 6 hours, of which 0 are left"),
    ],
)
def test_what_docker_hub_tells_of_its_limit(source: str, told: str) -> None:
    """An address may be that of a whole office; an account's number tells nobody anything."""
    headers = {
        "ratelimit-limit": "100;w=21600",
        "ratelimit-remaining": "0;w=21600",
        "docker-ratelimit-source": source,
    }
    found = refusal(PULL, 429, headers, b"", NOBODY)
    assert isinstance(found, Passing)
    assert found.error.message.endswith(f"answered 429 Too Many Requests{told}")
    odd = refusal(PULL, 429, {"ratelimit-limit": "100, 100;w=60"}, b"", NOBODY)
    assert isinstance(odd, Passing)
    assert odd.error.message.endswith("answered 429 Too Many Requests")


def test_durations() -> None:
    spoken = [in_words(seconds) for seconds in (0.2, 90, 121, 7199, 7201, 21600)]
    assert spoken == ["1 second", "90 seconds", "3 minutes", "120 minutes", "3 hours", "6 hours"]
