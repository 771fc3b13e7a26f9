"""Which mirror and which proxy settings.xml means: what Maven 3.8.7 and 3.9.9 were seen to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.maven_remote.logins import Logins
from pyjib.options import HostEnvironment
from pyjib.project.maven.interpolation import Interpolator
from pyjib.project.maven.model import Repository
from pyjib.project.maven.remote import find_mirror
from pyjib.project.maven.secrets import Secrets
from pyjib.project.maven.settings import Settings, parse_settings, read_settings

HOST = "192.0.2.2"


def parse(body: str) -> Settings:
    text = f"<settings>{body}</settings>".encode()
    return parse_settings(text, Path("settings.xml"), Interpolator())


def proxy(more: str, name: str = "p", host: str = "proxy.example.com") -> str:
    return f"<proxy><id>{name}</id><host>{host}</host>{more}</proxy>"


def chosen(*proxies: str, scheme: str = "http", host: str = HOST) -> str | None:
    """The proxy that a request goes through."""
    settings = parse(f"<proxies>{''.join(proxies)}</proxies>")
    logins = Logins(settings, Secrets(Path("settings-security.xml")))
    found = logins.host_for(scheme, host, HostEnvironment.of({}, Path("home")))
    return found.variables.get("all_proxy")


@pytest.mark.parametrize(
    ("patterns", "is_direct"),
    [
        ("a|192.0.2.2", True),
        ("192.*", True),
        ("*.2", True),
        ("1*.0.*2", True),
        ("192.0.2.[0-9]", True),
        ("0.2.2", False),
        ("192.0.2.?", False),
        ("a,192.0.2.2", False),
        ("a, 192.0.2.2", False),
        ("a | 192.0.2.2", False),
        ("[", False),
        ("", False),
    ],
)
def test_hosts_without_a_proxy(patterns: str, is_direct: bool) -> None:
    found = chosen(proxy(f"<nonProxyHosts>{patterns}</nonProxyHosts>"))
    assert (found is None) is is_direct


def test_capitals_do_not_matter() -> None:
    rule = proxy("<nonProxyHosts>*.EXAMPLE.com</nonProxyHosts>")
    assert chosen(rule, host="repo.example.com") is None


@pytest.mark.parametrize(
    ("proxies", "host"),
    [
        ([proxy("", "a", "one"), proxy("", "b", "two")], "one"),
        ([proxy("<active>false</active>", "a", "one"), proxy("", "b", "two")], "two"),
        ([proxy("<active>false</active>", "a", "one"), proxy("", "a", "two")], "two"),
        (
            [proxy("<nonProxyHosts>192.*</nonProxyHosts>", "a", "one"), proxy("", "b", "two")],
            "two",
        ),
        ([proxy("<protocol>https</protocol>", "a", "one"), proxy("", "b", "two")], "two"),
        ([proxy("<protocol>HTTP</protocol>", "a", "one")], "one"),
        ([proxy("<protocol>https</protocol>", "a", "one")], None),
    ],
)
def test_one_of_several_proxies(proxies: list[str], host: str | None) -> None:
    assert chosen(*proxies) == (host and f"http://{host}:8080")


def mirror(of: str, more: str = "", name: str = "m") -> str:
    return (
        f"<mirror><id>{name}</id><mirrorOf>{of}</mirrorOf><url>https://{name}</url>{more}</mirror>"
    )


@pytest.mark.parametrize(
    ("pattern", "is_meant"),
    [
        ("*", True),
        ("r1,other", True),
        ("other,r1", True),
        ("*,!r1", False),
        ("!r1,*", False),
        ("other, r1", False),
        (" r1 ", True),
        ("r1 , other", False),
        ("external:*", True),
        ("external:http:*", False),
    ],
)
def test_repositories_that_a_mirror_stands_for(pattern: str, is_meant: bool) -> None:
    settings = parse(f"<mirrors>{mirror(pattern)}</mirrors>")
    repository = Repository(id="r1", url="https://repo.example.com")
    assert (find_mirror(settings.mirrors, repository) is not None) is is_meant


@pytest.mark.parametrize(
    ("layouts", "is_meant"),
    [
        ("legacy", False),
        ("default", True),
        ("default,legacy", True),
        ("*", True),
        ("*,!default", False),
        ("", True),
    ],
)
def test_layouts_that_a_mirror_stands_for(layouts: str, is_meant: bool) -> None:
    more = f"<mirrorOfLayouts>{layouts}</mirrorOfLayouts>"
    settings = parse(f"<mirrors>{mirror('*', more)}</mirrors>")
    repository = Repository(id="r1", url="https://repo.example.com")
    assert (find_mirror(settings.mirrors, repository) is not None) is is_meant


PROPERTY = "<property><name>X-A</name><value>1</value></property>"


@pytest.mark.parametrize(
    "configured",
    [
        f"<httpHeaders>{PROPERTY}</httpHeaders>",
        "<httpHeaders><X-A>1</X-A></httpHeaders>",
        f"<httpConfiguration><all><headers>{PROPERTY}</headers></all></httpConfiguration>",
        f"<httpConfiguration><get><headers>{PROPERTY}</headers></get></httpConfiguration>",
    ],
)
def test_headers_in_every_form_that_a_maven_takes(configured: str) -> None:
    servers = f"<server><id>s</id><configuration>{configured}</configuration></server>"
    found = parse(f"<servers>{servers}</servers>").server("s")
    assert found is not None
    assert found.headers == (("X-A", "1"),)


def test_what_one_file_says_twice_is_there_twice(tmp_path: Path) -> None:
    """Only what both files have under one id is the user's alone."""
    own, shared = tmp_path / "own.xml", tmp_path / "shared.xml"
    two = mirror("a", name="m") + mirror("b", name="m")
    own.write_text(f"<settings><mirrors>{two}</mirrors></settings>")
    more = mirror("c", name="m") + mirror("d", name="n")
    shared.write_text(f"<settings><mirrors>{more}</mirrors></settings>")
    found = read_settings(own, shared, Interpolator())
    assert [each.mirror_of for each in found.mirrors] == ["a", "b", "d"]
