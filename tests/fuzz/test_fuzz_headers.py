"""What registries, token servers and proxies put into headers and short answers."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyjib.oci.instant import Instant
from pyjib.options import HostEnvironment
from pyjib.registry.calls.paging import next_of
from pyjib.registry.calls.upload_session import received
from pyjib.registry.login.cloud.exchange import date_of, ends_after
from pyjib.registry.login.scope import Scope
from pyjib.registry.login.tokens import Realm, Tokens
from pyjib.registry.net.message import Headers, Reply
from pyjib.registry.net.proxies import Proxy, is_exempt, proxy_for
from pyjib.registry.net.retry import retry_after
from pyjib.registry.net.urls import Url, redact
from tests.support.fuzzing import damaged, fuzz, odd_json, odd_json_bytes, survives

ROOT = Url.parse("https://r.example.org:5000/v2/team/app/blobs/uploads/")
LOCATIONS = (
    b"https://r.example.org:5000/v2/a/blobs/uploads/1?_state=a%3D&digest=x#f",
    b"//storage.example.org/a?X-Amz-Signature=abc&scope=b",
    b"/v2/team/app/tags/list?n=1000&last=v1",
    b"../../blobs/./uploads/../1",
    b"http://[fd00:ec2::254]:80/latest",
    b"https://user:password@r.example.org/",
)
MARKS = (b"//", b"@", b":", b"?", b"&", b"#", b"[", b"]", b"/../" * 3000, b"=&" * 3000, b"\xb2")
LINKS = (
    b'</v2/a/tags/list?n=2&last=b>; rel="next"',
    b'<https://r.example.org/x>;title="a, b";rel=next, </y>; rel=prev',
)
ANGLES = (b"<", b">", b";", b"rel", b"<>;" * 30_000, b"<" * 90_000, b"; rel" * 9000, b"rel = ")
WAITS = (b"120", b"Tue, 24 Nov 2026 10:00:00 GMT", b"Wed, 21 Oct 2015 07:28:00 +0130", b"0-1023")
FIELDS = (b"+", b"-", b":", b"GMT", b" ", b"99999999999999", b"bytes=0-", b"Jan", b"\xb2", b"0000")
TOKENS = [
    {"token": "abc.def", "expires_in": 300, "issued_at": "2026-11-24T10:00:00Z"},
    {"access_token": "abc", "expires_in": "3600"},
]
REALM = Realm(registry="r.example.org", url=ROOT, service="r")
PULL = (Scope.of_repository("team/app", "pull"),)
TIMES = (b"2024-05-01T12:00:00Z", b"2024-05-01T12:00:00.123456789+02:00", b"0001-01-01T00:00:00+18")


@given(data=damaged(LOCATIONS, MARKS))
@fuzz
def test_locations(data: bytes) -> None:
    text = data.decode("latin-1")
    for parse in (Url.parse, ROOT.join):
        url = survives(parse, text)
        if url is not None:
            assert Url.parse(url.full) == url
            assert url.full.isascii()
            assert url.full.isprintable()
    assert "s3cr3t" not in redact("https://user:s3cr3t@" + text)


@given(data=damaged(LINKS, ANGLES))
@example(data=b"<" * 99_000)
@example(data=b"<>;" * 33_000)
@fuzz
def test_links(data: bytes) -> None:
    found = survives(next_of, data.decode("latin-1"))
    if found:
        survives(ROOT.join, found)


@given(data=damaged(WAITS, FIELDS), date=damaged(WAITS, FIELDS))
@example(data=b"Wed, 21 Oct 2015 07:28:00 +99999999999999", date=b"Wed, 21 Oct 2015 07:28:00 GMT")
@fuzz
def test_waits_and_ranges(data: bytes, date: bytes) -> None:
    lines = [(b"Retry-After", data), (b"Date", date), (b"Range", data)]
    headers = survives(Headers.of, lines)
    assert headers is not None
    wait = survives(retry_after, headers)
    assert wait is None or 0 <= wait < math.inf
    survives(date_of, headers)
    survives(received, headers)


@given(data=odd_json_bytes(TOKENS))
@example(data=b'{"token": "a", "expires_in": -1' + b"0" * 400 + b"}")
@fuzz
def test_answers_of_token_servers(data: bytes) -> None:
    reply = Reply(status=200, url=ROOT, headers=Headers({}), data=data)
    tokens = Tokens(lambda call, limit: reply)
    text = survives(lambda: tokens.get(REALM, None, PULL, for_body=False))
    assert text is None or (text.isascii() and text.isprintable())


@given(life=odd_json(({"life": 3600}, {"life": "3600"})))
@example(life={"life": -(10**400)})
@fuzz
def test_lives_of_logins(life: object) -> None:
    survives(ends_after, life.get("life") if isinstance(life, dict) else life)


PROXIES = (b"http://user:p%40ss@proxy.example.org:3128/", b"socks5h://[::1]:1080", b"10.0.0.1:80")
EXEMPT = (b"localhost, .example.org,*.x.org 10.0.0.0/8,[::1]:80,*",)


@given(data=damaged(PROXIES, MARKS), exempt=damaged(EXEMPT, MARKS))
@fuzz
def test_proxies(data: bytes, exempt: bytes) -> None:
    text, listed = data.decode("utf-8", "surrogateescape"), exempt[:9000].decode("utf-8", "replace")
    survives(Proxy.parse, text)
    survives(is_exempt, ROOT, listed)
    variables = {"https_proxy": text, "no_proxy": listed}
    survives(proxy_for, ROOT, HostEnvironment(variables=variables))


@given(data=damaged(TIMES, FIELDS))
@fuzz
def test_times(data: bytes) -> None:
    instant = survives(Instant.parse, data.decode("utf-8", "replace"))
    if instant is not None:
        assert len(str(instant)) < 40


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_times_beyond_the_calendar(text: str) -> None:
    instant = survives(Instant.parse, text)
    assert instant is None or str(instant)


@given(pieces=st.lists(st.sampled_from((*LOCATIONS, *MARKS)), max_size=6))
@fuzz
def test_redaction_of_anything(pieces: list[bytes]) -> None:
    survives(redact, b"".join(pieces).decode("latin-1"))


def test_a_token_with_more_digits_than_a_float_has() -> None:
    data = json.dumps({"token": "t", "expires_in": 10**400}).encode()
    reply = Reply(status=200, url=ROOT, headers=Headers({}), data=data)
    assert Tokens(lambda call, limit: reply).get(REALM, None, PULL, for_body=True) == "t"
