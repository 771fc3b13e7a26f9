"""What Maven adds to every project: the super POM, and the goals that a packaging binds.

Versions of plugins are left out: they change with each Maven, and no image depends on them.
Specification: ``maven-and-gradle-projects`` §1.3 and §5.
"""

from __future__ import annotations

from pyjib.project.maven.model import (
    Body,
    Build,
    Execution,
    Plugin,
    RawPom,
)
from pyjib.project.maven.remote import CENTRAL

SUPER_POM = RawPom(
    path=None,
    packaging="pom",
    facts={"reporting.outputDirectory": "${project.build.directory}/site"},
    body=Body(
        repositories=(CENTRAL,),
        build=Build(
            values={
                "directory": "${project.basedir}/target",
                "outputDirectory": "${project.build.directory}/classes",
                "finalName": "${project.artifactId}-${project.version}",
                "testOutputDirectory": "${project.build.directory}/test-classes",
                "sourceDirectory": "${project.basedir}/src/main/java",
                "scriptSourceDirectory": "${project.basedir}/src/main/scripts",
                "testSourceDirectory": "${project.basedir}/src/test/java",
            },
            resources=("${project.basedir}/src/main/resources",),
        ),
    ),
)

_COMPILE = (
    ("process-resources", "resources:resources"),
    ("compile", "compiler:compile"),
    ("process-test-resources", "resources:testResources"),
    ("test-compile", "compiler:testCompile"),
    ("test", "surefire:test"),
)
_PUBLISH = (("install", "install:install"), ("deploy", "deploy:deploy"))
_ALWAYS = (("clean", "clean:clean"), ("site", "site:site"), ("site-deploy", "site:deploy"))
_BINDINGS = {
    "pom": _PUBLISH,
    "jar": (*_COMPILE, ("package", "jar:jar"), *_PUBLISH),
    "war": (*_COMPILE, ("package", "war:war"), *_PUBLISH),
    "ejb": (*_COMPILE, ("package", "ejb:ejb"), *_PUBLISH),
    "rar": (*_COMPILE, ("package", "rar:rar"), *_PUBLISH),
    "ear": (
        ("generate-resources", "ear:generate-application-xml"),
        ("process-resources", "resources:resources"),
        ("package", "ear:ear"),
        *_PUBLISH,
    ),
    "maven-plugin": (
        *_COMPILE,
        ("process-classes", "plugin:descriptor"),
        ("package", "jar:jar"),
        ("package", "plugin:addPluginArtifactMetadata"),
        *_PUBLISH,
    ),
}


def knows_packaging(packaging: str) -> bool:
    """Tell whether Maven itself knows a packaging; others come from extensions."""
    return packaging in _BINDINGS


def bound_plugins(packaging: str) -> tuple[Plugin, ...]:
    """Return the plugins that a packaging brings, with executions named ``default-GOAL``."""
    executions: dict[str, list[Execution]] = {}
    for phase, call in (*_BINDINGS.get(packaging, ()), *_ALWAYS):
        plugin, _, goal = call.partition(":")
        execution = Execution(id=f"default-{goal}", phase=phase, goals=(goal,))
        executions.setdefault(f"maven-{plugin}-plugin", []).append(execution)
    return tuple(
        Plugin(artifact=artifact, executions=tuple(found)) for artifact, found in executions.items()
    )
