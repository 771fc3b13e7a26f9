from __future__ import annotations

import io
from pathlib import Path

import pytest

from pyjib.errors import ConfigurationError, ProjectError
from pyjib.layer.tar import write_tar
from pyjib.oci.digest import Digest
from pyjib.oci.identity import Identity
from pyjib.oci.instant import EPOCH_PLUS_SECOND, Instant
from pyjib.oci.location import parse_location
from pyjib.options import Mode
from pyjib.project.model import DEPENDENCY_GROUPS, DiskFile, ProjectKind
from tests.support.plans import files, layer, library, names, plan, project, targets, text

CLASS_PATH = "/app/jib-classpath-file"
LIBRARIES = (
    library("b-1.0.jar"),
    library("m-1-SNAPSHOT.jar", "snapshot dependencies"),
    library("p.jar", "project dependencies"),
    library("a-1.0.jar"),
)


def test_layers_in_the_order_of_jib() -> None:
    made = plan(project(dependencies=LIBRARIES))
    assert names(made) == [*DEPENDENCY_GROUPS, "resources", "classes", "jvm arg files"]
    assert targets(made.layers[0]) == [
        "/app/",
        "/app/libs/",
        "/app/libs/a-1.0.jar",
        "/app/libs/b-1.0.jar",
    ]
    assert targets(layer(made, "project dependencies"))[-1] == "/app/libs/p.jar"
    assert targets(layer(made, "resources"))[2:] == [
        "/app/resources/application.properties",
        "/app/resources/com/",
        "/app/resources/com/example/",
    ]
    assert targets(layer(made, "classes"))[2:] == [
        "/app/classes/com/",
        "/app/classes/com/example/",
        "/app/classes/com/example/Main.class",
    ]


def test_empty_layers_are_left_out_and_directories_alone_are_a_layer() -> None:
    made = plan(project(dependencies=(), resources=files("com/"), classes=files("Main.class")))
    assert names(made) == ["resources", "classes", "jvm arg files"]


def test_start_by_argument_file_in_the_order_of_the_class_path() -> None:
    made = plan(project(dependencies=LIBRARIES), jvm_flags=("-Xmx1g",))
    assert made.config.entrypoint == ("java", "-Xmx1g", "-cp", f"@{CLASS_PATH}", "com.example.Main")
    assert text(made, CLASS_PATH) == (
        "/app/resources:/app/classes:/app/libs/b-1.0.jar:/app/libs/m-1-SNAPSHOT.jar"
        ":/app/libs/p.jar:/app/libs/a-1.0.jar"
    )
    assert text(made, "/app/jib-main-class-file") == "com.example.Main"


def test_old_java_gets_the_class_path_itself() -> None:
    old = project(java_version=8)
    wildcard = "/app/resources:/app/classes:/app/libs/*"
    listed = "x:/app/resources:/app/classes:/app/libs/b-1.0.jar:/app/libs/a-1.0.jar"
    made = plan(old)
    assert made.config.entrypoint == ("java", "-cp", wildcard, "com.example.Main")
    assert text(made, CLASS_PATH) == wildcard
    made = plan(old, expand_classpath=True, extra_classpath=("x",))
    assert made.config.entrypoint == ("java", "-cp", listed, "com.example.Main")


def test_a_jar_for_old_java_keeps_the_order_that_it_states() -> None:
    made = plan(project(ProjectKind.SPRING_BOOT, java_version=8))
    assert made.config.entrypoint is not None
    assert made.config.entrypoint[2].endswith(":/app/libs/b-1.0.jar:/app/libs/a-1.0.jar")


def test_libraries_without_a_known_order_are_a_wildcard() -> None:
    made = plan(project(ordered=False), expand_classpath=True)
    assert text(made, CLASS_PATH) == "/app/resources:/app/classes:/app/libs/*"


def test_unknown_java_is_a_new_one() -> None:
    made = plan(project(java_version=None))
    assert str(made.base) == "docker.io/library/eclipse-temurin:21-jre"
    assert f"@{CLASS_PATH}" in (made.config.entrypoint or ())


def test_app_root() -> None:
    made = plan(app_root="/srv//x/")
    assert targets(layer(made, "jvm arg files")) == [
        "/srv/",
        "/srv/x/",
        "/srv/x/jib-classpath-file",
        "/srv/x/jib-main-class-file",
    ]
    assert text(made, "/srv/x/jib-classpath-file").startswith("/srv/x/resources:/srv/x/classes:")
    assert text(plan(app_root="/"), "/jib-classpath-file").startswith("/resources:/classes:")
    with pytest.raises(ConfigurationError, match="app root 'srv'"):
        plan(app_root="srv")


def test_file_time_is_for_all_but_argument_files_and_implied_directories() -> None:
    time = Instant.parse("2024-01-01T00:00:00Z")
    made = plan(file_time=time)
    times = {
        layer.name: {f"/{entry.name}": entry.mtime for entry in layer.entries}
        for layer in made.layers
    }
    assert set(times["jvm arg files"].values()) == {EPOCH_PLUS_SECOND}
    assert times["dependencies"]["/app/libs/"] == EPOCH_PLUS_SECOND
    assert times["dependencies"]["/app/libs/a-1.0.jar"] == time
    assert times["classes"]["/app/classes/com/"] == time


def test_files_with_one_name_get_their_sizes() -> None:
    twins = (
        library("x.jar", size=10),
        library("y.jar"),
        library("x.jar", "project dependencies", size=2000),
        library("z.zip", size=1),
        library("z.zip", "project dependencies", size=2),
    )
    made = plan(project(dependencies=twins))
    assert targets(made.layers[0])[2:] == [
        "/app/libs/x-10.jar",
        "/app/libs/y.jar",
        "/app/libs/z.zip.jar",
    ]
    assert targets(made.layers[1])[2:] == ["/app/libs/x-2000.jar", "/app/libs/z.zip.jar"]
    assert text(made, CLASS_PATH).split(":")[2:] == [
        "/app/libs/x-10.jar",
        "/app/libs/y.jar",
        "/app/libs/x-2000.jar",
        "/app/libs/z.zip.jar",
        "/app/libs/z.zip.jar",
    ]


def test_groups_of_the_project_are_layers_in_its_order() -> None:
    boot = project(
        ProjectKind.SPRING_BOOT,
        dependencies=(library("a.jar", "company"), library("b.jar"), library("c.jar", "unlisted")),
        dependency_groups=("dependencies", "company"),
    )
    assert names(plan(boot))[:3] == ["dependencies", "company", "unlisted"]


def test_spring_boot_loses_its_developer_tools() -> None:
    tools = library("spring-boot-devtools-3.1.2.jar")
    boot = project(ProjectKind.SPRING_BOOT, dependencies=(tools, library("a.jar")))
    made = plan(boot)
    assert targets(made.layers[0])[2:] == ["/app/libs/a.jar"]
    assert "devtools" not in text(made, CLASS_PATH)
    assert "devtools" in text(plan(project(dependencies=(tools,))), CLASS_PATH)


def test_white_space_and_quotes_are_quoted_but_for_jib() -> None:
    spaced = project(dependencies=(library('my "lib".jar'),))
    raw = '/app/resources:/app/classes:/app/libs/my "lib".jar'
    assert text(plan(spaced), CLASS_PATH) == '"' + raw.replace('"', '\\"') + '"'
    assert text(plan(spaced, identity=Identity.of_jib("3.4.4")), CLASS_PATH) == raw


def test_packaged_classes_are_those_of_jib() -> None:
    archive = Path("target/hello-1.jar")
    made = plan(project(archive=archive), mode=Mode.PACKAGED)
    assert names(made) == ["dependencies", "extra files", "jvm arg files"]
    (jar,) = made.layers[1].files
    assert (jar.target, jar.source) == ("/app/classpath/hello-1.jar", DiskFile(archive))
    assert text(made, CLASS_PATH) == "/app/classpath/*:/app/libs/b-1.0.jar:/app/libs/a-1.0.jar"
    assert made.config.entrypoint == ("java", "-cp", f"@{CLASS_PATH}", "com.example.Main")


def test_packaged_without_a_package() -> None:
    with pytest.raises(ProjectError) as raised:
        plan(project(archive=None), mode=Mode.PACKAGED)
    assert "--mode exploded" in (raised.value.hint or "")


@pytest.mark.parametrize("kind", [ProjectKind.SPRING_BOOT, ProjectKind.JAR])
def test_a_packaged_jar_that_stands_alone_runs_as_such(kind: ProjectKind) -> None:
    dependencies = () if kind is ProjectKind.JAR else (library("a.jar"),)
    jar = project(kind, archive=Path("x/y.jar"), dependencies=dependencies, main_class="M")
    made = plan(jar, mode=Mode.PACKAGED, jvm_flags=("-ea",))
    assert [targets(layer) for layer in made.layers] == [["/app/", "/app/y.jar"]]
    assert names(made) == ["jar"]
    assert made.config.entrypoint == ("java", "-ea", "-jar", "/app/y.jar")
    assert str(made.base).endswith("eclipse-temurin:17-jre")


def test_a_packaged_jar_with_libraries_needs_a_class_path() -> None:
    jar = project(ProjectKind.JAR, archive=Path("y.jar"), main_class="M")
    made = plan(jar, mode=Mode.PACKAGED)
    assert names(made) == ["dependencies", "jar", "jvm arg files"]
    assert text(made, CLASS_PATH) == "/app/y.jar:/app/libs/b-1.0.jar:/app/libs/a-1.0.jar"
    assert made.config.entrypoint == ("java", "-cp", f"@{CLASS_PATH}", "M")


@pytest.mark.parametrize("options", [{"main_class": "N"}, {"extra_classpath": ("/x",)}])
def test_a_packaged_jar_that_is_not_told_to_run_as_it_says(options: dict[str, object]) -> None:
    jar = project(ProjectKind.JAR, archive=Path("y.jar"), dependencies=(), main_class="M")
    made = plan(jar, mode=Mode.PACKAGED, **options)
    assert made.config.entrypoint is not None
    assert made.config.entrypoint[:3] == ("java", "-cp", f"@{CLASS_PATH}")
    assert text(made, CLASS_PATH).endswith("/app/y.jar")


def test_a_base_of_the_callers_is_taken_whatever_the_java() -> None:
    base = parse_location("scratch")
    assert plan(project(java_version=99), base=base).base == base


def test_the_argument_files_of_jib_byte_for_byte() -> None:
    """The digest of the tar that Jib's writer makes of these two files."""
    tar = io.BytesIO()
    made = plan(project(dependencies=(library("a-1.0.jar"),)))
    write_tar(layer(made, "jvm arg files").entries, tar, time_records=True, check=lambda: None)
    assert len(tar.getvalue()) == 6656
    assert Digest.of(tar.getvalue()).hex == (
        "90346b2fdae0af37ad2193a407bade41eb102b9bb05132b838813b5736ee4eae"
    )
