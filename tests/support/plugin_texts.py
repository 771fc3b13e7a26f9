"""Texts in a plugin's configuration, and what Maven 3.8.7 makes of each when the plugin runs.

``ROOT`` stands for the directory of the parent, ``REPOSITORY`` for the local repository, each
``/`` below them for a separator. Texts that Maven passes on as they are have no second member.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.maven import (
    build,
    configuration,
    modules,
    parent,
    plugin,
    pom,
    properties,
    tags,
    write,
)

JIB = "com.google.cloud.tools:jib-maven-plugin:3.5.2"
DOLLARS: dict[str, str] = {
    "a$$b": "a$b",
    "$$": "$",
    "$$$": "$$",
    "$$$$": "$$",
    "a$b": "a$b",
    "$": "$",
    "$${undef}": "${undef}",
    "x$${undef}y": "x${undef}y",
    "x$$${undef}y": "x$${undef}y",
    "$$${undef}": "$${undef}",
    "${undef}$$x": "${undef}$x",
    "x$$${undef}$$y": "x$${undef}$y",
    "x${undef": "x${undef",
    "x${undef$$": "x${undef$",
    "$$x${undef": "$x${undef",
    "x${}y": "x${}y",
    "x${ }y": "x${ }y",
    "a${undef}b${undef2}c": "a${undef}b${undef2}c",
    "a${undef}${undef2}": "a${undef}null",
    "$$a${undef}b$${undef2}c$$": "$$a${undef}b${undef2}c$",
    "${un${p1}def}": "${un${p1}def}",
    "${project.name}$$": "app$",
    "$${project.name}": "${project.name}",
    "x$${p1}": "x$v1",
    "x${p1}$$": "xv1$",
    "x${chain}": "xc$$d${undef}",
    "x${late}": "xg:app:jar:1.5",
    "${env.NOT_THERE}x": "${env.NOT_THERE}x",
}
VALUES: dict[str, str | None] = {
    "project.name": "app",
    "pom.name": "app",
    "project.id": "g:app:jar:1.5",
    "project.description": None,
    "project.packaging": "jar",
    "project.modelVersion": "4.0.0",
    "project.file": "ROOT/app/pom.xml",
    "project.file.name": "pom.xml",
    "project.basedir": "ROOT/app",
    "project.basedir.name": "app",
    "project.basedir.parent": "ROOT",
    "project.basedir.parentFile": "ROOT",
    "project.basedir.absolutePath": "ROOT/app",
    "basedir/docker": "ROOT/app/docker",
    "project.basedir/docker": "ROOT/app/docker",
    "basedir.name": None,
    "project.version.length": None,
    "project.executionRoot": "false",
    "project.artifact": "g:app:jar:1.5",
    "project.artifact.groupId": "g",
    "project.artifact.version": "1.5",
    "project.artifact.type": "jar",
    "project.artifact.scope": None,
    "project.properties(p1)": "v1",
    "project.properties[p1]": None,
    "project.properties.p1": None,
    "project.licenses[0].name": "MIT",
    "project.licenses[1].name": "Apache-2.0",
    "project.licenses[2].name": None,
    "project.developers[0].email": "me@example.com",
    "project.parent.name": "root",
    "project.parent.packaging": "pom",
    "project.parent.id": "g:root:pom:1.5",
    "project.parent.url": None,
    "project.parent.file": "ROOT/pom.xml",
    "project.parent.basedir": "ROOT",
    "project.parent.basedir/docker": "ROOT/docker",
    "project.parent.build.directory": "ROOT/target",
    "project.parent.parent.artifactId": None,
    "project.parent.parent.basedir": None,
    "session.executionRootDirectory": "ROOT",
    "session.executionRootDirectory/docker": "ROOT/docker",
    "session.request.baseDirectory": "ROOT",
    "session.request.multiModuleProjectDirectory": "ROOT",
    "session.currentProject.name": "app",
    "session.rootDirectory": None,
    "session.settings.localRepository": "REPOSITORY",
    "session.localRepository.basedir": "REPOSITORY",
    "settings.localRepository": "REPOSITORY",
    "plugin.groupId": "com.google.cloud.tools",
    "plugin.artifactId": "jib-maven-plugin",
    "plugin.version": "3.5.2",
    "plugin.id": JIB,
    "pluginfoo": None,
    "settingsfoo": None,
    "sessionfoo.p": None,
}
TEXTS = {**DOLLARS, **{f"x${{{asked}}}": _ and f"x{_}" for asked, _ in VALUES.items()}}


def write_project(directory: Path) -> Path:
    """Write a parent and its module, whose Jib has an environment of all texts; return that."""
    lists = (
        f"<licenses>{_member('license', name='MIT')}{_member('license', name='Apache-2.0')}"
        f"</licenses><developers>{_member('developer', email='me@example.com')}</developers>"
    )
    own = {
        "p1": "v1",
        "chain": "c$$d${undef}",
        "late": "${later}",
        "later": "${project.id}",
        "round": "${session.currentProject.properties(round)}",
    }
    target = {"maven.compiler.target": "17"}
    above = pom("g:root:1.5", lists, properties(own), modules("app"), packaging="pom")
    write(directory / "pom.xml", above)
    write(directory / ".mvn" / "maven.config", "")
    environment = "".join(f"<{name}>{text}</{name}>" for name, text in named_texts().items())
    jib = plugin(
        JIB,
        configuration(
            "<from><image>scratch</image></from><to><image>example.com/texts:1</image></to>"
            f"<container><mainClass>Main</mainClass><environment>{environment}</environment>"
            "</container>"
        ),
    )
    text = pom(":app", parent("g:root:1.5"), properties(target), build(jib))
    return write(directory / "app" / "pom.xml", text)


def named_texts() -> dict[str, str]:
    """Return the texts by names in their order."""
    return {f"T{number:03}": text for number, text in enumerate(TEXTS)}


def expected(root: Path, repository: Path) -> dict[str, str]:
    """Return what each text comes to, by the text."""
    places = {"ROOT": str(root), "REPOSITORY": str(repository)}
    found = {text: text if value is None else value for text, value in TEXTS.items()}
    for word, path in places.items():
        for text, value in found.items():
            if word in value:
                below = value.partition(word)[2]
                found[text] = f"x{path}{below}"
    return found


def _member(element: str, **texts: str) -> str:
    return f"<{element}>{tags(**texts)}</{element}>"
