"""``--layer-index``, and what a build tells of layers that it did not pack."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pyjib.cli.layer_index_keys import (
    KEY_VARIABLE,
    parse_key_source,
    read_layer_index,
    warn_of_variable,
)
from pyjib.cli.values import parse_layer_index
from pyjib.errors import ConfigurationError
from pyjib.layer_index.keys import private_pem, public_pem
from pyjib.layer_index.signing import public_key
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, LayerIndexKeys, LayerIndexMode
from pyjib.serve import RegistryServer
from tests.support.cli import Cli
from tests.support.fresh_runners import make_runner


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("auto", LayerIndexMode.AUTO),
        ("off", LayerIndexMode.OFF),
        ("docker.io/library/off", Reference.parse("off")),
        ("r.example/team/app:layers", Reference.parse("r.example/team/app:layers")),
        ("r.example/team/app", Reference.parse("r.example/team/app:latest")),
    ],
)
def test_values(text: str, value: LayerIndexMode | Reference) -> None:
    assert parse_layer_index(text) == value


@pytest.mark.parametrize("text", ["", "Auto", "a b", f"r.example/a@sha256:{'0' * 64}"])
def test_what_is_no_index(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_layer_index(text)


def test_what_is_told(registry: RegistryServer, tmp_path: Path) -> None:
    runner, cli = make_runner(registry, tmp_path), Cli(home=tmp_path / "home")
    base = f"{registry.address}/library/jre:17"
    command = ("build", runner.project, "--from", base, "--to", runner.target)
    first = cli(*command, "--json")
    assert first.code == 0, first.stderr
    assert {layer["source"] for layer in first.json["layers"]} == {None}
    shutil.rmtree(tmp_path / "home" / "cache")
    second = cli(*command, "--json", "--layer-index", "auto")
    learnt, *packed = second.json["layers"]
    assert (learnt["cached"], learnt["source"]) == (True, f"{registry.address}/team/app")
    assert {layer["source"] for layer in packed} == {None}
    assert f"layer    dependencies  1.3 MB (in {registry.address}/team/app)" in second.stderr
    assert second.json["imageDigest"] == first.json["imageDigest"]
    shutil.rmtree(tmp_path / "home" / "cache")
    third = cli(*command, "--json")
    assert not third.json["layers"][0]["cached"]


# Keys.

SECRET = bytes(range(32))
PRIVATE, PUBLIC = private_pem(SECRET), public_pem(public_key(SECRET))
SIGNER = LayerIndexKeys(private=SECRET)
READER = LayerIndexKeys(public=(public_key(SECRET),))
INDEX = Reference.parse("r.example/team/app:layers")


def line_of(pem: str) -> str:
    return pem.splitlines()[1]


def host(value: str | Path = "") -> HostEnvironment:
    return HostEnvironment.of({KEY_VARIABLE: str(value)} if value else {}, Path("/nowhere"))


def read(
    choice: LayerIndexMode | Reference | None, *sources: str | Path, variable: str | Path = ""
) -> tuple[object, object]:
    found = read_layer_index(
        choice, [parse_key_source(str(source)) for source in sources], host(variable)
    )
    return found["layer_index"], found["layer_index_keys"]


def test_where_keys_come_from(tmp_path: Path) -> None:
    private, public = tmp_path / "layer-index.key", tmp_path / "layer-index.pub"
    private.write_text(PRIVATE)
    public.write_text(PUBLIC)
    auto = LayerIndexMode.AUTO
    for source in (public, line_of(PUBLIC), PUBLIC):
        assert read(None, source) == (auto, READER)
        assert read(INDEX, source) == (INDEX, READER)
    assert read(None, private) == (auto, SIGNER)
    for variable in (PRIVATE, line_of(PRIVATE), private):
        assert read(auto, variable=variable) == (auto, SIGNER)
        assert read(None, public, variable=variable)[1] == LayerIndexKeys(
            public=READER.public, private=SECRET
        )


def test_a_public_key_signs_nothing(tmp_path: Path) -> None:
    public = tmp_path / "layer-index.pub"
    public.write_text(PUBLIC)
    for variable in (PUBLIC, line_of(PUBLIC), public):
        for sources in ((), (public,)):
            with pytest.raises(ConfigurationError, match="has a public key") as caught:
                read(LayerIndexMode.AUTO, *sources, variable=variable)
            assert KEY_VARIABLE in caught.value.message
            assert "layer-index.key" in (caught.value.hint or "")
    # A pair in one text is a private key, and says whose it is.
    assert read(LayerIndexMode.AUTO, variable=PRIVATE + PUBLIC)[1] == LayerIndexKeys(
        public=READER.public, private=SECRET
    )


def test_a_private_key_of_another_pair(tmp_path: Path) -> None:
    """What it signs would be believed by none of those who have the public keys alone."""
    theirs, private = public_pem(public_key(bytes(32))), tmp_path / "layer-index.key"
    private.write_text(PRIVATE)
    with pytest.raises(ConfigurationError, match=f"key in {KEY_VARIABLE} belongs") as caught:
        read(None, theirs, variable=PRIVATE)
    told = f"{caught.value} {caught.value.hint} {caught.value!r}"
    assert line_of(PRIVATE)[20:40] not in told
    with pytest.raises(ConfigurationError, match="key in --layer-index-key belongs"):
        read(None, theirs, private)
    # A new key has its public half beside the old one.
    keys = read(None, theirs, PUBLIC, variable=PRIVATE)[1]
    assert keys == LayerIndexKeys(public=(public_key(bytes(32)), *READER.public), private=SECRET)
    assert read(LayerIndexMode.OFF, theirs, variable=PRIVATE)[1] is None


def test_a_key_that_turns_nothing_on() -> None:
    (warning,) = warn_of_variable(None, (), host(PRIVATE))
    assert f"{KEY_VARIABLE} is set, and nothing is signed" in warning.message
    assert "--layer-index-key" in (warning.hint or "")
    assert not [*warn_of_variable(LayerIndexMode.AUTO, (), host(PRIVATE))]
    assert not [*warn_of_variable(LayerIndexMode.OFF, (), host(PRIVATE))]
    assert not [*warn_of_variable(None, (PUBLIC,), host(PRIVATE))]
    assert not [*warn_of_variable(None, (), host())]


@pytest.mark.parametrize("choice", [LayerIndexMode.AUTO, INDEX])
def test_a_secret_that_ci_does_not_have(choice: LayerIndexMode | Reference) -> None:
    """A variable of a missing secret is empty, and the index is silently one without keys."""
    empty = HostEnvironment.of({KEY_VARIABLE: ""}, Path("/nowhere"))
    (warning,) = warn_of_variable(choice, (), empty)
    assert f"{KEY_VARIABLE} is empty" in warning.message
    assert "--layer-index-key layer-index.pub" in (warning.hint or "")
    assert not [*warn_of_variable(choice, (PUBLIC,), empty)]
    assert not [*warn_of_variable(choice, (), host())]
    assert not [*warn_of_variable(None, (), empty)]
    assert not [*warn_of_variable(LayerIndexMode.OFF, (), empty)]


def test_wrong_keys_on_the_command_line(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    command = ("build", project, "--to", f"tar://{tmp_path / 'x.tar'}")
    wrong = Cli(home=tmp_path, variables={KEY_VARIABLE: line_of(PUBLIC)})
    refused = wrong(*command, "--layer-index", "auto")
    assert refused.code == 2
    assert f"error: {KEY_VARIABLE} has a public key" in refused.stderr
    other = public_pem(public_key(bytes(32)))
    signer = Cli(home=tmp_path, variables={KEY_VARIABLE: line_of(PRIVATE)})
    refused = signer(*command, "--layer-index-key", line_of(other))
    assert refused.code == 2
    assert "belongs to none of the public keys" in refused.stderr
    assert f"warning: {KEY_VARIABLE} is set, and nothing is signed" in signer(*command).stderr


def test_when_keys_do_not_matter(tmp_path: Path) -> None:
    """The variable alone turns nothing on, and is not even looked at."""
    assert read(None, variable="nonsense") == (None, None)
    assert read(LayerIndexMode.OFF, tmp_path / "no", variable="x") == (LayerIndexMode.OFF, None)
    assert read(LayerIndexMode.AUTO) == (LayerIndexMode.AUTO, None)


@pytest.mark.parametrize("text", [PRIVATE, line_of(PRIVATE), PRIVATE.replace("MC4", "")])
def test_a_private_key_is_no_argument(registry: RegistryServer, tmp_path: Path, text: str) -> None:
    refused = Cli(home=tmp_path)("plan", tmp_path, "--layer-index-key", text)
    assert refused.code == 2
    assert "--layer-index-key: a private key does not belong into arguments" in refused.stderr
    assert line_of(PRIVATE)[20:40] not in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    "variable",
    ["nonsense", line_of(PRIVATE)[:-4], line_of(PRIVATE)[1:], PRIVATE[:-9], f"x{PRIVATE}"[:90]],
)
def test_a_variable_that_is_no_key(tmp_path: Path, variable: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(LayerIndexMode.AUTO, variable=variable)
    told = f"{caught.value} {caught.value.hint} {caught.value!r}"
    assert KEY_VARIABLE in told
    assert caught.value.hint
    assert variable[10:30] not in told or variable == "nonsense"
    assert "nonsense" not in told


def test_files_that_are_no_keys(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    for content in (b"", b"\xff\xfe", b"x" * 100_000, b"not a key"):
        broken.write_bytes(content)
        with pytest.raises(ConfigurationError, match="has no key in PEM form"):
            read(None, broken)
    with pytest.raises(ConfigurationError, match="No such file") as caught:
        read(None, tmp_path / "none.pub")
    assert caught.value.hint == "pyjib init layer-index-key makes a pair of keys"
    with pytest.raises(ConfigurationError, match="cannot read --layer-index-key"):
        read(None, tmp_path)


def test_as_the_guide_has_it(registry: RegistryServer, tmp_path: Path) -> None:
    """Main signs, a pull request reads, and neither shows the key to anybody."""
    runner, home = make_runner(registry, tmp_path), tmp_path / "home"
    public = tmp_path / "layer-index.pub"
    public.write_text(PUBLIC)
    common = ("build", runner.project, "--from", f"{registry.address}/library/jre:17")
    common += ("--layer-index-key", str(public), "--json", "--debug")
    repository = f"{registry.address}/team/app"
    signer = Cli(home=home, variables={KEY_VARIABLE: line_of(PRIVATE)})
    main = signer(*common, "--to", f"{repository}:1")
    shutil.rmtree(home / "cache")
    pull_request = Cli(home=home)(*common, "--to", f"{repository}:pull-request")
    assert (main.code, pull_request.code) == (0, 0), main.stderr + pull_request.stderr
    assert pull_request.json["imageDigest"] == main.json["imageDigest"]
    assert main.json["layers"][0]["source"] is None
    assert pull_request.json["layers"][0]["source"] == repository
    for secret in (line_of(PRIVATE)[20:40], SECRET.hex(), repr(SECRET)):
        assert secret not in main.stdout + main.stderr
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert line_of(PRIVATE)[20:40].encode() not in kept
    assert SECRET not in kept
