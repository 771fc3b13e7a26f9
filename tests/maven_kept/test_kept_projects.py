"""What is kept of Maven projects: never anything else than a fresh working-out would give."""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyjib.configure import MavenChoice
from pyjib.maven_kept import KeptProjects
from pyjib.maven_remote import RepositoryDownloads
from pyjib.oci.location import RegistryLocation
from pyjib.project.maven import machine
from pyjib.project.maven.command_line import Arguments
from pyjib.project.maven.remote import parse_repository
from pyjib.store.store import Store
from tests.support.kept_projects import CHANGES, JIB, PASSWORD, TURNS, Unasked, World
from tests.support.maven import build, configuration, dependencies, parent, plugin, pom, write
from tests.support.programs import run

HEAVY = {f"pyjib.project.maven.{name}" for name in ("project", "effective", "resolve", "settings")}
HEAVY |= {"pyjib.jib.pom", "pyjib.maven_remote", "pyjib.project.gradle"}
SECOND = """
import json, sys
opened = []
sys.addaudithook(lambda name, found: name == "open" and opened.append(str(found[0])))
from pathlib import Path
from pyjib.configure import MavenChoice, configure
from pyjib.jib.to_options import Given
from pyjib.maven_kept import KeptProjects
from pyjib.oci.location import parse_location
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.store.store import Store
app, home, root = map(Path, sys.argv[1:])
options = BuildOptions(
    base=parse_location("r.example.com/base"), host=HostEnvironment.of({"PATH": ""}, home)
)
kept = KeptProjects(Store(root / "cache"))
found = configure(app, Given(options=options), MavenChoice(cwd=root), kept=kept)
names = [each.name for each in found.read().dependencies]
print(json.dumps([opened, list(sys.modules), names]))
"""
"""A build in a process of its own."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def is_kept(world: World) -> bool:
    try:
        world.ask(Unasked(world.store))
    except AssertionError:
        return False
    return True


class TestAProject:
    def test_it_is_worked_out_once(self, world: World) -> None:
        fresh = world.ask(None)
        assert world.ask(world.kept()) == fresh
        assert len(world.entries()) == 1
        assert world.ask(Unasked(world.store)) == fresh
        assert "Project" in type(fresh[-1]).__name__  # and no error

    def test_neither_its_files_nor_what_reads_them_is_opened(self, world: World) -> None:
        world.ask(world.kept())
        told = run(
            sys.executable,
            *("-c", SECOND, str(world.app), str(world.home), str(world.root)),
        )
        opened, imported, found = json.loads(told)
        names = "a-1.jar b-1.jar e-1.jar lib-1.jar own.jar r-1.jar s-1-SNAPSHOT.jar"
        assert " ".join(sorted(found)) == names
        assert not [path for path in opened if path.endswith((".pom", ".xml", "repositories"))]
        assert not [name for name in imported if name.startswith("xml.") or name in HEAVY]

    def test_another_choice_is_another_question(self, world: World) -> None:
        world.ask(world.kept())
        world.choice = MavenChoice(cwd=world.root, arguments=Arguments(offline=True))
        assert not is_kept(world)
        world.ask(world.kept())
        assert is_kept(world)
        assert len(world.entries()) == 2

    def test_one_that_is_not_jibs(self, world: World) -> None:
        write(world.app / "pom.xml", pom(":app", parent("t:top:1"), dependencies("t:lib:1")))
        fresh = world.ask(None)
        assert world.ask(world.kept()) == fresh
        assert world.ask(Unasked(world.store)) == fresh

    @pytest.mark.parametrize("module", [None, ":app"])
    def test_one_that_is_found_by_its_build(self, world: World, module: str | None) -> None:
        world.path = world.project
        world.choice = MavenChoice(cwd=world.root, module=module)
        fresh = world.ask(None)
        assert world.ask(world.kept()) == fresh
        assert world.ask(Unasked(world.store)) == fresh
        assert fresh[1] == world.app
        write(world.project / "lib" / "pom.xml", pom(":lib", parent("t:top:1"), packaging="x"))
        assert world.ask(world.kept()) == world.ask(None) != fresh

    @pytest.mark.parametrize(
        ("here", "path"),
        [
            ("project", "../project/app"),
            ("project/lib", "../app"),
            ("project/lib", ".."),
            ("elsewhere", "link/../app"),
        ],
    )
    def test_one_that_is_named_from_elsewhere(
        self, world: World, monkeypatch: pytest.MonkeyPatch, here: str, path: str
    ) -> None:
        """By another path it is still a module of its build, and kept."""
        usual = world.ask(None)[-1]
        (world.root / "elsewhere").mkdir()
        (world.root / "elsewhere" / "link").symlink_to(world.project / "lib")
        monkeypatch.chdir(world.root / here)
        world.path = Path(path)
        fresh = world.ask(None)
        assert fresh[-1] == usual
        assert world.ask(world.kept()) == fresh == world.ask(Unasked(world.store))

    def test_a_link_on_the_way_that_leads_elsewhere(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy = world.root / "copy"
        shutil.copytree(world.project, copy)
        write(copy / "app" / "pom.xml", world.own("other/app"))
        link = world.root / "link"
        link.symlink_to(world.project / "lib")
        world.path = link / ".." / "app"
        first = world.ask(world.kept())
        link.unlink()
        link.symlink_to(copy / "lib")
        assert world.ask(world.kept()) == world.ask(None) != first

    def test_variables_that_nobody_asks_for_change_nothing(self, world: World) -> None:
        world.variables |= {"MODE": "x", "OTHER": "1"}
        world.ask(world.kept())
        world.variables["OTHER"] = "2"
        assert is_kept(world)
        world.variables["MODE"] = "y"
        assert not is_kept(world)

    def test_another_pyjib_works_it_out_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.ask(world.kept())
        monkeypatch.setattr("pyjib.maven_kept.kept.code_version", lambda: "another")
        assert not is_kept(world)

    def test_another_machine_works_it_out_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = world.ask(world.kept())
        monkeypatch.setattr(machine, "_operating_system", lambda: ("Plan 9", "4"))
        assert world.ask(world.kept()) == world.ask(None) != here
        assert is_kept(world)

    def test_another_user_works_it_out_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.ask(world.kept())
        monkeypatch.setattr(machine, "_user_name", lambda _: "somebody")
        assert not is_kept(world)

    def test_what_was_not_asked_for_is_worked_out_and_kept_too(self, world: World) -> None:
        listed = write(world.root / "cp.txt", str(world.repository.path("t:a:1", "jar")))
        world.choice = MavenChoice(cwd=world.root, class_path=listed)
        first = world.ask(world.kept())
        assert is_kept(world)
        path = world.entries()[0]
        document = _opened(path)
        assert "class_path" not in document["kept"]["KeptProject"]
        document["kept"]["KeptProject"]["module_files"] = None
        _close(path, document)
        assert not is_kept(world)
        assert world.ask(world.kept()) == first
        assert is_kept(world)


class TestLaws:
    @given(st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=5))
    @settings(
        max_examples=12,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    def test_kept_or_fresh_is_fresh(
        self, tmp_path_factory: pytest.TempPathFactory, changes: list[str]
    ) -> None:
        world = World(tmp_path_factory.mktemp("world"))
        world.ask(world.kept())
        for change in changes:
            CHANGES[change](world)
            assert world.ask(world.kept()) == world.ask(None)

    @pytest.mark.parametrize("change", sorted(CHANGES))
    def test_each_change_there_and_back(self, world: World, change: str) -> None:
        before = world.ask(world.kept())
        CHANGES[change](world)
        after = world.ask(world.kept())
        assert after == world.ask(None)
        CHANGES[change](world)
        assert world.ask(world.kept()) == world.ask(None) == before

    @pytest.mark.parametrize("turn", sorted(TURNS))
    def test_each_turn(self, world: World, turn: str) -> None:
        answers = []
        for _ in range(3):
            TURNS[turn](world)
            answers.append(world.ask(world.kept()))
            assert answers[-1] == world.ask(None)
        assert answers[0] == answers[2] != answers[1]


class TestWhatIsNotKept:
    def test_files_that_changed_just_now(self, world: World) -> None:
        world.ask(KeptProjects(Store(world.store.root)))
        assert not world.entries()

    def test_errors(self, world: World) -> None:
        world.repository.path("t:a:1", "jar").unlink()
        assert "not in the local repository" in str(world.ask(world.kept()))
        assert not world.entries()

    def test_what_repositories_may_know_more_of(self, world: World) -> None:
        own = world.own().replace("t:r:[1,3)", "")
        write(world.app / "pom.xml", own)
        remote = parse_repository((world.root / "remote").as_uri())
        world.choice = MavenChoice(cwd=world.root, repositories=(remote,))
        world.repository.path("t:d:1", "pom").unlink()
        write(world.repository.path("t:a:1", "pom"), pom("t:a:1", dependencies("t:d:1")))
        world.ask(world.kept())
        assert not world.entries()
        assert RepositoryDownloads  # what was asked there

    def test_a_store_that_is_only_read(self, world: World) -> None:
        world.ask(KeptProjects(world.store, writes=False))
        assert not world.store.root.exists()

    def test_a_store_that_cannot_be_written(self, world: World) -> None:
        write(world.store.root, "a file")
        assert world.ask(world.kept()) == world.ask(None)

    def test_more_than_some_hundreds(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pyjib.store.store._MANY_PROJECTS", 2)
        for name in "abc":
            arguments = Arguments(properties={"x": name})
            world.choice = MavenChoice(cwd=world.root, arguments=arguments)
            world.ask(world.kept())
        assert len(world.entries()) == 2
        assert is_kept(world)


class TestSecrets:
    def entries(self, world: World) -> str:
        world.ask(world.kept())
        return "".join(path.read_text(errors="replace") for path in world.entries())

    def login(self, world: World) -> None:
        CHANGES["a login"](world)

    def test_logins_are_read_anew(self, world: World) -> None:
        self.login(world)
        write(world.app / "pom.xml", world.own("r.example.com/app"))
        text = self.entries(world)
        assert text
        assert PASSWORD not in text
        first, second = (world.configure(kept) for kept in (None, Unasked(world.store)))
        assert [login.password for login in second.options.registry.logins] == [PASSWORD]
        assert second.options == first.options

    def test_a_login_in_the_pom_is_not_kept(self, world: World) -> None:
        auth = "<auth><username>u</username><password>hush hush</password></auth>"
        own = world.own(f"<image>r.example.com/app</image>{auth}")
        write(world.app / "pom.xml", own)
        assert not self.entries(world)

    @pytest.mark.parametrize("name", ["REGISTRY_TOKEN", "Password"])
    def test_a_secret_of_the_environment_is_not_kept(self, world: World, name: str) -> None:
        world.variables[name] = "hush hush"
        write(world.app / "pom.xml", world.own(f"r.example.com/app:${{env.{name}}}"))
        assert not self.entries(world)

    def test_a_secret_that_nobody_asks_for_does_not_matter(self, world: World) -> None:
        world.variables["REGISTRY_TOKEN"] = "app"
        assert "app" in self.entries(world)

    def test_values_of_variables_are_not_written(self, world: World) -> None:
        world.variables["MODE"] = "x"
        world.variables["MAVEN_OPTS"] = "-Dquiet=hush"
        assert "hush" not in self.entries(world)

    @pytest.mark.parametrize("place", ["MAVEN_ARGS", "MAVEN_OPTS", "maven.config", "jvm.config"])
    def test_a_secret_by_minus_d_is_not_kept(self, world: World, place: str) -> None:
        said = "-Dregistry.token=hush-hush"
        if place.startswith("MAVEN"):
            world.variables[place] = said
        else:
            write(world.project / ".mvn" / place, said)
        assert self.entries(world)
        world.store.prune(everything=True)
        write(world.app / "pom.xml", world.own("r.example.com/app:${registry.token}"))
        assert not self.entries(world)

    def test_a_secret_of_settings_xml_is_not_kept(self, world: World) -> None:
        write(
            world.settings,
            "<settings><profiles><profile><id>s</id><properties>"
            "<my.password>hush hush</my.password></properties></profile></profiles>"
            "<activeProfiles><activeProfile>s</activeProfile></activeProfiles></settings>",
        )
        write(world.app / "pom.xml", world.own("r.example.com/app:${my.password}"))
        assert not self.entries(world)

    def test_not_even_a_digest_of_a_secret_on_the_command_line(self, world: World) -> None:
        arguments = Arguments(properties={"jib.to.auth.password": "hush hush"})
        world.choice = MavenChoice(cwd=world.root, arguments=arguments)
        assert not self.entries(world)
        remote = parse_repository("https://me:hush@r.example.com/maven")
        world.choice = MavenChoice(
            cwd=world.root, arguments=Arguments(offline=True), repositories=(remote,)
        )
        assert not self.entries(world)


def _opened(path: Path) -> dict[str, dict[str, dict[str, object]]]:
    found: dict[str, dict[str, dict[str, object]]] = json.loads(path.read_bytes()[12:])
    return found


def _close(path: Path, document: object) -> None:
    body = json.dumps(document).encode()
    path.write_bytes(struct.pack(">8sI", b"pyjibmk1", zlib.crc32(body)) + body)


class TestForgery:
    """What a file in the cache must not bring about, whoever wrote it."""

    CONFIGURED = (
        "<dockerClient><executable>/bin/docker</executable></dockerClient>",
        "<dockerClient><environment><DOCKER_HOST>x</DOCKER_HOST></environment></dockerClient>",
        "<allowInsecureRegistries>true</allowInsecureRegistries>",
        "<from><credHelper>/bin/helper</credHelper></from>",
        "<from><credHelper><helper>x</helper><environment><A>b</A></environment></credHelper></from>",
    )

    @pytest.mark.parametrize("configured", CONFIGURED)
    def test_what_is_dangerous_is_not_kept(self, world: World, configured: str) -> None:
        own = world.own().replace("<configuration>", f"<configuration>{configured}")
        write(world.app / "pom.xml", own)
        assert world.ask(world.kept()) == world.ask(None)
        assert not world.entries()

    def test_a_helper_by_its_name_is(self, world: World) -> None:
        own = world.own().replace(
            "<configuration>", "<configuration><from><credHelper>ecr-login</credHelper></from>"
        )
        write(world.app / "pom.xml", own)
        assert world.ask(world.kept()) == world.ask(None) == world.ask(Unasked(world.store))

    @pytest.mark.parametrize(
        "forged",
        [
            {"docker_executable": "/tmp/evil"},
            {"to_cred_helper": {"JibHelper": {"helper": "/tmp/evil"}}},
            {"from_cred_helper": {"JibHelper": {"helper": "..\\evil"}}},
            {"send_credentials_over_http": True},
            {"config_directory": "/tmp"},
            {"to_auth": {"JibAuth": {"username": "u", "password": "p"}}},
        ],
    )
    def test_what_is_dangerous_is_not_believed(
        self, world: World, forged: dict[str, object]
    ) -> None:
        fresh = world.ask(world.kept())
        path = world.entries()[0]
        document: Any = _opened(path)
        document["kept"]["KeptProject"]["configuration"]["JibConfiguration"].update(forged)
        _close(path, document)
        assert not is_kept(world)
        assert world.ask(world.kept()) == fresh

    def test_one_that_depends_on_nothing_is_not_believed(self, world: World) -> None:
        """It would hold for ever, and needs no knowledge of the machine that it is meant for."""
        fresh = world.ask(world.kept())
        path = world.entries()[0]
        document: Any = _opened(path)
        own = str(world.app / "pom.xml")
        kept = [look for look in document["looks"]["contents"] if look[0] != own]
        document["looks"]["contents"] = kept
        _close(path, document)
        assert not is_kept(world)
        assert world.ask(world.kept()) == fresh
        assert is_kept(world)


class TestDamage:
    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: b"",
            lambda data: data[:-1],
            lambda data: data[:7] + b"9" + data[8:],
            lambda data: data.replace(b"t/a/1", b"t/b/1"),
            lambda data: b"\x80\x04cos\nsystem\n(S'true'\ntR.",
            lambda data: b"[" * 100_000,
        ],
        ids=["empty", "cut", "another format", "other words", "a pickle", "deep"],
    )
    def test_bytes_that_are_not_a_project(self, world: World, damage: object) -> None:
        fresh = world.ask(world.kept())
        path = world.entries()[0]
        path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
        assert not is_kept(world)
        assert world.ask(world.kept()) == fresh
        assert is_kept(world)

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            ("looks", None),
            ("kept", {"=": {}}),
            ("kept", {"Path": {}}),
            ("kept", {"JibAuth": {"username": "u", "password": "p"}}),
            ("kept", {"EffectiveModel": {"group": "t"}}),
            ("kept", {"a": {}, "b": {}}),
            ("kept", []),
            ("kept", {"KeptProject": {}}),
            ("kept", {"Node": {"name": "x"}}),
            ("code", 1),
            ("machine", []),
        ],
    )
    def test_documents_of_another_shape(self, world: World, place: str, value: object) -> None:
        fresh = world.ask(world.kept())
        path = world.entries()[0]
        _close(path, {**_opened(path), place: value})
        assert not is_kept(world)
        assert world.ask(world.kept()) == fresh

    def test_a_document_as_deep_as_python_is(self, world: World) -> None:
        world.ask(world.kept())
        path = world.entries()[0]
        body = b'{"code":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        path.write_bytes(struct.pack(">8sI", b"pyjibmk1", zlib.crc32(body)) + body)
        assert not is_kept(world)


def test_the_cache_counts_and_removes_them(world: World) -> None:
    world.ask(world.kept())
    entry = world.entries()[0]
    assert world.store.usage().index_bytes >= entry.stat().st_size
    world.store.prune(older_than_days=1)
    assert entry.exists()
    os.utime(entry, (0, 0))
    world.store.prune(older_than_days=1)
    assert not entry.exists()
    world.ask(world.kept())
    world.store.prune(everything=True)
    assert not world.entries()


def test_a_project_that_was_used_stays(world: World) -> None:
    world.ask(world.kept())
    entry = world.entries()[0]
    os.utime(entry, (0, 0))
    assert is_kept(world)
    assert entry.stat().st_mtime > 0


def test_the_options_of_a_build_do_not_depend_on_it(world: World) -> None:
    write(
        world.app / "pom.xml", pom(":app", parent("t:top:1"), build(plugin(JIB, configuration(""))))
    )
    first = world.configure(world.kept()).options.targets
    assert isinstance(first, tuple)
    assert not any(isinstance(target, RegistryLocation) for target in first)
