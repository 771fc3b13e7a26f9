"""Bars, command lines and the page are made of the figures alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.apps import App
from benchmarks.bars import PYJIB_GZIP, PYJIB_JIB, PYJIB_ZSTD, bars, is_compared
from benchmarks.facts import shown
from benchmarks.page import page
from benchmarks.peers import JVM_OPTIONS, Build, Crane, JibMaven, Peer
from benchmarks.process import Cost
from benchmarks.report import MIB, Key, Series


def series(*, wall: float = 1.0, peak: int = 50 * MIB, requests: int = 3) -> Series:
    costs = [Cost(wall=wall, cpu=wall, peak=peak)]
    return Series(costs=costs, requests=requests, sent=0, received=0)


def ratios(found: dict[Key, Series]) -> dict[object, object]:
    return {bar["name"]: (round(float(str(bar["ratio"])), 2), bar["holds"]) for bar in bars(found)}


def test_crane_is_compared_with_and_without_a_pom() -> None:
    found = {
        ("cold", "M", PYJIB_GZIP): series(wall=2),
        ("cold", "M", "crane"): series(wall=1),
        ("cold", "D", PYJIB_GZIP): series(wall=1),
        ("cold", "D", "crane"): series(wall=1.5),
    }
    assert ratios(found) == {
        "cold, M: pyjib (gzip) against crane": (0.5, False),
        "cold, D (no POM to work out): pyjib (gzip) against crane": (1.5, True),
    }


@pytest.mark.parametrize("own", [PYJIB_JIB, PYJIB_GZIP, PYJIB_ZSTD])
def test_memory_of_a_large_application(own: str) -> None:
    found = {
        ("cold", "S", own): series(peak=50 * MIB),
        ("cold", "L", own): series(peak=100 * MIB),
    }
    assert ratios(found) == {
        f"cold, L: {own}, at most 150 MB of memory": (1.43, True),
        f"cold, L: {own}, at most 1.3 times the memory of S": (0.65, False),
    }


def test_a_tuned_builder_clears_no_bar() -> None:
    found = {
        ("nothing changed", "S", PYJIB_JIB): replace(series(requests=3), pings=1),
        ("nothing changed", "S", "tuned jib-maven-plugin 3.5.2"): series(wall=9),
    }
    assert ratios(found) == {
        "nothing changed, S: at most 3 requests after authentication": (1.5, True)
    }


def test_a_quick_run_has_what_bars_name() -> None:
    assert is_compared("cold", "crane")
    assert is_compared("tar output", "jib-core 0.28.1")
    assert not is_compared("nothing changed", "crane")
    assert not is_compared("cold", "docker build")


def command_line(peer: Peer) -> str:
    app = App(name="M", root=Path("/run-7/m"), main_class="bench.Main", has_pom=True)
    build = Build(app=app, base="127.0.0.1:4321/base:1", target="127.0.0.1:4321/image:2")
    return shown(peer, build, {"/run-7": "SCRATCH", "127.0.0.1:4321": "REGISTRY"})


def test_command_lines_name_nothing_of_the_machine() -> None:
    maven = JibMaven(home=Path("/run-7/maven"), maven=Path("/usr/local/bin/mvn"), jvm=JVM_OPTIONS)
    line = command_line(maven)
    assert line.startswith("MAVEN_OPTS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' mvn -q -B com.")
    assert "-Djib.to.image=REGISTRY/image:2" in line
    assert "-Djib.baseImageCache=SCRATCH/maven/base" in line
    crane = Crane(home=Path("/run-7/crane"), crane=Path("/run-7/crane/bin/crane"))
    line = command_line(crane)
    assert "\ntar --sort=name" in line
    assert "\nSCRATCH/crane/bin/crane append --insecure -b REGISTRY/base:1" in line
    assert "/run-7" not in line


def document(requests: int) -> dict[str, Any]:
    found = {("nothing changed", "S", PYJIB_JIB): series(requests=requests)}
    made = {
        "machine": {
            "python": "3.11",
            "system": "Linux",
            "processor": "one",
            "cores": 2,
            "memory": "8 kB",
        },
        "versions": ["crane v0.22.1"],
        "options": "--quick",
        "runs": 5,
        "commands": [
            {"case": "cold", "builder": "crane", "command": "crane append -b REGISTRY/base"},
            {"case": "fresh runner", "builder": "crane", "command": "crane append again"},
        ],
        "figures": [one.to_json(key) for key, one in found.items()],
        "bars": bars(found),
    }
    return json.loads(json.dumps(made))  # as it is read from a file


def test_the_page_has_bars_figures_versions_and_commands() -> None:
    text = page(document(requests=3))
    assert "Made by `scripts/bench --quick`" in text
    assert (
        "| nothing changed, S: at most 3 requests after authentication | 1.00 | 1 | yes |" in text
    )
    assert (
        "| nothing changed | S | pyjib (Jib's bytes) | 1.000 (1.000 to 1.000) | 1.00 | 50 | 3 |"
        in text
    )
    assert "- crane v0.22.1\n" in text
    assert "# crane\ncrane append -b REGISTRY/base\n```" in text


def test_the_page_explains_the_bars_that_do_not_hold_and_no_others() -> None:
    assert "## What stands in the way" not in page(document(requests=3))
    assert "at most 3 requests after authentication | 0.75 | 1 | **no** |" in page(
        document(requests=4)
    )
    found = {
        ("cold", "M", PYJIB_GZIP): series(wall=2.0),
        ("cold", "M", "crane v0"): series(wall=1.0),
    }
    text = page(document(requests=3) | {"bars": bars(found)})
    assert "- crane, cold" in text
    assert "- jib-maven-plugin:" not in text.partition("## What stands in the way")[2]
