from __future__ import annotations

import base64
import json
import os
import stat
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pyjib.errors import ConfigurationError
from pyjib.events import Event, Warned
from pyjib.options import CredentialHelper, HostEnvironment, Login, RegistryOptions
from pyjib.registry.login import credentials, docker_config, helpers
from pyjib.registry.login.credential import Credential, Search
from pyjib.registry.login.credentials import Finder
from pyjib.registry.login.keeping import logout, store

posix = pytest.mark.skipif(os.name != "posix", reason="the fake helper is a script with #!")

HELPER = """#!{python}
import json, pathlib, sys
verb, text = sys.argv[1], sys.stdin.read()
with pathlib.Path({log!r}).open("a") as log:
    print(verb, text, file=log)
print("a secret on stderr", file=sys.stderr)
{code}
"""


def find(
    registry: str, options: RegistryOptions, host: HostEnvironment, *, repository: str = ""
) -> Search:
    """Look with nothing in mind of searches before."""
    return Finder(options, host).find(registry, repository)


def auth(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def logins(**users: str) -> dict[str, Any]:
    return {"auths": {host: {"auth": auth(user, "pw")} for host, user in users.items()}}


def write(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


class Home:
    """A home directory with a PATH of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / ".docker" / "config.json"
        self.bin = root / "bin"
        self.bin.mkdir()
        self.log = root / "helper.log"
        self.log.touch()

    def host(self, **variables: str) -> HostEnvironment:
        return HostEnvironment(variables={"PATH": str(self.bin), **variables}, home=self.root)

    def user(self, registry: str, repository: str = "", **variables: str) -> str | None:
        found = find(registry, RegistryOptions(), self.host(**variables), repository=repository)
        return found.credential.username if found.credential else None

    def helper(self, name: str, code: str) -> None:
        program = self.bin / f"docker-credential-{name}"
        program.write_text(HELPER.format(python=sys.executable, log=str(self.log), code=code))
        program.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_places_in_order(home: Home) -> None:
    runtime, config = home.root / "run", home.root / "xdg"
    write(config / "containers/auth.json", logins(**{"r.io": "xdg"}))
    variables = {"XDG_CONFIG_HOME": str(config), "XDG_RUNTIME_DIR": str(runtime)}
    assert home.user("r.io", **variables) == "xdg"
    write(runtime / "containers/auth.json", logins(**{"r.io": "runtime"}))
    assert home.user("r.io", **variables) == "runtime"
    write(home.root / ".dockercfg", logins(**{"r.io": "old"})["auths"])
    assert home.user("r.io", **variables) == "old"
    write(home.config, logins(**{"r.io": "docker"}))
    assert home.user("r.io", **variables) == "docker"
    write(home.root / "else/config.json", logins(**{"r.io": "DOCKER_CONFIG"}))
    variables["DOCKER_CONFIG"] = str(home.root / "else")
    assert home.user("r.io", **variables) == "DOCKER_CONFIG"
    named = write(home.root / "named.json", logins(**{"r.io": "named"}))
    variables["REGISTRY_AUTH_FILE"] = str(named)
    assert home.user("r.io", **variables) == "named"
    variables["DOCKER_AUTH_CONFIG"] = json.dumps(logins(**{"r.io": "variable"}))
    assert home.user("r.io", **variables) == "variable"
    options = RegistryOptions(logins=(Login(registry="R.io", username="given", password="x"),))
    found = find("r.io", options, home.host(**variables)).credential
    assert found == Credential(source="", username="given", password="x")


def test_podmans_default_place(home: Home) -> None:
    write(home.root / ".config/containers/auth.json", logins(**{"r.io": "podman"}))
    assert home.user("r.io") == "podman"


def test_places_without_a_login_are_told(home: Home) -> None:
    write(home.config, {"auths": {"other.io": {"auth": auth("a", "b")}}})
    search = find("r.io", RegistryOptions(), home.host(DOCKER_AUTH_CONFIG="{}"))
    assert search.credential is None
    podman = home.root / ".config" / "containers" / "auth.json"
    assert search.tried == ("DOCKER_AUTH_CONFIG", str(home.config), f"{podman} (does not exist)")


@pytest.mark.parametrize(
    ("key", "registry", "fits"),
    [
        ("r.io", "r.io", True),
        ("https://r.io", "r.io", True),
        ("https://r.io/", "r.io", True),
        ("http://r.io/v1/", "r.io", True),
        ("R.IO/v2", "r.io", True),
        ("r.io:5000", "r.io:5000", True),
        ("r.io:5000", "r.io", False),
        ("r.io", "r.io:5000", False),
        ("evil-r.io", "r.io", False),
        ("r.io.evil.com", "r.io", False),
        ("https://index.docker.io/v1/", "docker.io", True),
        ("docker.io", "docker.io", True),
        ("registry-1.docker.io", "docker.io", True),
        ("https://index.docker.io/v1/access-token", "docker.io", False),
        ("https://index.docker.io/v1/refresh-token", "docker.io", False),
        ("hub.docker.com", "docker.io", False),
    ],
)
def test_keys(home: Home, key: str, registry: str, fits: bool) -> None:
    write(home.config, logins(**{key: "me"}))
    assert home.user(registry) == ("me" if fits else None)


@pytest.mark.parametrize(
    ("key", "registry", "repository", "fits"),
    [
        ("*.r.io", "a.r.io", "x", True),
        ("*.r.io", "r.io", "x", False),
        ("*.r.io", "a.b.r.io", "x", False),
        ("a*.eu.r.io", "ab.eu.r.io", "x", True),
        ("a*.eu.r.io", "b.eu.r.io", "x", False),
        ("*.*.r.io", "a.b.r.io", "x", True),
        ("*.r.io:5000", "a.r.io:5000", "x", True),
        ("*.r.io:5000", "a.r.io", "x", False),
        ("https://*.r.io/v1/", "a.r.io", "x", True),
        ("*.r.io/team", "a.r.io", "team/app", True),
        ("*.r.io/team", "a.r.io", "teams/app", False),
        ("*.io", "r.io", "x", False),
        ("*", "r.io", "x", False),
        ("*.*", "r.io", "x", False),
        ("a.*.io", "a.r.io", "x", False),
        ("*.r.io", "a.rxio", "x", False),
    ],
)
def test_wildcards(home: Home, key: str, registry: str, repository: str, fits: bool) -> None:
    write(home.config, logins(**{key: "me"}))
    assert home.user(registry, repository) == ("me" if fits else None)


def test_an_exact_key_goes_before_wildcards_and_a_long_one_before_short(home: Home) -> None:
    write(home.config, logins(**{"*.r.io": "short", "a*.r.io": "long", "b.r.io": "exact"}))
    assert home.user("b.r.io") == "exact"
    assert home.user("ab.r.io") == "long"
    assert home.user("c.r.io") == "short"


def test_a_secret_as_kubernetes_mounts_it(home: Home) -> None:
    write(home.root / "secret/.dockerconfigjson", logins(**{"r.io": "pod"}))
    assert home.user("r.io", DOCKER_CONFIG=str(home.root / "secret")) == "pod"


def test_a_file_of_the_callers(home: Home) -> None:
    file = write(home.root / "mine.json", logins(**{"r.io": "mine"}))
    options = RegistryOptions(auth_file=file)
    host = home.host(DOCKER_AUTH_CONFIG=json.dumps(logins(**{"r.io": "variable"})))
    found = find("r.io", options, host).credential
    assert found is not None
    assert found.username == "mine"
    given = RegistryOptions(
        auth_file=file, logins=(Login(registry="r.io", username="given", password="x"),)
    )
    found = find("r.io", given, host).credential
    assert found is not None
    assert found.username == "given"


def test_every_source_is_told_with_what_it_said(home: Home) -> None:
    write(home.config, logins(**{"r.io": "me"}))
    steps = find("r.io", RegistryOptions(), home.host(DOCKER_AUTH_CONFIG="{}")).steps
    podman = home.root / ".config" / "containers" / "auth.json"
    assert [(step.source, step.outcome.value, step.said) for step in steps] == [
        ("the options", "unset", "no login was given"),
        ("DOCKER_AUTH_CONFIG", "none", "has no login to r.io"),
        ("REGISTRY_AUTH_FILE", "unset", "not set"),
        (str(home.config), "found", "has a login: user me"),
        (str(podman), "unasked", "not asked"),
    ]


def test_docker_hubs_own_key_goes_first(home: Home) -> None:
    write(home.config, logins(**{"docker.io": "b", "https://index.docker.io/v1/": "a"}))
    assert home.user("docker.io") == "a"


def test_podman_files_logins_by_path(home: Home) -> None:
    keys = {"r.io": "host", "r.io/team": "team", "r.io/team/app": "app"}
    write(home.config, logins(**keys))
    assert home.user("r.io", "team/app") == "app"
    assert home.user("r.io", "team/other") == "team"
    assert home.user("r.io", "teams/app") == "host"
    assert home.user("r.io") == "host"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"auth": auth("u", "p:w")}, Credential(source="", username="u", password="p:w")),
        ({"username": "u", "password": "p"}, Credential(source="", username="u", password="p")),
        (
            {"auth": auth("u", "p"), "identitytoken": "t"},
            Credential(source="", username="u", password="p", identity_token="t"),
        ),
        ({"registrytoken": "t"}, Credential(source="", registry_token="t")),
        ({"auth": auth("u", "p\0\0")}, Credential(source="", username="u", password="p")),
        ({"auth": "dTpw\ndw==\r\n"}, Credential(source="", username="u", password="pw")),
        ({}, None),
        ({"auth": ""}, None),
        ({"email": "x"}, None),
        ("odd", None),
    ],
)
def test_entries(home: Home, entry: Any, expected: Credential | None) -> None:
    write(home.config, {"auths": {"r.io": entry}})
    assert find("r.io", RegistryOptions(), home.host()).credential == expected


@pytest.mark.parametrize("bad", ["%%%", base64.b64encode(b"nocolon").decode(), "/w=="])
def test_an_auth_that_is_none_is_told_without_its_text(home: Home, bad: str) -> None:
    write(home.config, {"auths": {"r.io": {"auth": bad}}})
    with pytest.raises(ConfigurationError) as caught:
        home.user("r.io")
    assert str(home.config) in caught.value.message
    assert bad not in caught.value.message


@pytest.mark.parametrize("text", ["{", "[]", "1", '{"auths": "se' + "cret", "[" * 100_000])
def test_broken_files_are_named_and_not_quoted(home: Home, text: str) -> None:
    home.config.parent.mkdir()
    home.config.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        home.user("r.io")
    assert str(home.config) in caught.value.message
    assert "secret" not in caught.value.message + str(caught.value.hint)


def test_a_broken_file_is_told_with_the_place(home: Home) -> None:
    home.config.parent.mkdir()
    home.config.write_text('{\n"auths": {,}}')
    with pytest.raises(ConfigurationError, match=r"is not JSON: .*, line 2, column 11") as caught:
        home.user("r.io")
    assert "log in anew with pyjib login" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('{"a": "' + "a" * 2**22 + '"}', "is larger than 4194304 bytes"),
        ('{"a": [' + "[]," * 40_000 + "0]}", "has more than 32768 objects and lists"),
    ],
)
def test_a_config_beyond_all_measure(home: Home, text: str, wrong: str) -> None:
    home.config.parent.mkdir()
    home.config.write_text(text)
    with pytest.raises(ConfigurationError, match=wrong) as caught:
        home.user("r.io")
    assert str(home.config) in str(caught.value)


@pytest.mark.parametrize("member", ["auths", "credHelpers", "credsStore"])
def test_odd_members_count_as_missing(home: Home, member: str) -> None:
    write(home.config, {member: 7})
    assert home.user("r.io") is None


def test_secrets_are_not_in_a_repr() -> None:
    found = Credential(
        source="f",
        username="u",
        password="s3cret",
        identity_token="s3cret",
        registry_token="s3cret",
    )
    assert "s3cret" not in repr(found)
    assert "s3cret" not in repr(Login(registry="r", username="u", password="s3cret"))


GIVES = 'print(json.dumps({"ServerURL": text, "Username": "helped", "Secret": "pw"}))'


@posix
def test_helpers_go_before_files(home: Home) -> None:
    home.helper("one", GIVES)
    home.helper("two", GIVES)
    write(
        home.config,
        logins(**{"r.io": "file", "s.io": "file"})
        | {"credHelpers": {"r.io": "one"}, "credsStore": "two"},
    )
    finder = Finder(RegistryOptions(), home.host())
    for repository in ("a", "b", "a"):
        found = finder.find("r.io", repository).credential
        assert found is not None
        assert found.username == "helped"
    assert home.user("s.io") == "helped"
    assert home.user("docker.io") == "helped"
    assert home.asked == ["get r.io", "get s.io", "get https://index.docker.io/v1/"]


@posix
def test_a_helper_is_asked_again_when_its_login_is_refused(home: Home) -> None:
    """Google's and Amazon's helpers give logins that end; a long push outlives them."""
    counts = f"n = open({str(home.log)!r}).read().count('get')\n"
    home.helper("x", counts + GIVES.replace('"pw"', 'f"pw{n}"'))
    write(home.config, {"credsStore": "x"})
    finder = Finder(RegistryOptions(), home.host())
    first = finder.find("r.io").credential
    assert first is not None
    assert first.password == "pw1"
    second = finder.again("r.io", "", first)
    assert second is not None
    assert second.password == "pw2"
    assert finder.again("r.io", "", first) == second
    assert finder.find("r.io").credential == second


@posix
def test_a_registry_that_is_excepted_from_the_helper(home: Home) -> None:
    home.helper("x", GIVES)
    write(
        home.config, logins(**{"r.io": "file"}) | {"credHelpers": {"r.io": ""}, "credsStore": "x"}
    )
    assert home.user("r.io") == "file"
    assert home.user("s.io") == "helped"
    assert store("r.io", "me", "pw", host=home.host()).helper is None
    assert home.user("r.io") == "me"
    assert home.asked == ["get s.io"]


@posix
@pytest.mark.parametrize("chosen", [False, True])
def test_a_helper_that_stays_with_a_refused_login_is_asked_once_more(
    home: Home, chosen: bool
) -> None:
    """Each call for a public image would start it anew, and some ask for a keychain's password."""
    home.helper("x", GIVES)
    options = RegistryOptions()
    if chosen:
        options = RegistryOptions(helpers=(CredentialHelper(registry="r.io", program="x"),))
    else:
        write(home.config, {"credsStore": "x"})
    finder = Finder(options, home.host())
    for repository in ("a", "b", "a", "b"):
        refused = finder.find("r.io", repository).credential
        assert refused is not None
        assert finder.again("r.io", repository, refused) is None
    assert home.asked == ["get r.io"] * 2


@posix
def test_a_helper_that_stays_with_a_refused_login_is_asked_again_after_a_while(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one repository refused while it was good may have ended by the next refusal."""
    counts = f"n = open({str(home.log)!r}).read().count('get')\n"
    home.helper("x", counts + GIVES.replace('"pw"', 'f"pw{max(n, 2)}"'))
    write(home.config, {"credsStore": "x"})
    finder, now = Finder(RegistryOptions(), home.host()), 1000.0
    monkeypatch.setattr(credentials, "time", SimpleNamespace(monotonic=lambda: now))
    refused = finder.find("r.io", "a").credential
    assert refused is not None
    assert finder.again("r.io", "a", refused) is None
    now += 59
    assert finder.again("r.io", "b", refused) is None
    now += 2
    fresh = finder.again("r.io", "b", refused)
    assert fresh is not None
    assert fresh.password == "pw3"
    assert len(home.asked) == 3


@posix
def test_helpers_give_identity_tokens(home: Home) -> None:
    home.helper("x", 'print(json.dumps({"Username": "<token>", "Secret": "tt"}))')
    write(home.config, {"credsStore": "x"})
    found = find("r.io", RegistryOptions(), home.host()).credential
    assert found == Credential(source="", identity_token="tt")


@posix
@pytest.mark.parametrize(
    "code",
    [
        'print("credentials not found in native keychain"); sys.exit(1)',
        'print(json.dumps({"Username": "", "Secret": ""}))',
    ],
)
def test_a_helper_masks_the_file_even_if_it_has_nothing(home: Home, code: str) -> None:
    home.helper("x", code)
    write(home.config, logins(**{"r.io": "file"}) | {"credsStore": "x"})
    assert home.user("r.io") is None


@posix
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ('print("keychain\\nlocked"); sys.exit(1)', "failed: keychain locked"),
        ('print("{\\"Secret\\": \\"s3cret\\"}"); sys.exit(1)', "failed"),
        ('print("not json s3cret")', "did not answer with a login"),
        ("print('{}')", "did not answer with a login"),
        ("print('[1]')", "did not answer with a login"),
        ("print('x' * 2_000_000)", "failed"),
        ("sys.stdin.close(); sys.exit(3)", "failed"),
    ],
)
def test_helpers_that_fail(home: Home, code: str, words: str) -> None:
    home.helper("x", code)
    write(home.config, {"credHelpers": {"r.io": "x"}})
    with pytest.raises(ConfigurationError) as caught:
        home.user("r.io")
    assert "docker-credential-x" in caught.value.message
    assert words in caught.value.message
    assert "s3cret" not in caught.value.message
    assert "stderr" not in caught.value.message


@pytest.mark.advisories
def test_a_missing_helper_is_an_error(home: Home) -> None:
    """CVE-2021-41092: never go on with another login than the one that was set up."""
    write(home.config, logins(**{"r.io": "file"}) | {"credsStore": "desktop"})
    with pytest.raises(ConfigurationError, match="is not on the PATH") as caught:
        home.user("r.io")
    named = f"credsStore in {home.config}"
    assert caught.value.message.startswith(f"docker-credential-desktop, which {named} names,")
    assert caught.value.hint == f"install it, or remove {named}"


@pytest.mark.advisories
@pytest.mark.parametrize("name", ["../evil", "a b", "x;y", "a/b", "é", "x\n"])
def test_odd_helper_names_start_nothing(home: Home, name: str) -> None:
    write(home.config, {"credsStore": name})
    with pytest.raises(ConfigurationError, match="not the name"):
        home.user("r.io")


@posix
def test_a_helper_that_hangs_is_killed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helpers, "TIMEOUT", 0.3)
    home.helper("x", "import time; time.sleep(600)")
    with pytest.raises(ConfigurationError, match="did not end within"):
        helpers.get("x", "r.io", home.host())


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_store_and_logout_keep_everything_else(home: Home) -> None:
    before = {"HttpHeaders": {"a": "b"}, "auths": {"o.io": {"auth": "x"}}, "proxies": {"ä": 1}}
    write(home.config, before)
    kept = store("r.io", "me", "p:w", host=home.host())
    assert str(kept) == str(home.config)
    after = read(home.config)
    assert after["auths"].pop("r.io") == {"auth": auth("me", "p:w")}
    assert after == before
    assert list(after) == list(before)
    assert home.user("r.io") == "me"
    assert logout("r.io", host=home.host()) is not None
    assert read(home.config) == before
    assert logout("r.io", host=home.host()) is None


def test_store_makes_what_is_missing(home: Home) -> None:
    store("docker.io", "me", "pw", host=home.host())
    assert read(home.config) == {
        "auths": {"https://index.docker.io/v1/": {"auth": auth("me", "pw")}}
    }
    if os.name == "posix":
        assert stat.S_IMODE(home.config.stat().st_mode) == 0o600
    assert [path.name for path in home.config.parent.iterdir()] == ["config.json"]


def test_logout_leaves_what_others_share_and_parts_of_a_registry(home: Home) -> None:
    shared = logins(**{"*.r.io": "all", "https://a.r.io/v1/": "old", "a.r.io/team": "team"})
    write(home.config, shared)
    assert logout("a.r.io", host=home.host()) is not None
    assert list(read(home.config)["auths"]) == ["*.r.io", "a.r.io/team"]
    assert logout("a.r.io", host=home.host()) is None


def test_logout_of_docker_hub_forgets_the_web_login(home: Home) -> None:
    hub = "https://index.docker.io/v1/"
    write(home.config, logins(**{hub: "a", f"{hub}access-token": "b", "docker.io": "c", "r": "d"}))
    assert logout("docker.io", host=home.host()) is not None
    assert list(read(home.config)["auths"]) == ["r"]


def test_logout_without_a_config(home: Home) -> None:
    assert logout("r.io", host=home.host()) is None
    assert not home.config.exists()


@posix
def test_a_linked_config_stays_a_link(home: Home) -> None:
    real = write(home.root / "dotfiles/config.json", {"a": 1})
    real.chmod(0o644)
    home.config.parent.mkdir()
    home.config.symlink_to(real)
    store("r.io", "me", "pw", host=home.host())
    assert home.config.is_symlink()
    assert read(real)["auths"]
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


@posix
def test_what_a_killed_login_left_goes(home: Home) -> None:
    """It holds secrets, and nobody would ever look for it."""
    write(home.config, {})
    left = home.config.with_name(".config.json.0123456789ab.pyjib.partial")
    left.write_text("half of a login")
    store("r.io", "me", "pw", host=home.host())
    assert [path.name for path in home.config.parent.iterdir()] == ["config.json"]
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600


@posix
def test_a_helper_keeps_and_erases(home: Home) -> None:
    home.helper("x", "")
    write(home.config, {"credsStore": "x"})
    kept = store("docker.io", "me", "pw", host=home.host())
    assert str(kept) == "docker-credential-x"
    hub = "https://index.docker.io/v1/"
    assert read(home.config) == {"credsStore": "x", "auths": {hub: {}}}
    assert logout("docker.io", host=home.host()) is not None
    assert read(home.config) == {"credsStore": "x", "auths": {}}
    verb, _, stored = home.asked[0].partition(" ")
    assert verb == "store"
    assert json.loads(stored) == {"ServerURL": hub, "Username": "me", "Secret": "pw"}
    assert home.asked[1] == f"erase {hub}"


@posix
def test_a_helper_that_does_not_keep(home: Home) -> None:
    home.helper("x", 'print("no space"); sys.exit(1)')
    write(home.config, {"credsStore": "x"})
    with pytest.raises(ConfigurationError, match="store failed: no space"):
        store("r.io", "me", "pw", host=home.host())
    assert read(home.config) == {"credsStore": "x"}


def test_a_config_that_cannot_be_written(home: Home) -> None:
    home.config.parent.write_text("a file where a directory should be")
    with pytest.raises(ConfigurationError, match="cannot write logins"):
        store("r.io", "me", "pw", host=home.host())
    assert docker_config.read(home.config) is None


LOGIN = 'import os; print(json.dumps({"Username": os.environ.get("WHO", "u"), "Secret": "s"}))'


@posix
@pytest.mark.parametrize("by_path", [False, True])
def test_a_chosen_helper_is_asked_before_files_and_for_its_registry_only(
    home: Home, by_path: bool
) -> None:
    write(home.config, logins(**{"r.io": "file", "other.io": "file"}))
    home.helper("mine", LOGIN)
    program = str(home.bin / "docker-credential-mine") if by_path else "mine"
    chosen = CredentialHelper(registry="r.io", program=program, environment=(("WHO", "me"),))
    options = RegistryOptions(helpers=(chosen,))
    found = find("r.io", options, home.host())
    assert found.credential is not None
    assert found.credential.username == "me"
    assert found.credential.source == "docker-credential-mine"
    found = find("other.io", options, home.host())
    assert found.credential is not None
    assert found.credential.username == "file"
    assert home.asked == ["get r.io"]


@posix
def test_a_login_given_goes_before_a_chosen_helper(home: Home) -> None:
    home.helper("mine", LOGIN)
    options = RegistryOptions(
        logins=(Login(registry="r.io", username="given", password="x"),),
        helpers=(CredentialHelper(registry="r.io", program="mine"),),
    )
    found = find("r.io", options, home.host())
    assert found.credential is not None
    assert found.credential.username == "given"
    assert home.asked == []


@posix
def test_a_chosen_helper_without_a_login_leaves_it_to_files(home: Home) -> None:
    write(home.config, logins(**{"r.io": "file"}))
    home.helper("mine", 'print("credentials not found in native keychain"); sys.exit(1)')
    options = RegistryOptions(helpers=(CredentialHelper(registry="r.io", program="mine"),))
    found = find("r.io", options, home.host())
    assert found.credential is not None
    assert found.credential.username == "file"
    assert "the credential helper mine" in found.tried


def test_a_chosen_helper_that_is_not_there(home: Home) -> None:
    for program in ("no/such", "mine"):
        options = RegistryOptions(helpers=(CredentialHelper(registry="r.io", program=program),))
        with pytest.raises(ConfigurationError, match=r"was not found|is not on the PATH"):
            find("r.io", options, home.host())


@pytest.mark.parametrize("named", ["DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "auth_file"])
def test_a_named_file_that_cannot_be_read_is_an_error(home: Home, named: str) -> None:
    """A directory in the place of the file is as closed to root as to everybody."""
    path = home.root / "mine" / "config.json"
    path.mkdir(parents=True)
    variables = {"DOCKER_CONFIG": {named: str(path.parent)}, "auth_file": {}}
    options = RegistryOptions(auth_file=path if named == "auth_file" else None)
    host = home.host(**variables.get(named, {named: str(path)}))
    with pytest.raises(ConfigurationError, match="cannot read logins from") as caught:
        find("r.io", options, host)
    assert f"{path}: it is a directory" in caught.value.message
    assert "remove the directory" in (caught.value.hint or "")


@pytest.mark.parametrize("variable", [False, True])
def test_a_named_file_that_is_not_there_is_passed_over_with_a_warning(
    home: Home, variable: bool
) -> None:
    """Skopeo's own image names a file in ``REGISTRY_AUTH_FILE`` that is not there as a rule."""
    write(home.config, logins(**{"r.io": "me"}))
    lost = home.root / "lost.json"
    options = RegistryOptions(auth_file=None if variable else lost)
    host = home.host(**({"REGISTRY_AUTH_FILE": str(lost)} if variable else {}))
    events: list[Event] = []
    finder = Finder(options, host, listener=events.append)
    for repository in ("a", "b"):
        found = finder.find("r.io", repository).credential
        assert found is not None
        assert found.username == "me"
    (warning,) = events
    assert isinstance(warning, Warned)
    by = "REGISTRY_AUTH_FILE" if variable else "--auth-file"
    assert warning.message == f"{lost} does not exist, though {by} named it"
    assert warning.hint == "going on without; correct its path"


def test_a_file_that_nobody_named_and_cannot_be_read_is_passed_over_with_a_warning(
    home: Home,
) -> None:
    home.config.mkdir(parents=True)
    podman = home.root / ".config" / "containers" / "auth.json"
    write(podman, logins(**{"r.io": "me"}))
    events: list[Event] = []
    finder = Finder(RegistryOptions(), home.host(), listener=events.append)
    search = finder.find("r.io")
    assert search.credential is not None
    assert search.credential.username == "me"
    assert finder.find("other.io").credential is None
    assert finder.find("other.io").tried[0].startswith(f"{home.config} (cannot read logins from")
    (warning,) = events
    assert isinstance(warning, Warned)
    assert str(home.config) in warning.message
    assert "it is a directory" in warning.message
    assert "going on without; remove the directory" in (warning.hint or "")
    assert "DOCKER_CONFIG" in (warning.hint or "")


def test_logging_in_does_not_write_over_what_cannot_be_read(home: Home) -> None:
    home.config.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="cannot read logins"):
        store("r.io", "me", "pw", host=home.host())


def test_logout_from_a_file_of_ones_own(home: Home) -> None:
    mine = write(home.root / "mine.json", logins(**{"r.io": "me"}))
    write(home.config, logins(**{"r.io": "me"}))
    assert logout("r.io", host=home.host(), file=mine) is not None
    assert json.loads(mine.read_text()) == {"auths": {}}
    assert home.user("r.io") == "me"
