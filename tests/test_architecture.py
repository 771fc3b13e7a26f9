"""Imports go one way, and each dependency comes in by one door.

The table is the architecture: whoever changes it changes the design and says why in docs/adr.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pyjib"

GROUND = {"errors", "events", "cancellation", "frozen", "patterns"}
MAY_IMPORT: dict[str, set[str]] = {
    "frozen": set(),
    "errors": {"frozen"},
    "events": {"frozen"},
    "cancellation": {"errors"},
    "patterns": set(),
    "files": {"patterns"},
    "patience": set(),
    "presence": set(),
    "programs": {"cancellation", "patience", "presence"},
    "oci": GROUND,
    "options": {"oci", "frozen"},
    "option_types": {"oci", "options"},
    "store": GROUND | {"files", "oci"},
    "registry": GROUND | {"files", "patience", "presence", "programs", "oci", "options"},
    "engine": GROUND | {"patience", "programs", "oci", "options"},
    "serve": GROUND | {"oci", "registry"},
    "project": GROUND | {"oci", "options", "presence"},
    "plan": GROUND | {"oci", "options", "project.model", "project.java_names"},
    "jib": GROUND
    | {"oci", "options", "project.maven.model", "project.maven.plugin_texts", "plan.model"},
    "layer": GROUND | {"oci", "plan.model", "project.model", "store"},
    "image": GROUND | {"oci", "plan.model", "layer.model", "layer.decompress"},
    "base": GROUND
    | {
        "oci",
        "options",
        "layer.compress",
        "layer.decompress",
        "image",
        "registry",
        "engine",
        "store",
    },
    "compare": GROUND | {"oci", "layer.decompress"},
    "skaffold": GROUND | {"oci", "options", "project", "plan.model", "jib", "image.java_hash_map"},
    "destination": GROUND | {"files", "oci", "options", "registry", "engine"},
    "layer_index": GROUND | {"oci", "options", "plan.model", "layer", "registry", "store"},
    "names": GROUND | {"oci", "options", "project.model"},
    "tools": GROUND | {"oci", "options", "base", "registry", "engine", "store"},
    "build": GROUND
    | {"oci", "options", "project", "plan", "layer", "image", "base", "destination"}
    | {"layer_index", "names", "option_types", "tools"},
    "maven_remote": GROUND | {"files", "patience", "oci", "options", "project.maven", "registry"},
    "maven_choice": GROUND | {"oci", "options", "project", "jib", "maven_remote"},
    "maven_kept": GROUND | {"oci", "options", "project", "jib", "maven_choice", "store"},
    "configure": GROUND | {"oci", "options", "project", "jib", "maven_choice", "maven_kept"},
    "cli": {"*"},
    "__init__": {"*"},
    "__main__": {"cli"},
}
DOORS = {
    "httpcore": {
        "registry.net.wire",
        "registry.net.sockets",
        "registry.net.pools",
        "registry.net.failures",
        "registry.net.tls",
    },
    "httpx": {"engine"},
    "click": {"cli"},
    "rich": {"cli"},
    "cryptography": {
        "registry.login.cloud.google",
        "serve.certificate",
        "project.maven.secrets",
        "layer_index.signing",
    },
    "zstandard": {"layer.compress", "layer.decompress"},
    "deflate": {"layer.compress"},
}


@cache
def modules() -> dict[str, Path]:
    """Return the dotted name below ``pyjib`` of every module, with its file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        if parts[-1] == "__init__" and len(parts) > 1:
            parts.pop()
        found[".".join(parts)] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path, *, top_level: bool = False) -> list[tuple[str, int]]:
    """Return (module, line) of all imports, lazy ones included unless ``top_level``."""
    nodes = tree(path).body if top_level else ast.walk(tree(path))
    result = []
    for node in nodes:
        if isinstance(node, ast.Import):
            result += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                known = name.removeprefix("pyjib.") in modules()
                result.append((name if known else node.module, node.lineno))
    return result


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def allowed(importer: str, imported: str) -> bool:
    table = MAY_IMPORT[room(importer)]
    if "*" in table or room(importer) == room(imported):
        return True
    return any(imported == entry or imported.startswith(f"{entry}.") for entry in table)


def test_every_room_is_in_the_table() -> None:
    assert {room(name) for name in modules()} == set(MAY_IMPORT)


def test_imports_go_one_way() -> None:
    offences = [
        f"pyjib/{path.relative_to(PACKAGE)}:{line}: {name} → {imported.removeprefix('pyjib.')}"
        for name, path in modules().items()
        for imported, line in imports(path)
        if imported.startswith("pyjib.") and not allowed(name, imported.removeprefix("pyjib."))
    ]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize(("dependency", "rooms"), DOORS.items(), ids=DOORS)
def test_one_door_for_each_dependency(dependency: str, rooms: set[str]) -> None:
    offences = [
        f"pyjib/{path.relative_to(PACKAGE)}:{line}: {dependency} belongs to {sorted(rooms)}"
        for name, path in modules().items()
        for imported, line in imports(path)
        if imported.split(".")[0] == dependency and not {room(name), name} & rooms
    ]
    assert not offences, "\n".join(offences)


def test_no_cycles() -> None:
    graph = {
        name: {
            imported.removeprefix("pyjib.")
            for imported, _ in imports(path, top_level=True)
            if imported.startswith("pyjib.")
        }
        for name, path in modules().items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail[trail.index(name) :], name))
        if name in done:
            return
        for target in sorted(graph.get(name, ())):
            visit(target, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())


AMBIENT = {("os", "environ"), ("os", "getenv"), ("time", "time"), ("time", "time_ns")}
AMBIENT |= {("datetime", "now"), ("datetime", "utcnow"), ("sys", "stdout"), ("sys", "stdin")}


def test_environment_clock_and_terminal_are_read_in_cli_only() -> None:
    offences = [
        f"pyjib/{path.relative_to(PACKAGE)}:{node.lineno}: {node.value.id}.{node.attr}"
        for name, path in modules().items()
        if room(name) != "cli"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in AMBIENT
    ]
    assert not offences, "\n".join(offences)


def test_third_party_imports_are_declared() -> None:
    declared = {
        "click",
        "cryptography",
        "deflate",
        "httpcore",
        "httpx",
        "yaml",
        "rich",
        "zstandard",
    }
    found = {imported.split(".")[0] for path in modules().values() for imported, _ in imports(path)}
    assert found - set(sys.stdlib_module_names) - {"pyjib"} <= declared


def test_type_checkers_of_users_see_the_annotations() -> None:
    assert (PACKAGE / "py.typed").is_file()
