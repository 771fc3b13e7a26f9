"""``--layer-index``, and what a build tells of layers that it did not pack."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pyjib.cli.values import parse_layer_index
from pyjib.errors import ConfigurationError
from pyjib.oci.reference import Reference
from pyjib.options import LayerIndexMode
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
