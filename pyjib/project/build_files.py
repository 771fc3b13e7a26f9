"""What can be told from a ``pom.xml`` or a Gradle build script without running either.

No more than a few facts, for messages and choices: names, packaging, and whether libraries are
to be expected at all. What Maven makes of a pom in full is the business of ``project.maven``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree as ET

from pyjib.errors import ProjectError
from pyjib.frozen import frozen

_ANCESTORS = 20
_BUILD_SCRIPTS = ("build.gradle.kts", "build.gradle")
_SETTINGS = ("settings.gradle.kts", "settings.gradle")
_RUNTIME_SCOPES = frozenset({"", "compile", "runtime", "system"})
_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_GRADLE_DEPENDENCY = re.compile(
    r"(?:^|[{;])\s*(?:implementation|api|runtimeOnly)\b\s*[( ]", re.MULTILINE
)
_GRADLE_NAME = re.compile(r"rootProject\s*\.\s*name\s*=\s*[\"']([^\"']+)[\"']")


class BuildTool(StrEnum):
    """Who compiled the project."""

    MAVEN = "Maven"
    GRADLE = "Gradle"
    UNKNOWN = "an unknown build tool"


@frozen
class BuildFacts:
    """What the build files of a directory say.

    ``name`` is the artifact's; ``archive_name`` the file name, without suffix, that its jar
    most likely has; ``files`` are the build files, whose change makes what was built stale.
    ``needs_libraries`` tells whether some are declared for run time.
    """

    tool: BuildTool
    name: str
    archive_name: str | None = None
    packaging: str = "jar"
    modules: tuple[str, ...] = ()
    needs_libraries: bool = False
    files: tuple[Path, ...] = ()


def read_maven_facts(root: Path) -> BuildFacts | None:
    """Return the facts of ``pom.xml``, ``None`` without one; raises ``ProjectError``."""
    path = root / "pom.xml"
    if not path.is_file():
        return None
    lineage = list(_lineage(path))
    pom = lineage[0][1]
    name = _text(pom, "artifactId") or root.resolve().name
    version = _text(pom, "version") or _text(pom, "parent/version")
    final_name = _text(pom, "build/finalName") or (f"{name}-{version}" if version else "")
    return BuildFacts(
        tool=BuildTool.MAVEN,
        name=name,
        archive_name=final_name if final_name and "${" not in final_name else None,
        packaging=_text(pom, "packaging") or "jar",
        modules=tuple(module.text or "" for module in pom.findall("modules/module")),
        needs_libraries=_needs_libraries([pom for _, pom in lineage]),
        files=tuple(path for path, _ in lineage),
    )


def read_gradle_facts(root: Path) -> BuildFacts | None:
    """Return the facts of a Gradle build, ``None`` without a script; raises ``ProjectError``."""
    scripts = [root / name for name in _BUILD_SCRIPTS if (root / name).is_file()]
    settings = [root / name for name in _SETTINGS if (root / name).is_file()]
    if not scripts and not settings:
        return None
    script = "\n".join(_COMMENTS.sub("", _read(path)) for path in scripts)
    name = _GRADLE_NAME.search("\n".join(map(_read, settings)))
    others = [root / "gradle.lockfile", root / "gradle" / "libs.versions.toml"]
    return BuildFacts(
        tool=BuildTool.GRADLE,
        name=name[1] if name else root.resolve().name,
        needs_libraries=bool(_GRADLE_DEPENDENCY.search(script)),
        files=(*scripts, *settings, *filter(Path.is_file, others)),
    )


def _lineage(path: Path) -> Iterator[tuple[Path, ET.Element]]:
    """Yield the pom and its ancestors, as far as they lie beside it on disk."""
    for _ in range(_ANCESTORS):
        pom = _parse(path)
        yield path, pom
        parent = pom.find("parent")
        if parent is None:
            return
        relative = parent.findtext("relativePath", "../pom.xml").strip()
        above = path.parent / relative
        above = above / "pom.xml" if above.is_dir() else above
        if not relative or not above.is_file():
            return
        if _text(_parse(above), "artifactId") != _text(parent, "artifactId"):
            return
        path = above


def _parse(path: Path) -> ET.Element:
    try:
        # Expat, which Python is built on, bounds entity expansion and fetches nothing.
        pom = ET.fromstring(path.read_bytes())  # noqa: S314
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {error.strerror or error}") from None
    except ET.ParseError as error:
        raise ProjectError(
            f"cannot read {path}: {error}", hint="correct the XML; Maven refuses it too"
        ) from None
    for element in pom.iter():
        element.tag = element.tag.rpartition("}")[2]
    return pom


def _text(element: ET.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _needs_libraries(lineage: list[ET.Element]) -> bool:
    managed = {
        _key(dependency): _text(dependency, "scope")
        for pom in reversed(lineage)
        for dependency in pom.findall("dependencyManagement/dependencies/dependency")
    }
    return any(
        (_text(dependency, "scope") or managed.get(_key(dependency), "")) in _RUNTIME_SCOPES
        for pom in lineage
        for dependency in pom.findall("dependencies/dependency")
    )


def _key(dependency: ET.Element) -> tuple[str, str]:
    return _text(dependency, "groupId"), _text(dependency, "artifactId")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {error.strerror or error}") from None
