"""What the command line makes of Jib's configuration: ``build`` and ``plan``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pyjib.serve import RegistryServer
from tests.support.cli import Cli
from tests.support.projects import main_class, write_boot_jar, write_tree
from tests.support.registry import tags_in

POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>com.example</groupId><artifactId>app</artifactId><version>1.0</version>
<properties><maven.compiler.release>17</maven.compiler.release>{properties}</properties>
<build><plugins>{plugin}</plugins></build></project>"""
PLUGIN = """<plugin><groupId>com.google.cloud.tools</groupId>
<artifactId>jib-maven-plugin</artifactId><version>3.5.2</version>
<configuration><from><image>scratch</image></from>{configuration}</configuration></plugin>"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    return write_tree(
        root,
        {
            "pom.xml": pom(),
            "target/classes/com/example/Main.class": main_class("com.example.Main"),
        },
    )


def pom(configuration: str = "", properties: str = "", *, plugin: bool = True) -> str:
    text = PLUGIN.format(configuration=configuration) if plugin else ""
    return POM.format(properties=properties, plugin=text)


def configure(project: Path, configuration: str, properties: str = "") -> None:
    (project / "pom.xml").write_text(pom(configuration, properties))


def test_build_alone_does_what_jib_build_does(
    cli: Cli, project: Path, registry: RegistryServer
) -> None:
    name = f"{registry.address}/team/app"
    configure(project, f"<to><image>{name}</image><tags>1.0,stable</tags></to>")
    done = cli("build", project)
    assert done.code == 0, done.stderr
    assert f"config   jib-maven-plugin 3.5.2 in {project / 'pom.xml'}\n" in done.stderr
    assert done.stdout.startswith(f"{name}@sha256:")
    assert tags_in(registry, "team/app") == ["1.0", "latest", "stable"]
    target = project / "target"
    digest = (target / "jib-image.digest").read_text()
    assert done.stdout == f"{name}@{digest}\n"
    document = json.loads((target / "jib-image.json").read_text())
    assert document == {
        "image": name,
        "imageId": (target / "jib-image.id").read_text(),
        "imageDigest": digest,
        "tags": ["1.0", "latest", "stable"],
        "imagePushed": True,
    }


def test_tar_without_a_name_is_jibs_tar(cli: Cli, project: Path) -> None:
    done = cli("build", project, "--to", "tar://")
    assert done.code == 0, done.stderr
    assert (project / "target/jib-image.tar").is_file()
    document = json.loads((project / "target/jib-image.json").read_text())
    assert (document["image"], document["tags"]) == ("app:1.0", ["1.0"])
    assert document["imagePushed"] is False


def test_the_image_is_jibs_to_the_bit(cli: Cli, project: Path) -> None:
    done = cli("plan", project, "--json")
    assert done.code == 0, done.stderr
    assert done.json["configuration"] == f"jib-maven-plugin 3.5.2 in {project / 'pom.xml'}"
    assert done.json["identity"] == {"tool": "jib-maven-plugin", "version": "3.5.2", "jdk": 17}
    assert [layer["name"] for layer in done.json["layers"]] == [
        "resources",
        "classes",
        "jvm arg files",
    ]


@pytest.mark.parametrize(
    ("arguments", "identity"),
    [
        (("--identity", "jib:3.3.2"), {"tool": "jib-maven-plugin", "version": "3.3.2", "jdk": 17}),
        (("--identity", "jib"), {"tool": "jib-maven-plugin", "version": "3.5.2", "jdk": 17}),
        (("--identity", "jib/25"), {"tool": "jib-maven-plugin", "version": "3.5.2", "jdk": 25}),
        (("--identity", "pyjib"), {"tool": "pyjib", "version": None, "jdk": 17}),
    ],
)
def test_identities(
    cli: Cli, project: Path, arguments: tuple[str, ...], identity: dict[str, object]
) -> None:
    assert cli("plan", project, "--json", *arguments).json["identity"] == identity


@pytest.mark.parametrize(
    ("version", "warnings"), [("3.5.3", 1), ("9.9", 1), ("3.5.2", 0), ("3.3.2", 0), ("1.0", 0)]
)
def test_a_jib_of_the_future_is_told(cli: Cli, project: Path, version: str, warnings: int) -> None:
    for done in (
        cli("plan", project, "--identity", f"jib:{version}"),
        cli("plan", project.joinpath("none"), "--identity", f"jib:{version}"),
    ):
        told = f"jib-maven-plugin {version} is newer than all that is known of it here"
        assert done.stderr.count(told) == warnings


def test_a_version_beyond_all_measure(cli: Cli, project: Path) -> None:
    done = cli("plan", project, "--identity", f"jib:3.{'5' * 5000}")
    assert (done.code, "not a version of Jib" in done.stderr) == (2, True)


def test_jibs_identity_without_its_plugin(cli: Cli, project: Path) -> None:
    (project / "pom.xml").write_text(pom(plugin=False))
    assert cli("plan", project, "--json", "--from", "scratch").json["identity"]["tool"] == "pyjib"
    done = cli("plan", project, "--json", "--from", "scratch", "--identity", "jib")
    assert done.json["identity"]["version"] == "3.5.2"
    assert done.json["configuration"] is None


def test_an_identity_that_is_none(cli: Cli, project: Path) -> None:
    done = cli("plan", project, "--identity", "kaniko")
    assert done.code == 2
    assert "'kaniko' is neither pyjib nor jib[:VERSION]" in done.stderr


def test_properties_and_the_command_line_go_before_the_pom(cli: Cli, project: Path) -> None:
    configure(
        project,
        "<container><user>pom</user><environment><A>1</A></environment></container>",
        "<jib.container.workingDirectory>/pom</jib.container.workingDirectory>",
    )
    config = cli("plan", project, "--json").json["config"]
    assert (config["user"], config["workingDir"]) == ("pom", "/pom")
    arguments = ("-Djib.container.user=define", "-D", "jib.container.workingDirectory=/d")
    config = cli("plan", project, "--json", *arguments, "--user", "me", "--env", "B=2").json[
        "config"
    ]
    assert (config["user"], config["workingDir"]) == ("me", "/d")
    assert config["env"] == {"A": "1", "B": "2"}


def test_profiles(cli: Cli, project: Path) -> None:
    text = pom("<container><user>${who}</user></container>", "<who>nobody</who>")
    profile = (
        "<profiles><profile><id>p</id><properties><who>p</who></properties></profile></profiles>"
    )
    (project / "pom.xml").write_text(text.replace("</project>", f"{profile}</project>"))
    assert cli("plan", project, "--json").json["config"]["user"] == "nobody"
    assert cli("plan", project, "--json", "-P", "p").json["config"]["user"] == "p"


def test_executions(cli: Cli, project: Path) -> None:
    execution = (
        "<executions><execution><id>other</id><goals><goal>build</goal></goals><configuration>"
        "<container><user>other</user></container></configuration></execution></executions>"
    )
    text = pom("<container><user>plugin</user></container>")
    (project / "pom.xml").write_text(text.replace("</plugin>", f"{execution}</plugin>"))
    assert cli("plan", project, "--json").json["config"]["user"] == "plugin"
    done = cli("plan", project, "--json", "--jib-execution", "other")
    assert done.json["config"]["user"] == "other"


@pytest.mark.parametrize("command", ["build", "plan"])
def test_a_skipped_project_is_a_success(cli: Cli, project: Path, command: str) -> None:
    configure(project, "<skip>true</skip>")
    done = cli(command, project)
    assert (done.code, done.stdout) == (0, "")
    assert "Skipping containerization because jib-maven-plugin: skip = true" in done.stderr


def test_warnings_name_what_has_no_effect(cli: Cli, project: Path) -> None:
    configure(project, "<container><usr>x</usr></container>")
    done = cli("plan", project)
    assert "<container><usr> of jib-maven-plugin" in done.stderr


def test_mistakes_in_the_pom_end_with_code_2(cli: Cli, project: Path) -> None:
    configure(project, "<container><ports>web</ports></container>")
    done = cli("build", project, "--to", "tar://")
    assert done.code == 2
    assert "<container><ports>" in done.stderr
    assert "'web' is not a port" in done.stderr


def test_now_is_source_date_epoch_where_that_is_set(project: Path, tmp_path: Path) -> None:
    cli = Cli(home=tmp_path, variables={"SOURCE_DATE_EPOCH": "86400"})
    assert cli("plan", project, "--json").json["created"] == "1970-01-01T00:00:00Z"
    configure(project, "<container><creationTime>USE_CURRENT_TIMESTAMP</creationTime></container>")
    assert cli("plan", project, "--json").json["created"] == "1970-01-02T00:00:00Z"


@pytest.mark.parametrize("target", ["docker://", "tar://"])
def test_targets_without_a_name_need_jibs_configuration(
    cli: Cli, project: Path, target: str
) -> None:
    (project / "pom.xml").write_text(pom(plugin=False))
    done = cli("build", project, "--to", target)
    assert done.code == 2
    assert f"{target} names no target" in done.stderr


def test_jib_is_not_asked_of_a_jar(cli: Cli, tmp_path: Path) -> None:
    jar = write_boot_jar(tmp_path / "app.jar")
    done = cli("plan", jar, "--from", "scratch", "--jib-execution", "x")
    assert done.code == 2
    assert "does not configure Jib" in done.stderr


# jib.yaml


def test_a_build_file(cli: Cli, tmp_path: Path, registry: RegistryServer) -> None:
    write_tree(tmp_path / "c", {"dist/app": "x", "dist/skip/y": "y"})
    file = tmp_path / "jib.yaml"
    file.write_text(
        "apiVersion: jib/v1alpha1\nkind: BuildFile\nuser: ${who}\nentrypoint: [/app]\n"
        "layers:\n  entries:\n    - name: files\n      files:\n"
        "        - {src: dist, dest: /, excludes: ['**/skip', '**/skip/**']}\n"
    )
    arguments = ("-b", file, "-p", "who=me", tmp_path / "c")
    done = cli("plan", *arguments, "--json")
    assert done.code == 0, done.stderr
    assert done.json["identity"] == {"tool": "jib-cli", "version": "0.13.0", "jdk": 17}
    assert done.json["config"]["user"] == "me"
    (layer,) = done.json["layers"]
    assert [entry["target"] for entry in layer["entries"]] == ["/app"]
    target = f"{registry.address}/team/files:1"
    done = cli("build", *arguments, "--to", target)
    assert done.code == 0, done.stderr
    assert done.stdout.startswith(f"{registry.address}/team/files")
    done = cli("plan", *arguments, "--json", "--user", "you", "--identity", "pyjib")
    assert done.json["config"]["user"] == "you"
    assert done.json["identity"]["tool"] == "pyjib"


def test_parameters_are_for_build_files(cli: Cli, project: Path) -> None:
    done = cli("plan", project, "-p", "a=b")
    assert done.code == 2
    assert "--parameter is for build files" in done.stderr


def test_a_build_file_with_a_mistake(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "jib.yaml"
    file.write_text("apiVersion: x\nkind: BuildFile\nusr: me\n")
    done = cli("build", "-b", file, "--to", "tar://x.tar")
    assert done.code == 2
    assert f"{file}, line 3: usr: Unrecognized field 'usr'" in done.stderr


def test_what_a_build_file_has_no_use_for_is_named(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "jib.yaml"
    file.write_text("apiVersion: x\nkind: BuildFile\nuser: me\nuser: you\n---\nmore: x\n")
    flags = ("--main-class", "a.B", "--jvm-flag", "-X", "--mode", "packaged", "-Da=b", "-P", "p")
    done = cli("plan", "-b", file, *flags, "--extra-dir", "x")
    assert done.code == 0, done.stderr
    warned = [line for line in done.stderr.splitlines() if line.startswith("warning:")]
    assert warned == [
        f"warning: {file}, line 4: user: 'user' is there twice, and the last one counts",
        f"warning: {file}, line 5: only the first document of a build file counts",
        *(
            f"warning: {flag} has no effect with a build file"
            for flag in ("--mode", "--main-class", "--jvm-flag", "--extra-dir", "-D", "-P")
        ),
    ]


def test_sources_that_are_links(cli: Cli, tmp_path: Path) -> None:
    write_tree(tmp_path / "real", {"a": "x"})
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    file = tmp_path / "jib.yaml"
    file.write_text(
        "apiVersion: x\nkind: BuildFile\n"
        "layers: {entries: [{name: n, files: [{src: link, dest: /x}]}]}\n"
    )
    done = cli("plan", "-b", file, tmp_path, "--json")
    (layer,) = done.json["layers"]
    assert "/x/a" in [entry["target"] for entry in layer["entries"]]


@pytest.fixture
def pushed(project: Path, registry: RegistryServer) -> str:
    """The name that the project's image is pushed to; Jib's files about it cannot be written."""
    name = f"{registry.address}/team/app"
    configure(project, f"<to><image>{name}</image></to>")
    (project / "target/jib-image.digest").mkdir()
    return name


def test_jibs_files_do_not_fail_a_push(cli: Cli, project: Path, pushed: str) -> None:
    done = cli("build", project)
    assert done.code == 0, done.stderr
    assert done.stdout.startswith(f"{pushed}@sha256:")
    assert (
        "warning: the image is written, but not what Jib writes about it: cannot write"
        in done.stderr
    )
    assert "-Djib.outputPaths.digest=FILE" in done.stderr
    assert (project / "target/jib-image.json").is_file()


@pytest.mark.parametrize("place", ["target/jib-image.digest", "no/such/digest"])
def test_files_that_are_named_are_tried_before_the_push(
    cli: Cli, project: Path, registry: RegistryServer, pushed: str, place: str
) -> None:
    done = cli("build", project, f"-Djib.outputPaths.digest={place}")
    assert (done.code, done.stdout) == (2, "")
    assert "error: outputPaths.digest: " in done.stderr
    assert "-Djib.outputPaths.digest=FILE" in done.stderr
    assert pushed.startswith(registry.address)
    assert tags_in(registry, "team/app") == []


def test_files_that_the_pom_names_are_tried_too(cli: Cli, project: Path) -> None:
    """Also where the project comes from the cache, as the second time."""
    configure(project, "<outputPaths><imageId>named/id</imageId></outputPaths>")
    (project / "named").mkdir()
    assert cli("build", project, "--to", "tar://").code == 0
    (project / "named/id").unlink()
    (project / "named").rmdir()
    done = cli("build", project, "--to", "tar://")
    assert done.code == 2
    assert "error: outputPaths.imageId: there is no directory" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="devices have no paths there")
def test_devices_are_written_to(cli: Cli, project: Path, pushed: str) -> None:
    done = cli("build", project, f"-Djib.outputPaths.digest={os.devnull}")
    assert done.code == 0, done.stderr
    assert done.stdout.startswith(pushed)
    assert "warning" not in done.stderr
    assert not Path(os.devnull).is_file()


def test_the_mirror_of_docker_hubs_site(cli: Cli, project: Path) -> None:
    done = cli("plan", project, "--mirror", "hub.docker.com=m.io/hub")
    assert "warning: --mirror hub.docker.com=m.io/hub has no effect" in done.stderr
    assert "hint: write --mirror docker.io=m.io/hub" in done.stderr
    assert "has no effect" not in cli("plan", project, "--mirror", "a.io=m.io").stderr
