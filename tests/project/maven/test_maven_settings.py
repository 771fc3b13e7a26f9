from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.errors import ConfigurationError
from pyjib.project.maven.interpolation import Interpolator
from pyjib.project.maven.settings import (
    Mirror,
    Proxy,
    Server,
    Settings,
    parse_settings,
    read_settings,
)
from tests.support.maven import write

TEXT = Interpolator({"env.TOKEN": "t0ken", "user.home": "/home/me"}.get)


def parse(body: str) -> Settings:
    return parse_settings(f"<settings>{body}</settings>".encode(), Path("settings.xml"), TEXT)


def test_a_whole_file() -> None:
    found = parse(
        "<localRepository>${user.home}/repo</localRepository><offline>true</offline>"
        "<mirrors><mirror><id>m</id><url>https://m</url><mirrorOf>*,!x</mirrorOf>"
        "<blocked>true</blocked></mirror></mirrors>"
        "<servers><server><id>s</id><username>u</username><password>${env.TOKEN}</password>"
        "<configuration><httpHeaders><property><name>Job-Token</name><value>${env.TOKEN}</value>"
        "</property></httpHeaders></configuration></server></servers>"
        "<proxies><proxy><id>p</id><active>false</active><protocol>HTTPS</protocol>"
        "<host>h</host><port>3128</port><nonProxyHosts>localhost|*.x,y</nonProxyHosts></proxy>"
        "</proxies>"
        "<profiles><profile><id>f</id><activation><jdk>17</jdk></activation><properties><a>1</a>"
        "</properties><repositories><repository><id>r</id><url>u</url></repository>"
        "</repositories></profile></profiles>"
        "<activeProfiles><activeProfile>f</activeProfile><activeProfile/></activeProfiles>"
    )
    assert found.local_repository == "/home/me/repo"
    assert found.offline
    assert found.mirrors == (Mirror(id="m", url="https://m", mirror_of="*,!x", blocked=True),)
    assert found.server("s") == Server(
        id="s", username="u", password="t0ken", headers=(("Job-Token", "t0ken"),)
    )
    assert found.server("other") is None
    assert found.proxies == (
        Proxy(
            id="p",
            active=False,
            protocol="https",
            host="h",
            port=3128,
            bypass=("localhost", "*.x,y"),
        ),
    )
    (profile,) = found.profiles
    assert (profile.id, profile.activation.jdk) == ("f", "17")
    assert profile.body.properties == {"a": "1"}
    assert [each.id for each in profile.body.repositories] == ["r"]
    assert found.active_profiles == ("f",)


def test_nothing_secret_is_shown() -> None:
    found = parse(
        "<servers><server><id>s</id><password>hidden</password></server></servers>"
        "<proxies><proxy><host>h</host><password>hidden</password></proxy></proxies>"
    )
    assert "hidden" not in repr(found)


def test_the_users_file_is_over_the_installations(tmp_path: Path) -> None:
    def settings(name: str, body: str) -> Path:
        return write(tmp_path / name, f"<settings>{body}</settings>")

    def mirror(name: str, url: str) -> str:
        return f"<mirror><id>{name}</id><url>{url}</url><mirrorOf>*</mirrorOf></mirror>"

    user = settings(
        "user.xml",
        f"<mirrors>{mirror('a', 'user')}</mirrors><activeProfiles><activeProfile>x</activeProfile>"
        "</activeProfiles>",
    )
    shared = settings(
        "shared.xml",
        f"<mirrors>{mirror('b', 'shared')}{mirror('a', 'shared')}</mirrors><offline>true</offline>"
        "<localRepository>/shared</localRepository><activeProfiles><activeProfile>y"
        "</activeProfile><activeProfile>x</activeProfile></activeProfiles>",
    )
    found = read_settings(user, shared, TEXT)
    assert [(each.id, each.url) for each in found.mirrors] == [("a", "user"), ("b", "shared")]
    assert found.active_profiles == ("x", "y")
    assert found.local_repository == "/shared"
    assert not found.offline  # only the user's own file can say that
    assert read_settings(None, tmp_path / "missing.xml", TEXT) == Settings()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<settings>\n<a></settings>", r"settings\.xml, line 2: Non-parseable settings: end tag"),
        (
            b"<settings><proxies><proxy><id>p</id></proxy></proxies></settings>",
            r"settings\.xml: 'proxies\.proxy\.host' for p is missing",
        ),
    ],
)
def test_what_cannot_be_read(data: bytes, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_settings(data, Path("settings.xml"), TEXT)
