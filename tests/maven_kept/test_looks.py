"""Whatever a working-out looks at is in its trace: files, directories, what is not there."""

from __future__ import annotations

import ast
import builtins
import inspect
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pyjib.errors import PyjibError
from pyjib.jib import extensions
from pyjib.maven_choice import Opener
from pyjib.maven_kept import looks, needed
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.project.maven import plugin_values, seen
from pyjib.project.maven.seen import Trace
from tests.support.kept_projects import CHANGES, World
from tests.support.maven import dependencies, write


@contextmanager
def spying(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Gather every path that the system is asked for meanwhile."""
    asked: set[str] = set()

    def spy(real: Callable[..., Any]) -> Callable[..., Any]:
        def look(path: Any = ".", *more: Any, **options: Any) -> Any:
            if isinstance(path, str | os.PathLike):
                asked.add(str(path))
            return real(path, *more, **options)

        return look

    with monkeypatch.context() as patch:
        for name in ("stat", "lstat", "access", "listdir", "scandir", "readlink", "open"):
            patch.setattr(os, name, spy(getattr(os, name)))
        patch.setattr(io, "open", spy(io.open))
        patch.setattr(builtins, "open", spy(builtins.open))
        yield asked


def work_out(world: World) -> Trace:
    """Return the trace of all that can be asked of the project."""
    trace = Trace()
    host = HostEnvironment.of(world.variables, world.home)
    opener = Opener(options=BuildOptions(host=host), choice=world.choice, trace=trace)
    with trace.listening():
        project = opener.find(world.app).project
        if project is not None:
            project.resolve()
            project.module_files()
    return trace


class TestEveryLook:
    @pytest.mark.parametrize("change", sorted(CHANGES))
    def test_is_in_the_trace(
        self, tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = World(tmp_path)
        CHANGES[change](world)
        try:
            work_out(world)
        except PyjibError:
            return  # what cannot be worked out is not kept
        with spying(monkeypatch) as asked:  # with all imports done
            trace = work_out(world)
        assert str(world.app / "pom.xml") in asked
        known = {*trace.kinds, *trace.contents, *trace.listings}
        for program in map(Path, filter(None, trace.programs.values())):
            known |= {str(program), *map(str, program.parents)}
        unknown = {path for path in asked if is_of_the_world(path, world)} - known
        assert unknown <= {str(world.app)}  # which the command line names

    def test_programs_are_looked_for_again(self, tmp_path: Path) -> None:
        world = World(tmp_path)
        for name in ("first", "second"):
            write(tmp_path / name / "bin" / "java", "#!").chmod(0o755)
            write(tmp_path / name / "release", 'JAVA_VERSION="17.0.1"\n')
        (tmp_path / "first" / "bin" / "java").chmod(0o644)
        path = os.pathsep.join(str(tmp_path / name / "bin") for name in ("first", "second"))
        world.variables["PATH"] = path
        document = described(world)
        assert document["programs"] == {"java": str(tmp_path / "second" / "bin" / "java")}
        assert looks.would_be_the_same(document, world.variables)
        longer = {**world.variables, "PATH": os.pathsep.join((path, str(tmp_path)))}
        assert looks.would_be_the_same(document, longer)
        (tmp_path / "first" / "bin" / "java").chmod(0o755)
        assert not looks.would_be_the_same(document, world.variables)

    def test_snapshots_are_looked_for_by_their_directory(self, tmp_path: Path) -> None:
        world = World(tmp_path)
        jar = world.repository.jar("t:s:1-SNAPSHOT")
        write(
            world.app / "pom.xml",
            world.own().replace(
                "<dependencies>", dependencies("t:s:1-SNAPSHOT").removesuffix("</dependencies>")
            ),
        )
        world.variables["MAVEN_ARGS"] = "-o"
        document = described(world)
        assert looks.would_be_the_same(document, world.variables)
        write(jar.with_name("maven-metadata-remote.xml"), "<metadata/>")
        assert not looks.would_be_the_same(document, world.variables)


def is_of_the_world(path: str, world: World) -> bool:
    return path.startswith(str(world.root))


def described(world: World) -> dict[str, Any]:
    return looks.describe(work_out(world), world.variables, "salt")


class TestVariables:
    @pytest.mark.parametrize(
        "look",
        [
            dict,
            list,
            len,
            bool,
            lambda found: {**found},
            lambda found: found | {},
            lambda found: {} | found,
            lambda found: found.copy(),
            lambda found: list(found.items()),
            lambda found: list(found.values()),
            lambda found: list(found.keys()),
            lambda found: found == {},
            lambda found: list(reversed(found)),
        ],
    )
    def test_who_takes_all_depends_on_all(self, look: Callable[[Any], object]) -> None:
        trace = Trace()
        look(trace.watch({"A": "1"}))
        assert trace.variables is None

    def test_who_asks_for_one_depends_on_one(self) -> None:
        trace = Trace()
        found = trace.watch({"A": "1", "B": "2"})
        assert (found.get("A"), found.get("X"), found["B"], "Y" in found) == ("1", None, "2", False)
        assert trace.variables == {"A", "B", "X", "Y"}

    def test_system_properties_lead_to_variables(self) -> None:
        trace = Trace()
        variables = trace.watch({"A": "1"})
        properties = seen.watched_like(variables, {"env.A": "1", "os.name": "x"})
        assert (properties.get("env.A"), properties["os.name"]) == ("1", "x")
        assert trace.variables == {"A"}
        assert seen.unwatched(variables) == {"A": "1"}
        assert seen.watched_like({"A": "1"}, {"x": "y"}) == {"x": "y"}


class TestATrace:
    def test_what_changes_meanwhile_spoils_it(self, tmp_path: Path) -> None:
        trace = Trace()
        path = tmp_path / "a"
        with trace.listening():
            assert not seen.is_file(path)
            path.touch()
            assert seen.is_file(path)
        assert trace.spoilt is not None

    def test_what_raises_spoils_it(self) -> None:
        trace = Trace()
        with pytest.raises(KeyError), trace.listening():
            raise KeyError("x")
        assert trace.spoilt is not None

    def test_nobody_listens_afterwards(self, tmp_path: Path) -> None:
        trace = Trace()
        with trace.listening():
            pass
        seen.is_file(tmp_path)
        assert not trace.kinds

    def test_kinds(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
        (tmp_path / "link").symlink_to(tmp_path / "file")
        names = ("file", "link", "gone", "file/below", "loop", "nul\0", ".")
        assert [seen.kind_of(tmp_path / name) for name in names] == [*"ff----d"]

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names here")
    def test_a_pipe_is_empty(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "release")
        assert seen.read_bytes(tmp_path / "release") == b""

    def test_a_file_is_settled_two_seconds_after_its_change(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a", "x")
        trace = Trace()
        with trace.listening():
            seen.read_bytes(path)
        status = path.stat()
        changed = max(status.st_mtime_ns, status.st_ctime_ns)
        assert not looks.is_settled(trace, changed + 2_000_000_000)
        assert looks.is_settled(trace, changed + 2_000_000_001)


def test_every_plugin_that_is_asked_for_is_kept() -> None:
    known = {key.partition(":")[2] for key in needed.READ_PLUGINS | needed.EXTENSIONS_PLUGINS}
    assert _plugins_named_in(plugin_values) <= {
        key.partition(":")[2] for key in needed.READ_PLUGINS
    }
    assert _plugins_named_in(extensions) <= known


def test_every_property_that_is_asked_for_is_kept() -> None:
    source = inspect.getsource(plugin_values) + inspect.getsource(extensions)
    asked = re.findall(r'properties\.get\("([^"]+)"', source)
    assert sorted(asked) == sorted(needed.READ_PROPERTIES)
    assert source.count("model.properties") == len(asked)


def _plugins_named_in(module: Any) -> set[str]:
    names = {
        node.value
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {
        name for name in names if re.fullmatch(r"[a-z-]+-maven-plugin|maven-[a-z]+-plugin", name)
    }
