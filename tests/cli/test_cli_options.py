"""From arguments to ``BuildOptions``."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from pyjib.cli.build import build_command
from pyjib.cli.exits import Session
from pyjib.cli.read_options import read_options
from pyjib.errors import ConfigurationError, PyjibError
from pyjib.oci.instant import Instant
from pyjib.oci.location import parse_location
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.options import (
    BuildOptions,
    ClientCertificate,
    CompressionChoice,
    ExtraDirectory,
    Login,
    Mirror,
    Mode,
    Permission,
    RegistryOptions,
)

NO_CERTIFICATE = Path(__file__).parent / "conftest.py"


def options_of(*arguments: str, **settings: Any) -> BuildOptions:
    with build_command.make_context("build", list(arguments), obj=Session()) as context:
        return read_options(context.params, **settings)


def hint_of(*arguments: str) -> str:
    with pytest.raises(PyjibError) as caught:
        options_of(*arguments)
    assert caught.value.exit_code == 2
    return f"{caught.value.message} | {caught.value.hint}"


def test_nothing_given_is_the_librarys_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.delenv("PYJIB_CACHE", raising=False)
    options = options_of()
    assert options == BuildOptions(host=options.host)
    assert options.host.variables["PATH"]


def test_everything_given(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----")
    arguments = """
        --to team/app:2 --to tar://app.tar --tag 1.0,latest --tag stable --name team/app
        --format oci --compression zstd:7 --created 1000 --file-time 2000
        --from scratch --platform linux/amd64,linux/arm64 --platform linux/arm/v7
        --mode packaged --main-class a.B --jvm-flag -Xmx1g --jvm-flag=-Da=b,c
        --extra-classpath /x --expand-classpath --app-root /srv --extra-dir conf:/etc
        --extra-include *.sh --extra-exclude *.bak --permission /etc/*.sh=755
        --entrypoint java --entrypoint -jar --arg --verbose --arg=
        --env A=1=2 --env B= --label c=d,e --port 8080,9000-9001/udp --port 53 --volume /data
        --user 1000:1000 --workdir /srv --insecure R.io:5000 --insecure localhost --jobs 2
        --credentials-over-http --mirror docker.io=Mirror.io/hub/ --mirror R.io=localhost:5000
        --no-mirrors
    """
    files = ["--ca-file", str(authority), "--cache", str(tmp_path)]
    files += ["--client-cert", f"R.io={authority},{authority}", "--client-cert", f"x={authority}"]
    options = options_of(*arguments.split(), *files)
    assert options == BuildOptions(
        targets=(parse_location("team/app:2"), parse_location("tar://app.tar")),
        tags=("1.0", "latest", "stable"),
        name=Reference.parse("team/app"),
        base=parse_location("scratch"),
        platforms=tuple(map(Platform.parse, ("linux/amd64", "linux/arm64", "linux/arm/v7"))),
        mode=Mode.PACKAGED,
        main_class="a.B",
        jvm_flags=("-Xmx1g", "-Da=b,c"),
        extra_classpath=("/x",),
        expand_classpath=True,
        entrypoint=("java", "-jar"),
        arguments=("--verbose", ""),
        app_root="/srv",
        environment=(("A", "1=2"), ("B", "")),
        labels=(("c", "d,e"),),
        ports=("8080", "9000-9001/udp", "53"),
        volumes=("/data",),
        user="1000:1000",
        working_directory="/srv",
        extra_directories=(
            ExtraDirectory(
                source=Path("conf"), into="/etc", includes=("*.sh",), excludes=("*.bak",)
            ),
        ),
        permissions=(Permission(pattern="/etc/*.sh", mode=0o755),),
        created=Instant(1_000_000_000),
        file_time=Instant(2_000_000_000),
        format=ImageFormat.OCI,
        compression=CompressionChoice(method=Compression.ZSTD, level=7),
        registry=RegistryOptions(
            insecure=frozenset({"r.io:5000", "localhost"}),
            credentials_over_http=True,
            ca_file=authority,
            client_certificates=(
                ClientCertificate(registry="r.io", certificate=authority, key=authority),
                ClientCertificate(registry="x", certificate=authority),
            ),
            mirrors=(
                Mirror(registry="docker.io", location="mirror.io/hub"),
                Mirror(registry="r.io", location="localhost:5000"),
            ),
            use_mirrors=False,
            jobs=2,
        ),
        host=options.host,
        cache=tmp_path,
    )


def test_the_cache_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYJIB_CACHE", str(tmp_path))
    assert options_of().cache == tmp_path
    assert options_of("--cache", "other").cache == Path("other")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--to Team/App", "--to: invalid image reference 'Team/App'"),
        ("--to scratch", "--to: nothing can be written to scratch"),
        ("--to ftp://x", "--to: unknown kind of image location ftp://"),
        ("--from http://r.io/x", "--from: invalid image reference"),
        ("--platform amd64", "--platform: not a platform: 'amd64' | write os/architecture"),
        ("--env A", "--env: 'A' is not NAME=VALUE"),
        ("--label =x", "--label: '=x' is not NAME=VALUE"),
        ("--permission /x=9", "--permission: '/x=9' is not PATH=MODE"),
        ("--compression xz", "--compression: 'xz' is no compression | write gzip"),
        ("--created soon", "--created: not a date and time"),
        ("--file-time now", "--file-time: not a date and time"),
        ("--insecure http://r.io", "--insecure: 'http://r.io' is not a registry's host"),
        ("--extra-include *.sh", "choose among the files of --extra-dir | add --extra-dir"),
        ("--password-stdin --to x", "--password-stdin: whose password is it? | add --username"),
        ("--username me --to tar://x --from scratch", "no registry to log in to"),
        ("--username me --to a.io/x --to b.io/x", "any of a.io, b.io | log in to each by"),
        ("--tag=", "--tag: there is no tag in '' | name one, or leave --tag out"),
        (
            "--platform=",
            "--platform: there is no platform in '' | name one, or leave --platform out",
        ),
        ("--port=,", "--port: there is no port in ',' | name one, or leave --port out"),
        ("--cache=", "--cache: the path is empty | write one, or leave --cache out"),
        ("--ca-file=", "--ca-file: the path is empty"),
        ("--classpath-file=", "--classpath-file: the path is empty"),
        ("--entrypoint=", "--entrypoint: the program to run has no name | name it, leave"),
        ("--to docker:app:1", "did you mean docker://app:1?"),
        ("--to tar://-", "--to: an archive is not written to standard output | name a file"),
        ("--ca-file no-such-file", "--ca-file: there is no file no-such-file"),
        (f"--ca-file {NO_CERTIFICATE}", "no certificates in PEM form | --ca-file takes a file of"),
        ("--mirror x", "--mirror: 'x' is not HOST=MIRROR | write for example docker.io="),
        ("--mirror docker.io=http://x", "--mirror: 'docker.io=http://x' is not HOST=MIRROR"),
        ("--mirror docker.io=/x", "--mirror: 'docker.io=/x' is not HOST=MIRROR"),
        ("--client-cert x", "--client-cert: 'x' is not HOST=CERTIFICATE[,KEY]"),
        ("--client-cert x=no-such-file", "--client-cert: there is no file no-such-file"),
        (f"--client-cert x={NO_CERTIFICATE},", "is not HOST=CERTIFICATE[,KEY]"),
    ],
)
def test_mistakes_name_the_option(arguments: str, words: str) -> None:
    assert words in hint_of(*arguments.split())


@pytest.mark.parametrize(
    ("arguments", "registry"),
    [
        (["--to", "ghcr.io/x/y", "--to", "ghcr.io/x/z", "--from", "q.io/a"], "ghcr.io"),
        (["--to", "objectworld/docker-hello"], "docker.io"),
        (["--to", "tar://x", "--from", "quay.io/a/b"], "quay.io"),
        (["--to", "tar://x"], "docker.io"),
    ],
)
def test_the_password_is_for_one_registry(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], registry: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("s3cr3t \r\n"))
    options = options_of("--username", "me", "--password-stdin", *arguments)
    assert options.registry.logins == (Login(registry=registry, username="me", password="s3cr3t "),)
    assert "s3cr3t" not in repr(options)


@pytest.mark.parametrize("text", ["", "\n", "two\nlines", "x" * 70_000])
def test_what_is_no_password(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    with pytest.raises(ConfigurationError, match="what came from standard input"):
        options_of("--username", "me", "--password-stdin")


def test_nobody_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("s3cr3t"))
    assert "no terminal to ask for a password on | pipe it in" in hint_of("--username", "me")


def test_a_plan_needs_no_password() -> None:
    options = options_of("--username", "me", "--to", "x", log_in=False)
    assert options.registry.logins == ()


@pytest.mark.skipif(os.name == "nt", reason="pipes have no paths there")
@pytest.mark.parametrize("flag", ["--ca-file", "--auth-file"])
def test_files_of_logins_and_authorities_are_no_pipes(flag: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert f"{flag}: {pipe} is not a regular file | write what it holds" in hint_of(flag, str(pipe))
