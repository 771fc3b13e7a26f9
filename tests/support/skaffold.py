"""What real Jib tells Skaffold; ``python -m tests.support.skaffold`` records it anew.

Maven runs three goals of the plugin in each project. What they print is kept in
``fixtures/identity/skaffold.json``, with the project's directory written as ``$PROJECT``.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from tests.support.cli import HELLO
from tests.support.programs import attempt, run
from tests.support.projects import write_tree
from tests.support.real_jib import java_home

GOLDEN = HELLO.parent / "identity" / "skaffold.json"
VERSION = "3.5.2"
GOALS = {"files": "_skaffold-files-v2", "init": "_skaffold-init", "sync-map": "_skaffold-sync-map"}
PROJECTS = ("hello", "two modules")
_PLUGIN = "com.google.cloud.tools:jib-maven-plugin"
_HERE = "$PROJECT"
_MAVENS_LAST_WORD = "\x1b[0m"
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

_HEAD = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>"""
_PARENT = f"""{_HEAD}
<groupId>org.example</groupId><artifactId>shop</artifactId><version>1-SNAPSHOT</version>
<packaging>pom</packaging>
<modules><module>web</module><module>prices</module></modules>
<properties><maven.compiler.source>8</maven.compiler.source>
<maven.compiler.target>8</maven.compiler.target>
<project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>
<build><pluginManagement><plugins>
<plugin><groupId>com.google.cloud.tools</groupId><artifactId>jib-maven-plugin</artifactId>
<version>{VERSION}</version>
<configuration><to><image>registry.example.com/${{project.artifactId}}:1</image></to>
</configuration></plugin>
</plugins></pluginManagement></build></project>
"""
_MODULE = """<parent><groupId>org.example</groupId><artifactId>shop</artifactId>
<version>1-SNAPSHOT</version></parent>"""
_PRICES = f"""{_HEAD}{_MODULE}<artifactId>prices</artifactId>
<build><finalName>prices</finalName><resources>
<resource><directory>src/main/resources</directory></resource>
<resource><directory>more</directory></resource></resources></build></project>
"""
_WEB = f"""{_HEAD}{_MODULE}<artifactId>web</artifactId>
<dependencies><dependency><groupId>org.example</groupId><artifactId>prices</artifactId>
<version>${{project.version}}</version></dependency></dependencies>
<build><sourceDirectory>java</sourceDirectory><plugins>
<plugin><groupId>com.google.cloud.tools</groupId><artifactId>jib-maven-plugin</artifactId>
<configuration>
<container><mainClass>org.example.Web</mainClass></container>
<extraDirectories><paths><path>extra</path>
<path><from>src/scripts</from><into>/opt</into></path></paths></extraDirectories>
<skaffold><watch>
<buildIncludes><buildInclude>../versions.txt</buildInclude></buildIncludes>
<includes><include>templates</include><include>/etc/hosts</include></includes>
<excludes><exclude>extra/draft.txt</exclude></excludes></watch>
<sync><excludes><exclude>{{here}}/web/extra/draft.txt</exclude>
<exclude>{{here}}/web/src/scripts/old</exclude></excludes></sync></skaffold>
</configuration></plugin></plugins></build></project>
"""


def make_project(name: str, directory: Path) -> Path:
    """Write a project, compiled if no tool is needed for that, below ``directory``."""
    root = directory / "project"
    if name == "hello":
        shutil.copytree(HELLO, root)
        return root
    classes = HELLO / "target" / "classes" / "org" / "objectworld" / "hello" / "HelloServer.class"
    web = "web/target/classes"
    write_tree(
        root,
        {
            "pom.xml": _PARENT,
            "prices/pom.xml": _PRICES,
            "prices/src/main/resources/prices.txt": b"1\n",
            "prices/more/a b.txt": b"2\n",
            "prices/target/prices.jar": b"PK\x05\x06" + bytes(18),
            "web/pom.xml": _WEB.replace("{here}", str(root)),
            "web/extra/é.txt": b"3\n",
            "web/extra/a/deep.txt": b"4\n",
            "web/extra/a-b.txt": b"5\n",
            "web/extra/draft.txt": b"6\n",
            "web/src/scripts/run.sh": b"7\n",
            "web/src/scripts/old/run.sh": b"8\n",
            f"{web}/org/example/Web.class": classes.read_bytes(),
            f"{web}/templates/page.html": b"9\n",
            f"{web}/templates-2/page.html": b"10\n",
        },
    )
    return root


def module_of(name: str) -> str:
    """Return the directory of the module whose files are synced, relative to the project."""
    return "" if name == "hello" else "web"


def neutral(printed: str, root: Path) -> str:
    """Write a project's directory in the same way wherever it is."""
    return printed.replace(str(root), _HERE)


def ask_jib(name: str, root: Path) -> dict[str, str]:
    """Run the goals by Maven and return what each prints.

    The reactor is packaged first: only then does Jib see one module in another. The jar plugin
    is the one that the machine has.
    """
    goals = [f"{_PLUGIN}:{VERSION}:{goal}" for goal in GOALS.values()]
    before = [] if name == "hello" else ["package"]
    meant = [] if name == "hello" else ["-Djib.containerize=:web"]
    arguments = ["--batch-mode", "--quiet", "-f", str(root), *before, *goals, *meant]
    environment = {
        "JAVA_HOME": str(java_home(17)),
        "MAVEN_OPTS": _QUICK,
        "LC_ALL": "C.UTF-8",
    }
    done = attempt("mvn", *arguments, environment=environment)
    text = done.stdout if done.returncode == 0 else run("mvn", *arguments, environment=environment)
    text = text.removesuffix(_MAVENS_LAST_WORD)
    parts = ["\nBEGIN" + part for part in text.split("\nBEGIN")[1:]]
    found = dict.fromkeys(GOALS, "")
    for part in parts:
        kind = "sync-map" if "SYNCMAP" in part else "files" if '{"build"' in part else "init"
        found[kind] += part if part.endswith("\n") else f"{part}\n"
    return {kind: neutral(printed, root) for kind, printed in found.items()}


def golden() -> dict[str, dict[str, str]]:
    """Return what was recorded, by project and by goal."""
    recorded: dict[str, dict[str, str]] = json.loads(GOLDEN.read_text(encoding="utf-8"))["printed"]
    return recorded


def record() -> None:
    """Run Maven in every project and keep what it prints."""
    printed = {}
    for name in PROJECTS:
        with tempfile.TemporaryDirectory() as directory:
            printed[name] = ask_jib(name, make_project(name, Path(directory)))
    document = {
        "jib": VERSION,
        "recorded by": "python -m tests.support.skaffold",
        "printed": printed,
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    GOLDEN.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    record()
