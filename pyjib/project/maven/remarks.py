"""What a user should know of a model: things that only Maven itself can do."""

from __future__ import annotations

from collections.abc import Iterator

from pyjib.errors import ProjectError
from pyjib.project.maven.lineage import Lineage
from pyjib.project.maven.super_pom import knows_packaging
from pyjib.project.maven.xml_tree import line_of

_WAY_OUT = "if the class path differs, give it with --classpath-file"

# Extensions that change neither dependencies nor properties, or whose work pyjib does itself.
_HARMLESS = (
    "kr.motd.maven:os-maven-plugin",
    "org.apache.maven.wagon:",
    "org.apache.maven.scm:",
    "org.apache.maven.extensions:maven-build-cache-extension",
    "com.gradle:",
)


def is_harmless_extension(group: str, artifact: str) -> bool:
    """Tell whether an extension of Maven is known to leave dependencies alone."""
    return f"{group}:{artifact}".startswith(_HARMLESS)


def extension_warning(group: str, artifact: str, where: str) -> str:
    """Return what to tell of an extension that is not run."""
    return (
        f"{where} uses the Maven extension {group}:{artifact}, which pyjib cannot run; {_WAY_OUT}"
    )


def model_remarks(lineage: Lineage, packaging: str) -> Iterator[str]:
    """Yield warnings; raises ``ProjectError`` for a packaging that nothing can provide."""
    build, where = lineage.body.build, str(lineage.paths[0])
    for group, artifact, _ in build.extensions:
        if not is_harmless_extension(group, artifact):
            yield extension_warning(group, artifact, where)
    if knows_packaging(packaging):
        return
    if not build.extensions and not any(plugin.extensions for plugin in build.plugins):
        line = line_of(lineage.paths[0], "packaging", 0)
        place = where if line is None else f"{where}, line {line}"
        raise ProjectError(
            f"{place}: Unknown packaging: {packaging}",
            hint="add the plugin that provides it, with <extensions>true</extensions>",
        )
