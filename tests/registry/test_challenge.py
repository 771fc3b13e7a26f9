from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.registry.login.challenge import Challenge, parse_challenges
from pyjib.registry.login.scope import Scope, covers, is_reading, parse_scopes, union


def parse(*lines: str) -> list[tuple[str, dict[str, str]]]:
    return [(found.scheme, dict(found.parameters)) for found in parse_challenges(lines)]


BEARER = ("bearer", {"realm": "https://a/t", "service": "s"})


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['Bearer realm="https://a/t",service="s"'], [BEARER]),
        (['bearer REALM="https://a/t" , Service = s'], [BEARER]),
        (["Bearer realm=https://a/t,service=s"], [BEARER]),
        (['Basic realm="x"'], [("basic", {"realm": "x"})]),
        (["Basic"], [("basic", {})]),
        (
            ['Negotiate, Basic realm="x", Bearer realm="https://a/t",service="s"'],
            [("negotiate", {}), ("basic", {"realm": "x"}), BEARER],
        ),
        (
            ["Negotiate YII=", 'Basic realm="x"', 'Bearer realm="https://a/t",service="s"'],
            [("negotiate", {}), ("basic", {"realm": "x"}), BEARER],
        ),
        (
            ['NTLM TlRMTVNTUAAC==, Bearer realm="https://a/t", service="s"'],
            [("ntlm", {}), BEARER],
        ),
        (['Bearer realm="a\\"b, c=d",x="\\\\"'], [("bearer", {"realm": 'a"b, c=d', "x": "\\"})]),
        (
            ['Bearer realm="r",scope="repository:a:pull,push repository:b:pull"'],
            [("bearer", {"realm": "r", "scope": "repository:a:pull,push repository:b:pull"})],
        ),
        (['Bearer realm="one",realm="two"'], [("bearer", {"realm": "one"})]),
        (['Bearer realm="unclosed'], [("bearer", {})]),
        (
            ['Bearer realm="https://a/t",service="s" , , Basic realm="x",  Digest qop="auth,int"'],
            [BEARER, ("basic", {"realm": "x"}), ("digest", {"qop": "auth,int"})],
        ),
        (["Basic, Bearer realm=r"], [("basic", {}), ("bearer", {"realm": "r"})]),
        (['bearer\trealm = "r"\t,\tservice=\ts'], [("bearer", {"realm": "r", "service": "s"})]),
        (['Bearer realm="",scope=""'], [("bearer", {"realm": "", "scope": ""})]),
        (["NTLM abc+/=, Negotiate a.b~c"], [("ntlm", {}), ("negotiate", {})]),
        ([""], []),
        ([",,,"], []),
        (["=x, Basic realm=y"], [("basic", {"realm": "y"})]),
    ],
)
def test_grammar(lines: list[str], expected: list[tuple[str, dict[str, str]]]) -> None:
    assert parse(*lines) == expected


@given(st.text(max_size=60))
def test_any_text_can_be_parsed(text: str) -> None:
    assert all(isinstance(found, Challenge) for found in parse_challenges([text]))


def test_an_endless_line_takes_no_endless_time() -> None:
    assert len(parse("a " * 1_000_000)) <= 16 * 1024
    assert parse('a="' * 1_000_000) == []


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=30))
def test_quoted_values_round_trip(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert parse(f'Bearer realm="{quoted}", service=s') == [
        ("bearer", {"realm": value, "service": "s"})
    ]


def test_scopes() -> None:
    scopes = parse_scopes("repository:host:5000/a:push,pull odd repository:b:pull")
    assert [str(scope) for scope in scopes] == [
        "repository:host:5000/a:pull,push",
        "repository:b:pull",
    ]
    pull = (Scope.of_repository("b", "pull"),)
    both = union((*pull, Scope.of_repository("b", "push"), Scope.of_repository("a", "pull")))
    assert [str(scope) for scope in both] == ["repository:b:pull,push", "repository:a:pull"]
    assert covers(both, pull)
    assert not covers(pull, both)
    assert covers(pull, ())
    assert is_reading(pull)
    assert not is_reading(both)
