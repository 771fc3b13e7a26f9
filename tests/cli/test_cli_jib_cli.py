"""``pyjib jar`` and ``pyjib war``: every flag of jib-cli's does what it does there, or is named."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import click
import pytest

from pyjib.cli.jib_cli import jar_command, war_command
from pyjib.serve import RegistryServer
from tests.support.cli import Cli, Finished
from tests.support.projects import (
    class_file,
    manifest,
    write_archive,
    write_boot_jar,
    write_war,
)
from tests.support.registry import tags_in


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    return write_archive(
        tmp_path / "app.jar",
        {
            "META-INF/MANIFEST.MF": manifest(Main_Class="com.example.Main"),
            "com/example/Main.class": class_file("com.example.Main"),
        },
    )


def test_jar_by_the_flags_of_jib_cli(cli: Cli, jar: Path, registry: RegistryServer) -> None:
    out = jar.with_name("out.json")
    done = cli(
        "jar",
        "--target",
        f"{registry.address}/team/app:1",
        "--from=scratch",
        "--additional-tags=2,3",
        "--expose=8080,9/udp",
        "--environment-variables",
        "A=1,B=2",
        "--environment-variables",
        "B=3",
        "--labels=l=m",
        "--volumes=/v",
        "-u",
        "me",
        "--jvm-flags=-Xmx1g,-Xms1g",
        "--creation-time=1000",
        "--image-metadata-out",
        out,
        "--json",
        jar,
    )
    assert done.code == 0, done.stderr
    assert tags_in(registry, "team/app") == ["1", "2", "3"]
    assert json.loads(out.read_text())["tags"] == ["1", "2", "3"]
    inspected = cli("inspect", f"{registry.address}/team/app:1", "--json")
    assert inspected.code == 0, inspected.stderr
    text = inspected.stdout
    assert "jib-cli:0.13.0" in text
    assert "/app/explodedJar:/app/dependencies/*" in text


def test_jar_into_a_tar_wants_a_name(cli: Cli, jar: Path, tmp_path: Path) -> None:
    target = f"tar://{tmp_path / 'o.tar'}"
    done = cli("jar", "-t", target, "--from", "scratch", jar)
    assert done.code == 2
    assert "Missing option: --name must be specified when using --target=tar://" in done.stderr
    done = cli("jar", "-t", target, "--from", "scratch", "--name", "app:1", jar)
    assert done.code == 0, done.stderr


def test_arguments_from_a_file(cli: Cli, jar: Path, tmp_path: Path) -> None:
    arguments = tmp_path / "args"
    arguments.write_text(f"--from scratch --name 'app:1' # comment\n-t tar://{tmp_path}/o.tar\n")
    done = cli("jar", f"@{arguments}", jar)
    assert done.code == 0, done.stderr
    assert (tmp_path / "o.tar").is_file()


def test_jar_as_pyjib(cli: Cli, jar: Path, tmp_path: Path) -> None:
    done = cli(
        "jar", "--identity", "pyjib", "-t", f"oci://{tmp_path / 'o'}", "--from", "scratch", jar
    )
    assert done.code == 0, done.stderr
    assert "layer    jvm arg files" in done.stderr


def test_war_by_the_flags_of_jib_cli(cli: Cli, tmp_path: Path) -> None:
    war = write_war(tmp_path / "app.war")
    target = ("-t", f"tar://{tmp_path / 'o.tar'}", "--name", "app")
    done = cli("war", *target, "--from", "scratch", war)
    assert done.code == 2
    assert "--app-root" in done.stderr
    done = cli("war", *target, "--from", "scratch", "--app-root", "/srv", "--verbosity=quiet", war)
    assert (done.code, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--username", "me"), "--username and --password belong together"),
        (("--to-password", "x"), "--to-username and --to-password belong together"),
        (
            ("--username", "a", "--password", "b", "--credential-helper", "c"),
            "--username and --credential-helper exclude each other",
        ),
        (
            ("--credential-helper", "c", "--from-credential-helper", "d"),
            "a login for both registries and one for either exclude each other",
        ),
    ],
)
def test_logins_that_exclude_each_other(
    cli: Cli, jar: Path, flags: tuple[str, ...], message: str
) -> None:
    done = cli("jar", "-t", "r.example.com/app", *flags, jar)
    assert done.code == 2
    assert message in done.stderr


# Every flag

CONFIG: dict[tuple[str, ...], tuple[str, Any]] = {
    ("--expose", "8080,9-10/udp"): ("ExposedPorts", {"10/udp": {}, "8080/tcp": {}, "9/udp": {}}),
    ("--volumes=/a", "--volumes", "/b,/c"): ("Volumes", {"/a": {}, "/b": {}, "/c": {}}),
    ("--environment-variables", "A=1,B=x=y,C="): ("Env", ["A=1", "B=x=y", "C="]),
    ("--environment-variables", 'A="1,2"'): ("Env", ['A="1,2"']),
    ("--labels", "l=m,l=n"): ("Labels", {"l": "n"}),
    ("--user", "me:them"): ("User", "me:them"),
    ("-u", ""): ("User", ""),
    ("--program-args", "a,,b,", "--program-args="): ("Cmd", ["a", "", "b", ""]),
    ("--program-args", '"a,b",c'): ("Cmd", ['"a,b"', "c"]),
    ("--entrypoint", ' sh  -c "a b" '): ("Entrypoint", ["", "sh", "-c", '"a b"']),
    ("--entrypoint=a", "--entrypoint", "b c"): ("Entrypoint", ["a", "b", "c"]),
    ("--jvm-flags", "-Xa,-Xb"): (
        "Entrypoint",
        ["java", "-Xa", "-Xb", "-cp", "/app/explodedJar:/app/dependencies/*", "com.example.Main"],
    ),
    ("--mode", "packaged"): ("Entrypoint", ["java", "-jar", "/app/app.jar"]),
    ("--mode", "exploded"): ("Cmd", []),
}
"""Flags of ``jar``, and what they make of a member of the image's config."""
NAMED = {
    "--base-image-cache": ("x", "--base-image-cache has no effect"),
    "--project-cache": ("x", "--project-cache has no effect"),
    "--serialize": ("", "--serialize has no effect"),
    "--username": ("u", "--username has no effect: neither image is in a registry"),
    "--credential-helper": ("h", "--credential-helper has no effect: neither image"),
    "--to-username": ("u", "--to-username has no effect: the target is in no registry"),
    "--to-credential-helper": ("h", "--to-credential-helper has no effect: the target"),
    "--from-username": ("u", "--from-username has no effect: the base is in no registry"),
    "--from-credential-helper": ("h", "--from-credential-helper has no effect: the base"),
    "--allow-insecure-registries": ("", "--allow-insecure-registries has no effect: neither"),
    "--send-credentials-over-http": ("", "--send-credentials-over-http has no effect: neither"),
}
"""Flags that do nothing (the latter ones where there is no registry), a value, the warning."""
ELSEWHERE = {
    *("--target", "--name", "--from", "--additional-tags", "--image-metadata-out", "--json"),
    *("--password", "--to-password", "--from-password", "--app-root", "--cache", "--identity"),
    *("--creation-time", "--image-format", "--verbosity", "--console", "--stacktrace", "--debug"),
    *("--http-trace", "--version"),
}
"""Flags with tests of their own, here, in ``tests/identity`` or of ``build``."""


def to_tar(cli: Cli, jar: Path, *flags: str | Path, command: str = "jar") -> Finished:
    base = () if "--from" in flags else ("--from", "scratch")
    target = ("-t", f"tar://{jar.parent / 'o.tar'}", "--name", "app")
    return cli(command, *target, *base, *flags, jar)


def config_in(file: Path) -> Any:
    with tarfile.open(file) as tar:
        (manifest_,) = json.loads(_member(tar, "manifest.json"))
        return json.loads(_member(tar, manifest_["Config"]))


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(name)
    assert member is not None
    return member.read()


def test_no_flag_is_without_a_test() -> None:
    tested = {word.partition("=")[0] for flags in CONFIG for word in flags if word[:1] == "-"}
    options = {
        option.opts[0]
        for command in (jar_command, war_command)
        for option in command.params
        if isinstance(option, click.Option)
    }
    known = {*tested, *NAMED, *ELSEWHERE}
    assert {option for option in options if option not in known} <= {"-V"}
    assert "-V" in options


@pytest.mark.parametrize(("flags", "expected"), CONFIG.items())
def test_flags_of_the_container(
    cli: Cli, jar: Path, flags: tuple[str, ...], expected: tuple[str, Any]
) -> None:
    done = to_tar(cli, jar, *flags)
    assert (done.code, "warning" in done.stderr) == (0, False), done.stderr
    name, value = expected
    assert config_in(jar.parent / "o.tar")["config"][name] == value


@pytest.mark.parametrize(
    ("flag", "value", "warning"), [(flag, *rest) for flag, rest in NAMED.items()]
)
def test_flags_without_an_effect_are_named(
    cli: Cli, jar: Path, flag: str, value: str, warning: str
) -> None:
    password = (f"{flag.removesuffix('username')}password", "p") if "username" in flag else ()
    done = to_tar(cli, jar, flag, *([value] if value else []), *password)
    assert done.code == 0, done.stderr
    assert f"warning: {warning}" in done.stderr
    assert done.stderr.count("warning:") == 1


def test_what_goes_before_another_flag_is_told(cli: Cli, jar: Path) -> None:
    done = to_tar(cli, jar, "--entrypoint", "a b", "--jvm-flags", "-X")
    assert "warning: --jvm-flags is ignored when --entrypoint is specified" in done.stderr
    target = ("-t", f"oci://{jar.parent / 'o'}", "--from", "scratch")
    done = cli("jar", *target, "--name", "x", jar)
    assert "--name has no effect" not in done.stderr


def test_names_are_for_archives(cli: Cli, jar: Path, registry: RegistryServer) -> None:
    done = cli("jar", "-t", f"{registry.address}/a", "--from", "scratch", "--name", "x", jar)
    assert done.code == 0, done.stderr
    assert "warning: --name has no effect: the target has a name of its own" in done.stderr


def test_of_two_logins_to_one_registry_the_target_s_counts(cli: Cli, jar: Path) -> None:
    registry = "127.0.0.1:9/app"
    logins = ("--to-username", "a", "--to-password=b", "--from-username", "c", "--from-password=d")
    done = cli("jar", "-t", registry, "--from", registry, *logins, jar)
    assert done.code == 1
    assert "warning: --from-username has no effect: both images are in 127.0.0.1:9" in done.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--mode", "Exploded"), "invalid value for '--mode'"),
        (("--image-format", "docker"), "invalid value for '--image-format'"),
        (("--verbosity", "INFO"), "invalid value for '--verbosity'"),
        (("--console", "none"), "invalid value for '--console'"),
        (("--http-trace=some",), "invalid value for '--http-trace'"),
        (("--creation-time", "yesterday"), "--creation-time: "),
        (("--creation-time", "253402300800000"), "outside of the years 1 to 9999"),
        (("--labels", "a"), "--labels: 'a' is not NAME=VALUE"),
        (("--additional-tags", "a b"), "not a tag: 'a b'"),
        (("--expose", "80, 81"), "--expose: ports: ' 81' is not a port"),
        (("--volumes", "/a,b"), "--volumes: the volume is not an absolute Unix-style path: b"),
        (("--user", "a", "--user", "b"), "--user is given twice"),
        (("--from", "a", "--from", "b"), "--from is given twice"),
        (("--app-root", "/x"), "no such option '--app-root'"),
        (("--image-metadata-out", "no/file"), "--image-metadata-out: there is no directory"),
    ],
)
def test_mistakes_end_with_code_2_before_anything_is_done(
    cli: Cli, jar: Path, flags: tuple[str, ...], message: str
) -> None:
    done = to_tar(cli, jar, *flags)
    assert (done.code, done.stdout) == (2, "")
    assert message in done.stderr
    assert not (jar.parent / "o.tar").exists()


def test_times_and_formats(cli: Cli, jar: Path) -> None:
    to_tar(cli, jar, "--creation-time", "1000")
    assert config_in(jar.parent / "o.tar")["created"] == "1970-01-01T00:00:01Z"
    to_tar(cli, jar, "--creation-time", "2024-05-01T12:00+0200", "--image-format", "Docker")
    assert config_in(jar.parent / "o.tar")["created"] == "2024-05-01T10:00:00Z"


@pytest.mark.parametrize(
    ("flags", "told", "untold"),
    [
        (("--verbosity", "quiet"), (), ("layer", "warning")),
        (("--verbosity", "error"), (), ("layer", "warning")),
        (("--verbosity", "warn"), ("warning",), ("layer",)),
        (("--verbosity", "lifecycle"), ("layer", "warning"), ("debug",)),
        (("--verbosity", "info"), ("layer", "warning"), ("debug",)),
        (("--http-trace=config",), ("layer", "warning"), ("\x1b[",)),
        (("--console", "plain"), ("layer",), ("\x1b[",)),
        (("--console", "rich"), ("\x1b[",), ()),
    ],
)
def test_how_much_is_told(
    cli: Cli, jar: Path, flags: tuple[str, ...], told: tuple[str, ...], untold: tuple[str, ...]
) -> None:
    done = to_tar(cli, jar, *flags, "--project-cache", "x")
    assert done.code == 0, done.stderr
    assert [word for word in told if word not in done.stderr] == []
    assert [word for word in untold if word in done.stderr] == []


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--verbosity", "info"), False),
        (("--verbosity", "debug"), True),
        (("--stacktrace",), True),
        (("--http-trace", "--console", "rich"), True),
        (("--http-trace=all",), True),
        (("--http-trace=off",), False),
    ],
)
def test_where_it_went_wrong(
    cli: Cli, tmp_path: Path, flags: tuple[str, ...], expected: bool
) -> None:
    done = to_tar(cli, tmp_path / "no.jar", *flags)
    assert (done.code, "Traceback" in done.stderr) == (1, expected), done.stderr


@pytest.mark.parametrize("command", ["jar", "war"])
def test_the_version(cli: Cli, command: str) -> None:
    assert cli(command, "-V").stdout == cli("--version").stdout
    assert "--target" in cli(command, "-h").stdout


def test_the_command_says_what_a_file_is(cli: Cli, jar: Path) -> None:
    archive = jar.rename(jar.with_name("app.zip"))
    assert to_tar(cli, archive).code == 0
    war = write_war(jar.with_name("web.jar"))
    done = to_tar(cli, war, "--app-root", "/srv", command="war")
    assert done.code == 0, done.stderr
    assert "Entrypoint" not in config_in(jar.parent / "o.tar")["config"]


# Defects of jib-cli's that pyjib has not (docs/jib.md)


@pytest.mark.parametrize(
    ("version", "launcher"),
    [
        ("3.1.2", "org.springframework.boot.loader.JarLauncher"),
        ("3.2.0", "org.springframework.boot.loader.launch.JarLauncher"),
        ("4.0.0", "org.springframework.boot.loader.launch.JarLauncher"),
    ],
)
def test_spring_boot_starts_by_the_launcher_that_it_has(
    cli: Cli, tmp_path: Path, version: str, launcher: str
) -> None:
    done = to_tar(cli, write_boot_jar(tmp_path / "boot.jar", version))
    assert done.code == 0, done.stderr
    assert config_in(tmp_path / "o.tar")["config"]["Entrypoint"] == [
        "java",
        "-cp",
        "/app",
        launcher,
    ]


def test_a_war_on_a_base_in_an_archive(cli: Cli, jar: Path, tmp_path: Path) -> None:
    assert to_tar(cli, jar).code == 0
    base = (tmp_path / "o.tar").rename(tmp_path / "base.tar")
    war = write_war(tmp_path / "app.war")
    done = to_tar(cli, war, "--from", f"tar://{base}", "--app-root", "/srv", command="war")
    assert done.code == 0, done.stderr
