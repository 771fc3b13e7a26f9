"""What Gradle writes by the init script; ``python -m tests.support.gradle`` records it anew.

The project has a stand-in for the extension of Jib's plugin, with getters of the same names: the
plugin itself is not to be had from where tests get what they need. What Gradle writes is kept in
``fixtures/gradle``, with the project's directory written as ``$PROJECT``.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from pyjib.project.gradle import SCRIPT_NAME, TASK, init_script
from tests.support.cli import HELLO
from tests.support.programs import run
from tests.support.projects import write_tree
from tests.support.real_jib import java_home

GOLDEN = HELLO.parent / "gradle"
MODULES = ("app", "site", "lib")
_HERE = "$PROJECT"

_JIB = """
class Auth { String username; String password }
class Helper { String helper; Map environment = [:] }
class Machine { String os; String architecture }
class Side { String image; Auth auth = new Auth(); Helper credHelper = new Helper() }
class From extends Side { List platforms = [new Machine(os: 'linux', architecture: 'arm64')] }
class To extends Side { Set tags = ['1', 'latest'] as Set }
class Holder {
    List args = null; List entrypoint = []; List extraClasspath = ['/more']
    List jvmFlags = ["-Da=${1 + 1}"]; List ports = ['80']; List volumes = []
    Map environment = [Z: 'last', A: "fir${'st'}"]; Map labels = [:]
    String appRoot = ''; String creationTime = 'EPOCH'; String filesModificationTime = 'EPOCH_PLUS_SECOND'
    String mainClass; String user = '1000'
    String workingDirectory; boolean expandClasspathDependencies = false
    Object getFormat() { new Object() { String toString() { 'OCI' } } }
}
class Extra { java.nio.file.Path from; String into = '/'; List includes = []; List excludes = ['*.bak'] }
class Extras { List paths = []; Map permissions = ['/run.sh': '755'] }
class Outputs { String tar; String digest; String imageId; String imageJson }
class Client { String executable; Map environment = [:] }
class Extension { String implementation = 'a.B'; Map properties = [c: 'd']; Object extraConfiguration = java.util.Optional.of(1) }
class Watch { Set buildIncludes = []; Set includes = []; Set excludes = [] }
class Sync { Set excludes = [] }
class Skaffold { Watch watch = new Watch(); Sync sync = new Sync() }
class Jib {
    From from = new From(image: 'base:1'); To to = new To(image: 'r.example.com/app'); Holder container = new Holder()
    Extras extraDirectories = new Extras(); Outputs outputPaths = new Outputs(); Client dockerClient = new Client()
    Skaffold skaffold = new Skaffold(); List pluginExtensions = [new Extension()]
    String containerizingMode = 'exploded'; String configurationName = 'runtimeClasspath'
    private boolean getAllowInsecureRegistries() { true }
}
def told = new Jib()
told.to.auth.username = 'me'
told.to.auth.password = 'not to be written down'
told.to.credHelper.helper = 'ecr-login'
told.to.credHelper.environment = [AWS_PROFILE: 'team']
told.extraDirectories.paths = [new Extra(from: file('extra').toPath(), into: '/opt')]
['tar', 'digest', 'imageId', 'imageJson'].each { told.outputPaths[it] = "$buildDir/jib.$it".toString() }
told.skaffold.watch.buildIncludes = [file('versions.txt').toPath()] as Set
told.skaffold.sync.excludes = [file('extra/draft').toPath()] as Set
extensions.add('jib', told)
"""
_APP = f"""apply plugin: 'java'
version = '1.2'
targetCompatibility = 8
sourceCompatibility = 8
dependencies {{
    implementation project(':lib')
    implementation files('libs/z.jar', 'libs/a-1-SNAPSHOT.jar', 'libs/data.zip', 'libs/gone.jar')
}}
jar {{ manifest {{ attributes 'Main-Class': 'x.App' }} }}
{_JIB}"""
_FILES: dict[str, bytes | str] = {
    "settings.gradle": "rootProject.name = 'demo'\ninclude 'app', 'lib', 'site'\n",
    "gradle.properties": "systemProp.jib.container.user=2000\n",
    "app/build.gradle": _APP,
    "app/src/main/java/x/App.java": (
        "package x; public class App { public static void main(String[] a) { new Lib(); } }"
    ),
    "app/src/main/resources/app.txt": "1\n",
    "app/libs/z.jar": b"PK\x05\x06" + bytes(18),
    "app/libs/a-1-SNAPSHOT.jar": b"PK\x05\x06" + bytes(18),
    "app/libs/data.zip": b"PK\x05\x06" + bytes(18),
    "app/extra/run.sh": "2\n",
    "lib/build.gradle": (
        "apply plugin: 'application'\nsourceCompatibility = 8\nmainClassName = 'x.Lib'\n"
    ),
    "lib/src/main/java/x/Lib.java": "package x; public class Lib {}",
    "site/build.gradle": (
        "apply plugin: 'war'\nsourceCompatibility = 8\ndependencies { compile project(':lib') }\n"
    ),
    "site/src/main/webapp/index.html": "3\n",
}


def make_build(directory: Path) -> Path:
    """Write a build of three projects, of which nothing is compiled."""
    return write_tree(directory / "build of mine", _FILES)


def run_gradle(root: Path, home: Path) -> None:
    """Compile the build and have the init script write what it knows."""
    (root / SCRIPT_NAME).write_text(init_script(), encoding="utf-8")
    run(
        "gradle",
        *("--no-daemon", "--offline", "--quiet", "-p", root, "-I", root / SCRIPT_NAME, TASK),
        environment={
            "JAVA_HOME": str(java_home(17)),
            "GRADLE_USER_HOME": str(home),
            "LC_ALL": "C.UTF-8",
        },
    )


def written(root: Path, module: str) -> dict[str, Any]:
    """Return what was written of a project; sizes and digests of jars that Gradle made are cut."""
    path = root / module / "build" / "pyjib" / "classpath.json"
    text = path.read_text(encoding="utf-8").replace(str(root), _HERE)
    document: dict[str, Any] = json.loads(text)
    for entry in document["entries"]:
        if entry["kind"] == "project":
            entry |= {"size": None, "sha1": None}
    return document


def golden(module: str, root: Path | None = None) -> dict[str, Any]:
    """Return what was recorded, for a build that lies at ``root``."""
    text = (GOLDEN / f"{module}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text.replace(_HERE, str(root)) if root else text)
    return document


def record() -> None:
    """Run Gradle and keep what it writes."""
    with tempfile.TemporaryDirectory() as directory:
        root = make_build(Path(directory))
        run_gradle(root, Path(directory) / "home")
        GOLDEN.mkdir(exist_ok=True)
        for module in MODULES:
            text = json.dumps(written(root, module), indent=1, ensure_ascii=False)
            (GOLDEN / f"{module}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    record()
