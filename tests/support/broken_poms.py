"""POMs and settings that Maven rejects, or takes in spite of how they look.

What Maven says of each is kept in ``broken_poms.json`` beside this file, recorded by::

    python -m tests.support.broken_poms --record

Paths are told from ``{root}``, the directory that a case is written to.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

GOLDEN = Path(__file__).with_suffix(".json")
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_SETTINGS = """<settings>
  <mirrors>
    <mirror><id>here</id><mirrorOf>*</mirrorOf><url>{url}</url></mirror>
  </mirrors>
</settings>
"""


def project(*lines: str, artifact: str = "app", head: str = "") -> str:
    """Return a POM whose body starts in line 6 (``head`` takes lines of its own before)."""
    identity = head or f"  <groupId>t</groupId>\n  <artifactId>{artifact}</artifactId>\n"
    version = "" if head else "  <version>1</version>\n"
    body = "".join(f"  {line}\n" for line in lines)
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0">\n'
        f"  <modelVersion>4.0.0</modelVersion>\n{identity}{version}{body}</project>\n"
    )


def dependency(xml: str) -> str:
    """Return a dependency within its list."""
    return f"<dependencies>\n<dependency>\n{xml}\n</dependency>\n</dependencies>"


def managed(xml: str) -> str:
    """Return a managed dependency within its list."""
    return f"<dependencyManagement>\n{dependency(xml)}\n</dependencyManagement>"


def plugin(xml: str) -> str:
    """Return a plugin within its list."""
    return f"<build>\n<plugins>\n{xml}\n</plugins>\n</build>"


def aggregator(*modules: str, packaging: str = "pom") -> str:
    """Return a POM that lists modules."""
    listed = "\n".join(f"<module>{module}</module>" for module in modules)
    return project(
        f"<packaging>{packaging}</packaging>", f"<modules>\n{listed}\n</modules>", artifact="root"
    )


def child(artifact: str, *lines: str, parent: str = "root", version: str = "1") -> str:
    """Return a module's POM."""
    return project(
        *lines,
        head=f"  <parent>\n    <groupId>t</groupId>\n    <artifactId>{parent}</artifactId>\n"
        f"    <version>{version}</version>\n  </parent>\n  <artifactId>{artifact}</artifactId>\n",
    )


GA = "<groupId>t</groupId>\n<artifactId>x</artifactId>"
GAV = f"{GA}\n<version>1</version>"
IMPORT = "<type>pom</type>\n<scope>import</scope>"
POM_PACKAGING = "<packaging>pom</packaging>"


@dataclass(frozen=True, slots=True)
class Case:
    """Files by path below the root; ``settings`` replaces those that Maven is given."""

    files: Mapping[str, str]
    settings: str | None = None
    repository: Mapping[str, str] = field(default_factory=dict)

    def write(self, root: Path) -> Path:
        """Write all of it below ``root``; return the project's directory."""
        for name, text in self.files.items():
            _write(root / "project" / name, text)
        for name, text in self.repository.items():
            group, artifact, version = name.split(":")
            folder = root / "repository" / group / artifact / version
            _write(folder / f"{artifact}-{version}.pom", text)
        (root / "remote").mkdir(parents=True, exist_ok=True)
        url = (root / "remote").as_uri()
        _write(root / "settings.xml", self.settings or _SETTINGS.format(url=url))
        return root / "project"


def _one(*lines: str, **more: str) -> Case:
    return Case({"pom.xml": project(*lines, **more)})


CASES: Mapping[str, Case] = {
    # What is no XML, or no POM
    "mismatched-tag": Case({"pom.xml": project("<name>x</nam>")}),
    "not-closed": Case({"pom.xml": "<project>\n<modelVersion>4.0.0</modelVersion>\n"}),
    "empty-file": Case({"pom.xml": ""}),
    "no-xml": Case({"pom.xml": "this is a pom\n"}),
    "stray-ampersand": _one("<name>a & b</name>"),
    "unknown-entity": _one("<name>&nosuch;</name>"),
    "text-between": _one("stray text"),
    "other-root": Case({"pom.xml": "<projekt>\n</projekt>\n"}),
    "unknown-element": _one("<dependancies/>"),
    "unknown-element-in-dependency": _one(dependency(f"{GAV}\n<optionnal>true</optionnal>")),
    "unknown-element-in-plugin": _one(
        plugin("<plugin>\n<artifactId>p</artifactId>\n<version>1</version>\n<goal/>\n</plugin>")
    ),
    "unknown-attribute": _one('<name lang="en">x</name>'),
    "duplicated-element": _one("<name>a</name>", "<name>b</name>"),
    # The project itself
    "no-model-version": Case({"pom.xml": f"<project>\n{GAV}\n</project>\n"}),
    "other-model-version": Case(
        {"pom.xml": f"<project>\n<modelVersion>4.0.1</modelVersion>\n{GAV}\n</project>\n"}
    ),
    "old-model-version": Case(
        {"pom.xml": f"<project>\n<modelVersion>3.0.0</modelVersion>\n{GAV}\n</project>\n"}
    ),
    "no-version": Case({"pom.xml": project(head=f"  {GA}\n")}),
    "no-group": Case(
        {"pom.xml": project(head="  <artifactId>app</artifactId>\n  <version>1</version>\n")}
    ),
    "nothing": Case({"pom.xml": project(head="  <name>x</name>\n")}),
    "bad-artifact-id": _one(artifact="a b"),
    "bad-group-id": Case(
        {
            "pom.xml": project(
                head="  <groupId>t/u</groupId>\n  <artifactId>a</artifactId>\n"
                "  <version>1</version>\n"
            )
        }
    ),
    "bad-version": Case({"pom.xml": project(head=f"  {GA}\n  <version>1/2</version>\n")}),
    "unresolved-version": Case({"pom.xml": project(head=f"  {GA}\n<version>${{v}}</version>\n")}),
    "property-cycle": _one("<properties>\n<a>${b}</a>\n<b>${a}</b>\n</properties>"),
    "unknown-packaging": _one("<packaging>jarr</packaging>"),
    "modules-in-a-jar": Case(
        {"pom.xml": aggregator("a", packaging="jar"), "a/pom.xml": child("a")}
    ),
    # Parents
    "missing-parent": Case({"pom.xml": child("app", parent="nowhere")}),
    "parent-without-version": Case({"pom.xml": child("app", version="")}),
    "parent-of-another-name": Case(
        {"pom.xml": aggregator("a"), "a/pom.xml": child("a", parent="other")}
    ),
    "parent-is-a-jar": Case(
        {"pom.xml": child("app")}, repository={"t:root:1": project(artifact="root")}
    ),
    "own-parent": Case({"pom.xml": child("root")}),
    "parents-in-a-circle": Case(
        {"pom.xml": child("app", parent="a")},
        repository={
            "t:a:1": child("a", POM_PACKAGING, parent="b"),
            "t:b:1": child("b", POM_PACKAGING, parent="a"),
        },
    ),
    "parents-in-a-circle-on-disk": Case(
        {
            "pom.xml": child("a", POM_PACKAGING, parent="b").replace(
                "</parent>", "<relativePath>b</relativePath></parent>"
            ),
            "b/pom.xml": child("b", POM_PACKAGING, parent="a"),
        }
    ),
    "parent-with-an-error": Case(
        {"pom.xml": child("app")},
        repository={"t:root:1": project(POM_PACKAGING, dependency(GA), artifact="root")},
    ),
    "parent-not-parseable": Case(
        {"pom.xml": child("app")}, repository={"t:root:1": project("<name>x</nam>")}
    ),
    "parent-range-without-match": Case({"pom.xml": child("app", version="[2,3)")}),
    "expression-in-parent-version": Case({"pom.xml": child("app", version="${v}")}),
    # Dependencies
    "dependency-without-version": _one(dependency(GA)),
    "dependency-without-artifact": _one(dependency("<groupId>t</groupId>\n<version>1</version>")),
    "dependency-without-group": _one(
        dependency("<artifactId>x</artifactId>\n<version>1</version>")
    ),
    "dependency-unresolved-version": _one(dependency(f"{GA}\n<version>${{nowhere}}</version>")),
    "dependency-unresolved-artifact": _one(
        dependency("<groupId>t</groupId>\n<artifactId>${a}</artifactId>\n<version>1</version>")
    ),
    "dependency-bad-artifact": _one(
        dependency("<groupId>t</groupId>\n<artifactId>x y</artifactId>\n<version>1</version>")
    ),
    "dependency-bad-version": _one(dependency(f"{GA}\n<version>1:2</version>")),
    "dependency-bad-scope": _one(dependency(f"{GAV}\n<scope>compiled</scope>")),
    "dependency-import-scope": _one(dependency(f"{GAV}\n{IMPORT}")),
    "dependency-bad-optional": _one(dependency(f"{GAV}\n<optional>maybe</optional>")),
    "dependency-on-itself": _one(
        dependency("<groupId>t</groupId>\n<artifactId>app</artifactId>\n<version>1</version>")
    ),
    "dependency-twice": _one(
        f"<dependencies>\n<dependency>\n{GAV}\n</dependency>\n<dependency>\n{GAV}\n"
        "</dependency>\n</dependencies>"
    ),
    "dependency-exclusion-without-artifact": _one(
        dependency(f"{GAV}\n<exclusions><exclusion><groupId>g</groupId></exclusion></exclusions>")
    ),
    "system-without-path": _one(dependency(f"{GAV}\n<scope>system</scope>")),
    "system-relative-path": _one(
        dependency(f"{GAV}\n<scope>system</scope>\n<systemPath>lib/x.jar</systemPath>")
    ),
    "system-missing-file": _one(
        dependency(f"{GAV}\n<scope>system</scope>\n<systemPath>/nowhere/x.jar</systemPath>")
    ),
    "path-without-system": _one(dependency(f"{GAV}\n<systemPath>/x.jar</systemPath>")),
    "several-at-once": _one(
        f"<dependencies>\n<dependency>\n{GA}\n</dependency>\n<dependency>\n"
        "<artifactId>y</artifactId>\n</dependency>\n</dependencies>"
    ),
    # Management
    "missing-bom": _one(managed(f"{GAV}\n{IMPORT}")),
    "bom-without-version": _one(managed(f"{GA}\n{IMPORT}")),
    "bom-imports-itself": _one(
        POM_PACKAGING,
        managed(
            "<groupId>t</groupId>\n<artifactId>app</artifactId>\n<version>1</version>\n" + IMPORT
        ),
    ),
    "bom-of-another-type": _one(managed(f"{GAV}\n<scope>import</scope>")),
    "boms-in-a-circle": Case(
        {"pom.xml": project(managed(f"{GAV}\n{IMPORT}"))},
        repository={
            "t:x:1": project(
                POM_PACKAGING, managed(f"{GAV.replace('>x<', '>y<')}\n{IMPORT}"), artifact="x"
            ),
            "t:y:1": project(POM_PACKAGING, managed(f"{GAV}\n{IMPORT}"), artifact="y"),
        },
    ),
    "bom-not-parseable": Case(
        {"pom.xml": project(managed(f"{GAV}\n{IMPORT}"))},
        repository={"t:x:1": "<project>\n<dependencies>\n</project>\n"},
    ),
    "bom-with-an-unknown-element": Case(
        {"pom.xml": project(managed(f"{GAV}\n{IMPORT}"))},
        repository={"t:x:1": project(POM_PACKAGING, "<what/>", artifact="x")},
    ),
    "managed-without-artifact": _one(managed("<groupId>t</groupId>\n<version>1</version>")),
    "managed-twice": _one(
        f"<dependencyManagement>\n<dependencies>\n<dependency>\n{GAV}\n</dependency>\n<dependency>"
        f"\n{GAV}\n</dependency>\n</dependencies>\n</dependencyManagement>"
    ),
    # Plugins
    "plugin-without-artifact": _one(plugin("<plugin>\n<version>1</version>\n</plugin>")),
    "plugin-empty-version": _one(
        plugin("<plugin>\n<artifactId>p</artifactId>\n<version>${v}</version>\n</plugin>")
    ),
    "plugin-twice": _one(
        plugin("<plugin>\n<artifactId>p</artifactId>\n<version>1</version>\n</plugin>\n" * 2)
    ),
    "plugin-execution-twice": _one(
        plugin(
            "<plugin>\n<artifactId>p</artifactId>\n<version>1</version>\n<executions>\n"
            "<execution>\n<id>a</id>\n</execution>\n<execution>\n<id>a</id>\n</execution>\n"
            "</executions>\n</plugin>"
        )
    ),
    "plugin-dependency-without-version": _one(
        plugin(
            "<plugin>\n<artifactId>p</artifactId>\n<version>1</version>\n"
            f"{dependency(GA)}\n</plugin>"
        )
    ),
    "plugin-bad-inherited": _one(
        plugin(
            "<plugin>\n<artifactId>p</artifactId>\n<version>1</version>\n"
            "<inherited>perhaps</inherited>\n</plugin>"
        )
    ),
    # Profiles, repositories
    "profile-twice": _one(
        "<profiles>\n<profile>\n<id>a</id>\n</profile>\n<profile>\n<id>a</id>\n</profile>\n"
        "</profiles>"
    ),
    "profile-bad-jdk-range": _one(
        "<profiles>\n<profile>\n<id>a</id>\n<activation><jdk>[1.8</jdk></activation>\n</profile>\n"
        "</profiles>"
    ),
    "profile-dependency-without-version": _one(
        f"<profiles>\n<profile>\n<id>a</id>\n{dependency(GA)}\n</profile>\n</profiles>"
    ),
    "repository-without-id": _one(
        "<repositories>\n<repository>\n<url>file:///nowhere</url>\n</repository>\n</repositories>"
    ),
    "repository-without-url": _one(
        "<repositories>\n<repository>\n<id>a</id>\n</repository>\n</repositories>"
    ),
    "repository-bad-id": _one(
        "<repositories>\n<repository>\n<id>a/b</id>\n<url>file:///nowhere</url>\n</repository>\n"
        "</repositories>"
    ),
    "repository-called-local": _one(
        "<repositories>\n<repository>\n<id>local</id>\n<url>file:///nowhere</url>\n</repository>\n"
        "</repositories>"
    ),
    "repository-twice": _one(
        "<repositories>\n"
        + "<repository>\n<id>a</id>\n<url>file:///a</url>\n</repository>\n" * 2
        + "</repositories>"
    ),
    # Reactors
    "module-missing": Case({"pom.xml": aggregator("nowhere")}),
    "module-without-pom": Case({"pom.xml": aggregator("a"), "a/readme": ""}),
    "module-empty": Case({"pom.xml": aggregator("")}),
    "module-listed-twice": Case({"pom.xml": aggregator("a", "a"), "a/pom.xml": child("a")}),
    "modules-of-one-name": Case(
        {"pom.xml": aggregator("a", "b"), "a/pom.xml": child("a"), "b/pom.xml": child("a")}
    ),
    "module-is-its-aggregator": Case({"pom.xml": aggregator(".")}),
    "module-lists-its-aggregator": Case(
        {
            "pom.xml": aggregator("a"),
            "a/pom.xml": child("a", POM_PACKAGING, "<modules>\n<module>..</module>\n</modules>"),
        }
    ),
    "modules-need-each-other": Case(
        {
            "pom.xml": aggregator("a", "b"),
            "a/pom.xml": child("a", dependency(GAV.replace(">x<", ">b<"))),
            "b/pom.xml": child("b", dependency(GAV.replace(">x<", ">a<"))),
        }
    ),
    "module-with-an-error": Case(
        {"pom.xml": aggregator("a"), "a/pom.xml": child("a", dependency(GA))}
    ),
    # Settings
    "settings-mismatched-tag": Case(
        {"pom.xml": project()}, settings="<settings>\n<offline>true</offlin>\n</settings>\n"
    ),
    "settings-unknown-element": Case(
        {"pom.xml": project()}, settings="<settings>\n<what/>\n</settings>\n"
    ),
    "settings-empty": Case({"pom.xml": project()}, settings="\n"),
    "settings-other-root": Case({"pom.xml": project()}, settings="<setting>\n</setting>\n"),
    "settings-bad-port": Case(
        {"pom.xml": project()},
        settings="<settings>\n<proxies>\n<proxy>\n<host>h</host>\n<port>none</port>\n</proxy>\n"
        "</proxies>\n</settings>\n",
    ),
    "settings-mirror-without-url": Case(
        {"pom.xml": project()},
        settings="<settings>\n<mirrors>\n<mirror>\n<id>m</id>\n<mirrorOf>*</mirrorOf>\n</mirror>\n"
        "</mirrors>\n</settings>\n",
    ),
    "settings-mirror-of-nothing": Case(
        {"pom.xml": project()},
        settings="<settings>\n<mirrors>\n<mirror>\n<id>m</id>\n<url>file:///a</url>\n</mirror>\n"
        "</mirrors>\n</settings>\n",
    ),
    "settings-server-without-id": Case(
        {"pom.xml": project()},
        settings="<settings>\n<servers>\n<server>\n<username>u</username>\n</server>\n</servers>\n"
        "</settings>\n",
    ),
    "settings-servers-of-one-id": Case(
        {"pom.xml": project()},
        settings="<settings>\n<servers>\n"
        + "<server>\n<id>s</id>\n<username>u</username>\n</server>\n" * 2
        + "</servers>\n</settings>\n",
    ),
    "settings-proxy-without-host": Case(
        {"pom.xml": project()},
        settings="<settings>\n<proxies>\n<proxy>\n<id>p</id>\n</proxy>\n</proxies>\n</settings>\n",
    ),
    "settings-repository-without-url": Case(
        {"pom.xml": project()},
        settings="<settings>\n<profiles>\n<profile>\n<id>p</id>\n<repositories>\n<repository>\n"
        "<id>r</id>\n</repository>\n</repositories>\n</profile>\n</profiles>\n</settings>\n",
    ),
    "settings-bad-boolean": Case(
        {"pom.xml": project()}, settings="<settings>\n<offline>perhaps</offline>\n</settings>\n"
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What Maven says, and where: ``line`` is ``None`` where it tells none."""

    message: str
    file: str = ""
    line: int | None = None


_PLACE = re.compile(
    r" @ (?:(?P<model>[^@/,]*?)(?:, )?)?(?P<file>[{/][^@,]*?)?(?:, )?"
    r"(?:line (?P<line>\d+), column \d+)?$"
)
_COUNT = re.compile(r"\d+ problems? (was|were) encountered")
_OF_PROJECT = re.compile(r"\[ERROR\]   The project .*? ?\((?P<file>[^()]*)\) has \d+ errors?$")


def run_maven(case: Case, root: Path) -> list[Problem]:
    """Write a case below ``root``, and return what Maven finds wrong with it."""
    directory = case.write(root)
    done = subprocess.run(
        [
            *("mvn", "--batch-mode", "-s", str(root / "settings.xml"), "validate"),
            f"-Dmaven.repo.local={root / 'repository'}",
        ],
        cwd=directory,
        env={**os.environ, "MAVEN_OPTS": _QUICK, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    text = (done.stdout + done.stderr).decode().replace(str(root), "{root}")
    problems = list(_problems(text)) if done.returncode else []
    if done.returncode and not problems:
        raise ValueError(f"not understood: {text}")
    return problems


def _problems(text: str) -> list[Problem]:
    found: list[Problem] = []
    file = ""
    for line in text.splitlines():
        owner = _OF_PROJECT.match(line)
        if owner is not None:
            file = owner["file"]
        elif line.startswith("[ERROR]     ") and file:
            found.append(_problem(line[len("[ERROR]     ") :], file))
    if found:
        return list(dict.fromkeys(found))
    lines = [line for line in text.splitlines() if re.match(r"\[(FATAL|ERROR)\] ", line)]
    told = [re.sub(r"^(\[\w+\] ?)+", "", line) for line in lines]
    stop = next((n for n, line in enumerate(told) if line.startswith("To see the full")), None)
    problems = (_problem(line, "") for line in told[:stop] if line and not _COUNT.match(line))
    return list(dict.fromkeys(problems))


def _problem(text: str, file: str) -> Problem:
    text = re.sub(r" ?-> \[Help \d+\]$", "", text).strip()
    # Maven says a place once for itself and once for what its parser said.
    lines: list[int] = []
    while (match := _PLACE.search(text)) is not None and match.end() > match.start() + 3:
        text = text[: match.start()]
        if match["line"] and not lines:
            lines.append(int(match["line"]))
        file = match["file"] or file
    text = re.sub(r" \(position: .*\) ?$| START_DOCUMENT seen .*$", "", text.removesuffix(" @"))
    return Problem(re.sub(r", parser stopped on .*$", "", text), file, lines[0] if lines else None)


def recorded() -> dict[str, list[Problem]]:
    """Return what Maven said, by case; nothing where it was content."""
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return {name: [Problem(**found) for found in each] for name, each in document.items()}


def record(names: list[str]) -> None:
    """Run Maven on all cases, or those named, and keep what it says."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    for name in names or CASES:
        with tempfile.TemporaryDirectory() as directory:
            found = run_maven(CASES[name], Path(directory).resolve())
        golden[name] = [
            {"message": each.message, "file": each.file, "line": each.line} for each in found
        ]
    kept = {name: golden[name] for name in CASES if name in golden}
    GOLDEN.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] != ["--record"] or shutil.which("mvn") is None:
        sys.exit(
            "usage: python -m tests.support.broken_poms --record [CASE…], with Maven installed"
        )
    record(sys.argv[2:])
