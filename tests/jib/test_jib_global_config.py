from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.errors import ConfigurationError
from pyjib.jib.global_config import (
    GlobalConfig,
    config_directory,
    parse_global_config,
    read_global_config,
)
from pyjib.options import BuildOptions, HostEnvironment, Mirror, RegistryOptions

HOME = Path("/home/me")


@pytest.mark.parametrize(
    ("variables", "platform", "directory"),
    [
        ({}, "linux", "/home/me/.config/google-cloud-tools-java/jib"),
        ({"XDG_CONFIG_HOME": "/x"}, "linux", "/x/google-cloud-tools-java/jib"),
        ({}, "darwin", "/home/me/Library/Preferences/Google/Jib"),
        ({"XDG_CONFIG_HOME": "/x"}, "darwin", "/x/Google/Jib"),
        ({"LOCALAPPDATA": "/local"}, "win32", "/local/Google/Jib/Config"),
        ({"LOCALAPPDATA": "/local", "XDG_CONFIG_HOME": "/x"}, "win32", "/x/Google/Jib/Config"),
    ],
)
def test_where_it_lies(variables: dict[str, str], platform: str, directory: str) -> None:
    assert config_directory(HostEnvironment.of(variables, HOME), platform) == Path(directory)


def test_a_missing_file_says_nothing_and_is_not_made(tmp_path: Path) -> None:
    host = HostEnvironment.of({}, tmp_path)
    assert read_global_config(host).mirrors == ()
    assert list(tmp_path.iterdir()) == []


def test_mirrors(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(
        '{"disableUpdateCheck":true,"other":1,"registryMirrors":'
        '[{"registry":"registry-1.docker.io","mirrors":["mirror.gcr.io","localhost:5000"]}]}'
    )
    found = read_global_config(HostEnvironment.of({}, HOME), str(tmp_path))
    assert found == GlobalConfig(
        path=path,
        mirrors=(
            Mirror(registry="registry-1.docker.io", location="mirror.gcr.io"),
            Mirror(registry="registry-1.docker.io", location="localhost:5000"),
        ),
    )
    own = Mirror(registry="docker.io", location="own.example")
    given = BuildOptions(registry=RegistryOptions(mirrors=(own,)))
    assert found.added_to(given).registry.mirrors == (own, *found.mirrors)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("[]", "not an object"),
        ('{"registryMirrors":1}', "'registryMirrors' is not a list"),
        ('{"registryMirrors":[{"mirrors":["m"]}]}', "'registryMirrors.registry' property is miss"),
        ('{"registryMirrors":[{"registry":"r"}]}', "'registryMirrors.mirrors' property is missing"),
        ('{"registryMirrors":[{"registry":"r","mirrors":[]}]}', "'registryMirrors.mirrors' prop"),
        ('{"registryMirrors":[{"registry":"r","mirrors":[1]}]}', "has what is no text"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"/c\.json: .*{reason}"):
        parse_global_config(text.encode(), Path("/c.json"))


def test_a_directory_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.raises(ConfigurationError, match="cannot read Jib's global configuration"):
        read_global_config(HostEnvironment.of({}, HOME), str(tmp_path))
