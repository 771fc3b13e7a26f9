"""``pyjib build`` on real files and a real registry."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest

from pyjib.oci.image import Image, ImageIndex
from pyjib.serve import RegistryServer
from tests.support.cli import HELLO, Cli
from tests.support.images import temurin_image, temurin_index
from tests.support.projects import main_class, write_tree
from tests.support.registry import image_in, manifest_in, put_image, tags_in
from tests.support.scripted import Reply, ScriptedServer

JIB_KEYS = ["image", "imageId", "imageDigest", "tags", "imagePushed"]


@pytest.fixture
def base(registry: RegistryServer) -> str:
    """A base image in the registry, with a JRE's config."""
    put_image(registry, "library/eclipse-temurin", temurin_image(), "17-jre")
    return f"{registry.address}/library/eclipse-temurin:17-jre"


def test_the_digest_alone_is_on_stdout(cli: Cli, registry: RegistryServer, base: str) -> None:
    target = f"{registry.address}/objectworld/docker-hello"
    done = cli("build", HELLO, "--from", base, "--to", target, "--tag", "1.0,stable")
    assert done.code == 0, done.stderr
    image = image_in(registry, "objectworld/docker-hello", "latest")
    assert isinstance(image, Image)
    assert done.stdout == f"{target}@{image.digest}\n"
    assert tags_in(registry, "objectworld/docker-hello") == ["1.0", "latest", "stable"]
    lines = done.stderr.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(("project", "base", "layer"))]
    assert any(line.startswith(f"base     {base}@sha256:") for line in lines)
    assert any(line.startswith("layer    classes  ") for line in lines)
    assert f"tag      {target}:1.0" in lines
    assert lines[-1].startswith("done     in ")


def test_again_with_nothing_changed(cli: Cli, registry: RegistryServer, base: str) -> None:
    arguments = ("build", HELLO, "--from", base, "--to", f"{registry.address}/team/app")
    first = cli(*arguments)
    again = cli(*arguments)
    assert again.stdout == first.stdout
    assert "(cached)" not in first.stderr
    layers = [line for line in again.stderr.splitlines() if line.startswith("layer")]
    assert layers
    assert all(line.endswith("(cached)") for line in layers)
    assert "image    nothing to send, all of it is there already" in again.stderr


def test_base_layers_are_mounted_and_never_downloaded(
    cli: Cli, registry: RegistryServer, base: str
) -> None:
    layers = [str(layer.digest) for layer in temurin_image().manifest.layers]
    done = cli("build", HELLO, "--from", base, "--to", f"{registry.address}/team/app")
    assert done.code == 0, done.stderr
    mounts = [seen.query for seen in registry.journal if "mount=" in seen.query]
    origin = "from=library/eclipse-temurin"
    assert sorted(mounts) == sorted(f"mount={digest}&{origin}" for digest in layers)
    read = [seen.path for seen in registry.journal if seen.method == "GET"]
    assert not any(path.endswith(tuple(layers)) for path in read)
    assert not any(path.name in "".join(layers) for path in (cli.home / "cache").rglob("blobs/*/*"))


def test_a_damaged_cache_is_mended_by_the_next_build(
    cli: Cli, registry: RegistryServer, base: str
) -> None:
    arguments = ("build", HELLO, "--from", base, "--to")
    first = cli(*arguments, f"{registry.address}/team/one", "--json").json
    digest = next(layer["digest"] for layer in first["layers"] if layer["name"] == "classes")
    stored = cli.home / "cache" / "blobs" / Path(*digest.split(":"))
    stored.write_bytes(bytes(stored.stat().st_size))
    broken = cli(*arguments, f"{registry.address}/team/two")
    assert (broken.code, broken.stdout) == (1, "")
    assert digest in broken.stderr
    assert "hint: run it again" in broken.stderr
    mended = cli(*arguments, f"{registry.address}/team/two")
    assert mended.stdout.endswith(f"@{first['imageDigest']}\n")


def test_one_line_for_each_target(cli: Cli, registry: RegistryServer, base: str) -> None:
    archive, layout = cli.home / "app.tar", cli.home / "images"
    registry_target = f"{registry.address}/team/app"
    targets = [registry_target, f"tar://{archive}", f"oci://{layout}:1.0"]
    done = cli("build", HELLO, "--from", base, *(f"--to={target}" for target in targets))
    assert done.code == 0, done.stderr
    assert [line.partition("@")[0] for line in done.lines] == targets
    assert tarfile.is_tarfile(archive)
    assert (layout / "oci-layout").is_file()


def test_metadata_is_jibs(cli: Cli, registry: RegistryServer, base: str) -> None:
    target, file = f"{registry.address}/team/app", cli.home / "image.json"
    done = cli(
        *("build", HELLO, "--from", base, "--to", f"tar://{cli.home / 'x.tar'}"),
        *("--to", f"{target}:2", "--tag", "b", "--tag", "a", "--metadata-file", file),
    )
    assert done.code == 0, done.stderr
    image = image_in(registry, "team/app", "2")
    assert image is not None
    document = {
        "image": f"{target}:2",
        "imageId": str(image.image_id),
        "imageDigest": str(image.digest),
        "tags": ["2", "a", "b"],
        "imagePushed": True,
    }
    assert file.read_bytes() == json.dumps(document, separators=(",", ":")).encode()
    assert [path.name for path in cli.home.iterdir() if "partial" in path.name] == []


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="has no file for standard output")
def test_metadata_into_standard_output_that_is_a_file(cli: Cli) -> None:
    """/dev/stdout is a link: the file that it leads to gets the text, and the link stays."""
    link, seen = cli.home / "link", cli.home / "seen"
    link.symlink_to("/dev/stdout")
    target = f"tar://{cli.home / 'x.tar'}"
    arguments = ("build", HELLO, "--from", "scratch", "--to", target, "--metadata-file", link)
    with seen.open("w") as stdout, cli.start(*arguments, stdout=stdout) as process:
        _, stderr = process.communicate(timeout=240)
    assert process.returncode == 0, stderr
    assert link.is_symlink()
    document, place = seen.read_text().split("}")
    assert '"imageId":"sha256:' in document
    assert place == f"{target}\n"


@pytest.mark.skipif(os.name == "nt", reason="links want a privilege there")
def test_metadata_through_a_link(cli: Cli) -> None:
    link, file = cli.home / "link", cli.home / "real.json"
    link.symlink_to(file)
    target = f"tar://{cli.home / 'x.tar'}"
    done = cli("build", HELLO, "--from", "scratch", "--to", target, "--metadata-file", link)
    assert done.code == 0, done.stderr
    assert link.is_symlink()
    assert '"imageId":"sha256:' in file.read_text()


def test_metadata_of_an_archive(cli: Cli, base: str) -> None:
    file = cli.home / "image.json"
    target = f"tar://{cli.home / 'x.tar'}"
    common = ("build", HELLO, "--from", base, "--to", target, "--metadata-file", file)
    assert cli(*common, "--name", "team/app:3").code == 0
    document = json.loads(file.read_text())
    assert list(document) == JIB_KEYS
    assert document["image"] == "team/app:3"
    assert document["imagePushed"] is False
    assert cli(*common).code == 0
    assert json.loads(file.read_text())["image"] == "docker-hello"


def test_json_tells_everything(cli: Cli, registry: RegistryServer, base: str) -> None:
    arguments = ("build", HELLO, "--from", base, "--to", f"{registry.address}/team/app", "--json")
    document = cli(*arguments).json
    assert list(document) == [*JIB_KEYS, "platforms", "base", "layers", "published"]
    assert document["platforms"] == ["linux/amd64"]
    assert document["base"]["name"].endswith("library/eclipse-temurin:17-jre")
    assert [layer["name"] for layer in document["layers"]] == [
        "resources",
        "classes",
        "jvm arg files",
    ]
    image = image_in(registry, "team/app", "latest")
    assert isinstance(image, Image)
    assert [layer["digest"] for layer in document["layers"]] == [
        str(layer.descriptor.digest) for layer in image.layers[-3:]
    ]
    assert [layer["diffId"] for layer in document["layers"]] == list(
        map(str, image.config.diff_ids[-3:])
    )
    assert {layer["cached"] for layer in document["layers"]} == {False}
    assert {layer["cached"] for layer in cli(*arguments).json["layers"]} == {True}
    assert document["published"][0]["location"].endswith(f"/team/app@{image.digest}")


def test_several_platforms(cli: Cli, registry: RegistryServer) -> None:
    put_image(registry, "base/jre", temurin_index(), "17")
    done = cli(
        *("build", HELLO, "--from", f"{registry.address}/base/jre:17", "--json"),
        *("--to", f"{registry.address}/team/app", "--platform", "linux/amd64,linux/arm64"),
    )
    assert done.code == 0, done.stderr
    index = image_in(registry, "team/app", "latest")
    assert isinstance(index, ImageIndex)
    assert done.json["imageId"] == done.json["imageDigest"] == str(index.digest)
    assert done.json["platforms"] == [str(image.platform) for image in index.images]


def test_platforms_that_one_image_answers(cli: Cli, registry: RegistryServer) -> None:
    put_image(registry, "library/eclipse-temurin", temurin_index(), "17-jre")
    done = cli(
        *("build", HELLO, "--from", f"{registry.address}/library/eclipse-temurin:17-jre"),
        *("--platform", "linux/arm64,linux/arm64/v8", "--to", f"{registry.address}/team/app"),
    )
    assert done.code == 0, done.stderr
    image = image_in(registry, "team/app", "latest")
    assert isinstance(image, Image)
    assert str(image.platform) == "linux/arm64/v8"


def test_quiet_says_nothing_but_the_result(cli: Cli, registry: RegistryServer, base: str) -> None:
    target = f"{registry.address}/team/app"
    common = ("build", HELLO, "--from", base, "--to", target)
    done = cli(*common, "--quiet")
    assert (done.code, done.stderr, len(done.lines)) == (0, "", 1)


def test_quiet_keeps_warnings(cli: Cli) -> None:
    target = f"tar://{cli.home / 'x.tar'}"
    common = ("build", HELLO, "--from", "scratch", "--to", target, "--entrypoint", "sh")
    for words, kept in ((["-q"], 1), (["--progress", "none"], 1), (["-qq"], 0), (["-q", "-q"], 0)):
        done = cli(*common, "--jvm-flag", "-Xmx1g", *words)
        assert (done.code, done.stdout) == (0, f"{target}\n")
        told = done.stderr.splitlines()
        assert len(told) == kept
        assert all(line.startswith("warning: --jvm-flag") for line in told)
    assert "error: " in cli(*common, "-qq", "--name", "x", "--main-class", "x", HELLO).stderr


def test_without_a_target(cli: Cli) -> None:
    done = cli("build", HELLO)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: nowhere to write the image to\nhint: ")
    assert "--to objectworld/docker-hello" in done.stderr


def test_the_container_is_configured(cli: Cli, registry: RegistryServer, base: str) -> None:
    done = cli(
        *("build", HELLO, "--from", base, "--to", f"{registry.address}/team/app"),
        *("--entrypoint", '["sh", "-c"]', "--arg", "echo", "--env", "A=1", "--label", "b=2"),
        *("--port", "8080", "--user", "1000", "--workdir", "/srv", "--created", "1000"),
    )
    assert done.code == 0, done.stderr
    image = image_in(registry, "team/app", "latest")
    assert isinstance(image, Image)
    assert image.config.run["Entrypoint"] == ["sh", "-c"]
    assert image.config.run["Cmd"] == ["echo"]
    assert image.config.environment["A"] == "1"
    assert image.config.run["Labels"]["b"] == "2"
    assert "8080/tcp" in image.config.run["ExposedPorts"]
    assert image.config.run["User"] == "1000"
    assert image.config.run["WorkingDir"] == "/srv"
    assert image.config.document["created"] == "1970-01-01T00:00:01Z"


def test_source_date_epoch(cli: Cli, registry: RegistryServer, base: str) -> None:
    dated = Cli(home=cli.home, variables={"SOURCE_DATE_EPOCH": "1700000000"})
    arguments = ("build", HELLO, "--from", base, "--to", f"{registry.address}/team/app")
    assert dated(*arguments).code == 0
    image = image_in(registry, "team/app", "latest")
    assert isinstance(image, Image)
    assert image.config.document["created"] == "2023-11-14T22:13:20Z"
    bad = Cli(home=cli.home, variables={"SOURCE_DATE_EPOCH": "today"})(*arguments)
    assert bad.code == 2
    assert bad.stderr.startswith("error: SOURCE_DATE_EPOCH is 'today'")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--to", "./app.tar"], 2, "hint: a file is written tar://FILE"),
        (["--to", "team/app", "--tag", "a!"], 2, "--tag: not a tag: 'a!'"),
        (["--to", "team/App"], 2, "repository names have no capitals\nhint: write it as team/app"),
        (["--to", "x", "--platform", "amd64"], 2, "not a platform: 'amd64'"),
        (["--to", "x", "--format", "rpm"], 2, "'rpm' is not one of"),
        (["--to", "x", "--jobs", "0"], 2, "--jobs"),
        (["--tofu", "x"], 2, "no such option '--tofu'"),
        (["--to", "x", "--port", "0"], 2, "the port '0' is outside"),
        (["--to", "x", "--metadata-file", "no/such/dir/x.json"], 2, "there is no directory"),
        (["--to", "x", "--compression", "gzip:10"], 2, "no compression level 10"),
        (["--to", f"tar://{__file__}/x.tar", "--from", "scratch"], 1, "is no directory"),
        (["--to", f"oci://{__file__}/x", "--from", "scratch"], 1, "is no directory"),
        (["one", "two"], 2, "unexpected extra argument"),
    ],
)
def test_mistakes(cli: Cli, arguments: list[str], code: int, words: str) -> None:
    path = [] if arguments == ["one", "two"] else [str(HELLO)]
    done = cli("build", *path, *arguments)
    assert done.code == code, done.stderr
    assert done.stdout == ""
    assert words in done.stderr
    assert "\nhint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-2].startswith("error: ")


POM = "<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>a</artifactId>"
MODULES = "<version>1</version><packaging>pom</packaging><modules><module>web</module></modules>"


@pytest.mark.parametrize(
    ("files", "arguments", "hint"),
    [
        (
            ["jib.yaml"],
            ["build", "{}", "--to", "tar://x.tar"],
            "name it: pyjib build -b {}/jib.yaml",
        ),
        (["jib.yaml"], ["build", "{}"], "named: pyjib build -b {}/jib.yaml --to team/app"),
        (["jib.yml"], ["build", "{}/jib.yml", "--to", "x"], "by -b: pyjib build -b {}/jib.yml"),
        (["pom.xml"], ["build", "{}/pom.xml", "--to", "x"], "that it is in: pyjib build {}"),
        (["x.txt"], ["build", "{}/x.txt", "--to", "x"], "or a .jar or .war file"),
        (
            ["pom.xml"],
            ["build", "{}", "--to", "x"],
            "or take <module>web</module> out of {}/pom.xml",
        ),
        ([], ["inspect", "tar://{}/no.tar"], "check the path: relative paths start at the working"),
        ([], ["compare-jib", "{}/no.tar", str(HELLO)], "check the path: relative paths start at"),
    ],
)
def test_hints_for_what_was_meant(
    cli: Cli, tmp_path: Path, files: list[str], arguments: list[str], hint: str
) -> None:
    for name in files:
        (tmp_path / name).write_text(f"{POM}{MODULES}</project>")
    done = cli(*(argument.format(tmp_path) for argument in arguments))
    assert (done.code > 0, done.stdout) == (True, "")
    assert hint.format(tmp_path) in done.stderr.splitlines()[-1]


def test_a_base_that_cannot_be_had_is_told_to_be_the_base(
    cli: Cli, registry: RegistryServer
) -> None:
    done = cli("build", HELLO, "--to", "tar://app.tar", "--from", f"{registry.address}/nosuch:1")
    assert done.code == 1
    assert done.stderr.splitlines()[-1] == (
        "hint: check the name and the tag; this is the base image: name another with --from, "
        "or a mirror of its registry with --mirror (of pyjib build)"
    )


def test_what_is_no_project(cli: Cli, tmp_path: Path) -> None:
    target = ("--to", f"tar://{tmp_path / 'x.tar'}", "--from", "scratch")
    empty = tmp_path / "empty"
    empty.mkdir()
    missing = cli("build", tmp_path / "missing", *target)
    nothing = cli("build", empty, *target)
    corrupt = tmp_path / "app.jar"
    corrupt.write_bytes(b"PK\3\4 and then nothing")
    jar = cli("build", corrupt, *target)
    for done in (missing, nothing, jar):
        assert done.code == 1, done.stderr
        assert done.stderr.splitlines()[0].startswith("error: ")
        assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.jar", "empty", "home"]


def test_several_main_classes_are_listed(cli: Cli, tmp_path: Path) -> None:
    files = {f"target/classes/a/{name}.class": main_class(f"a.{name}") for name in ("One", "Two")}
    write_tree(tmp_path / "app", files)
    target = ("--to", f"tar://{tmp_path / 'x.tar'}", "--from", "scratch")
    done = cli("build", tmp_path / "app", *target)
    assert done.code == 1
    assert "a.One" in done.stderr
    assert "a.Two" in done.stderr
    assert "--main-class" in done.stderr
    assert cli("build", tmp_path / "app", *target, "--main-class", "a.Two").code == 0


def test_a_base_that_is_not_there(cli: Cli, registry: RegistryServer) -> None:
    done = cli(
        *("build", HELLO, "--to", f"{registry.address}/x"),
        *("--from", f"{registry.address}/no/such"),
    )
    assert (done.code, done.stdout) == (1, "")
    assert "hint: check the name and the tag" in done.stderr


def test_repeated_attempts_are_told(cli: Cli) -> None:
    with ScriptedServer() as server:
        server.rule("HEAD", "/v2/x/manifests/.*", Reply(503, {"Retry-After": "0"}), times=1)
        server.rule("*", "/v2/x/.*", Reply(403))
        arguments = ("build", HELLO, "--to", f"{server.address}/x", "--from", "scratch")
        done = cli(*arguments, "--progress", "none")
    assert done.code == 1
    assert done.stderr.startswith("retry    ")
    assert "; attempt 2 of 5 in " in done.stderr


def test_a_servers_words_do_not_drive_the_terminal(cli: Cli) -> None:
    body = b'{"errors":[{"code":"DENIED","message":"\\u001b[2J\\u001b]0;owned\\u0007 no"}]}'
    with ScriptedServer() as server:
        server.rule("*", "/v2/x/.*", Reply(403, {"Content-Type": "application/json"}, body))
        done = cli("build", HELLO, "--to", f"{server.address}/x", "--from", "scratch")
    assert done.code == 1
    assert "\x1b" not in done.stderr
    assert "\x07" not in done.stderr


def test_a_login_for_one_build(cli: Cli) -> None:
    with RegistryServer(users={"me": "s3cr3t"}) as server:
        target = f"{server.address}/team/app"
        arguments = ("build", HELLO, "--from", "scratch", "--to", target)
        refused = cli(*arguments)
        assert refused.code == 1
        assert "pyjib login" in refused.stderr
        login = ("--username", "me", "--password-stdin")
        done = cli(*arguments, *login, "--debug", stdin="s3cr3t\n")
        assert done.code == 0, done.stderr
        assert "s3cr3t" not in done.stderr
        wrong = cli(*arguments, "--tag", "2", *login, stdin="wr0ng\n")
        assert wrong.code == 0 or "wr0ng" not in wrong.stderr
        assert manifest_in(server, "team/app", "latest")
    assert not (cli.home / ".docker").exists()


@pytest.mark.skipif(os.name == "nt", reason="limits the size of files the POSIX way")
@pytest.mark.parametrize(("most", "what"), [(8192, "{0}/app.tar: "), (1024, "{0}/cache/")])
def test_a_full_disk(cli: Cli, base: str, most: int, what: str) -> None:
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most})); "
        "from pyjib.cli import main; main()"
    )
    target = f"tar://{cli.home / 'app.tar'}"
    with cli.start("build", HELLO, "--from", base, "--to", target, code=code) as process:
        stdout, stderr = process.communicate(timeout=240)
    assert (process.returncode, stdout) == (1, "")
    assert f"error: cannot write {what.format(cli.home)}" in stderr
    assert "hint: free some space" in stderr
    assert [path.name for path in cli.home.iterdir()] == ["cache"]
    assert list((cli.home / "cache" / "tmp").iterdir()) == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    target = f"tar://{tmp_path / 'x.tar'}"
    done = cli("build", HELLO, "--from", "scratch", "--to", target, "--cache", closed / "c")
    assert done.code == 1
    assert "--cache" in done.stderr


def test_the_program_itself(cli: Cli, registry: RegistryServer, base: str) -> None:
    done = cli.program("build", HELLO, "--from", base, "--to", f"{registry.address}/team/app")
    assert done.code == 0, done.stderr
    assert done.stdout.startswith(f"{registry.address}/team/app@sha256:")
    assert "\x1b" not in done.stdout + done.stderr
