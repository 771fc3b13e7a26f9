"""The faults that docs/embedded-registry.md shows, on a first push of pyjib's own."""

from __future__ import annotations

import re
from pathlib import Path

from pyjib.build import build
from pyjib.oci.location import Scratch, parse_location
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.serve import RegistryServer
from pyjib.serve.fault_file import read_faults
from tests.support.fresh_runners import write_project

PAGE = Path(__file__).parents[2] / "docs" / "embedded-registry.md"


def test_faults_of_a_push_act(tmp_path: Path) -> None:
    """A large layer is sent while it is packed, then in one PUT: both break off, once each."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (shown,) = (block for block in blocks if block.startswith("faults:"))
    file = tmp_path / "faults.yaml"
    file.write_text(shown, encoding="utf-8")
    busy, *others = read_faults(file)
    assert busy.status == 503  # which of the uploads it meets is for the threads to decide
    with RegistryServer(faults=others) as server:
        build(
            BuildOptions(
                targets=(parse_location(f"{server.address}/team/app:1"),),
                base=Scratch(),
                entrypoint=("run",),
                host=HostEnvironment(home=tmp_path / "home"),
                cache=tmp_path / "cache",
            ),
            path=write_project(tmp_path / "project"),
        )
        acted = [(seen.method, seen.fault) for seen in server.journal if seen.fault]
    assert acted == [
        ("PATCH", "so it does where a layer is sent while it is packed"),
        ("PUT", "the connection breaks after a mebibyte"),
        ("PUT", "stored, but nobody hears of it"),
    ]
