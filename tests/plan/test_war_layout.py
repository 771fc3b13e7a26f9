from __future__ import annotations

from pathlib import Path

from pyjib.oci.location import parse_location
from pyjib.options import BuildOptions, Mode
from pyjib.plan.warnings import plan_warnings
from pyjib.project.model import Project, ProjectKind
from tests.support.plans import files, layer, library, names, plan, project, targets

JETTY = ("java", "-jar", "/usr/local/jetty/start.jar", "--module=ee10-deploy")
TOMCAT = parse_location("tomcat:10")


def war(**changes: object) -> Project:
    values = {
        "classes": files("WEB-INF/classes/A.class"),
        "resources": files("index.html", "WEB-INF/", "WEB-INF/classes/"),
        "dependencies": (library("a.jar"), library("b-SNAPSHOT.jar", "snapshot dependencies")),
        "main_class_candidates": (),
        "archive": Path("target/app-1.war"),
    }
    return project(ProjectKind.WAR, **(values | changes))


def test_exploded_for_jetty() -> None:
    made = plan(war(), jvm_flags=("-Xmx1g",))
    root = "/var/lib/jetty/webapps/ROOT"
    assert names(made) == ["dependencies", "snapshot dependencies", "resources", "classes"]
    assert targets(made.layers[0])[-1] == f"{root}/WEB-INF/lib/a.jar"
    assert targets(layer(made, "resources"))[-1] == f"{root}/index.html"
    assert targets(layer(made, "classes"))[-1] == f"{root}/WEB-INF/classes/A.class"
    assert str(made.base) == "docker.io/library/jetty:latest"
    assert made.config.entrypoint == JETTY


def test_another_base_starts_its_own_server() -> None:
    assert plan(war(), base=TOMCAT).config.entrypoint is None
    assert plan(war(), base=parse_location("jetty")).config.entrypoint is None
    assert plan(war(), entrypoint=("run",)).config.entrypoint == ("run",)


def test_packaged_for_a_server() -> None:
    root = "/usr/local/tomcat/webapps/ROOT"
    made = plan(war(), base=TOMCAT, mode=Mode.PACKAGED, app_root=root)
    assert names(made) == ["war"]
    assert targets(made.layers[0])[-1] == f"{root}.war"
    assert made.config.entrypoint is None
    assert plan(war(), mode=Mode.PACKAGED).config.entrypoint == JETTY


def test_a_packaged_war_with_a_main_class_runs_by_itself() -> None:
    boot = war(main_class="com.example.App")
    made = plan(boot, mode=Mode.PACKAGED, jvm_flags=("-ea",))
    assert targets(made.layers[0]) == ["/app/", "/app/app-1.war"]
    assert made.config.entrypoint == ("java", "-ea", "-jar", "/app/app-1.war")
    assert str(made.base).endswith("eclipse-temurin:17-jre")
    assert plan(boot).config.entrypoint == JETTY


def test_a_packaged_war_whose_entrypoint_is_inherited_is_for_the_server() -> None:
    boot = war(main_class="com.example.App")
    made = plan(boot, mode=Mode.PACKAGED, entrypoint=("INHERIT",), base=TOMCAT)
    assert targets(made.layers[0])[-1] == "/var/lib/jetty/webapps/ROOT.war"
    assert made.config.entrypoint is None


def test_a_base_that_is_no_jetty_wants_an_app_root() -> None:
    (warning,) = plan_warnings(war(), BuildOptions(base=TOMCAT))
    assert "tomcat" in warning.message
    assert "--app-root" in (warning.hint or "")
    assert not plan_warnings(war(), BuildOptions(base=TOMCAT, app_root="/x"))
    assert not plan_warnings(war(), BuildOptions(base=parse_location("registry://jetty:12")))
    assert not plan_warnings(war(), BuildOptions())
