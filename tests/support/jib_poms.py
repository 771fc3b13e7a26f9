"""Projects whose POM configures Jib, and the images that real Jib made of them.

``python -m tests.support.jib_poms --record`` runs Jib and records ``GOLDEN`` anew. The projects
are made of bytes alone, without a compiler and without libraries of a repository, on scratch:
what they are about is the configuration, and what it does to the image.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pyjib.build import build
from pyjib.configure import configure
from pyjib.jib.to_options import Given, Unnamed
from pyjib.oci.instant import Instant
from pyjib.options import BuildOptions, HostEnvironment
from tests.support.programs import attempt, run
from tests.support.projects import class_file, main_class, write_archive, write_tree
from tests.support.real_jib import QUICK, java_home

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "fixtures" / "identity" / "jib-poms.json"
VERSIONS = ("3.3.2", "3.4.1", "3.4.2", "3.5.2")
_COMMAND = "python -m tests.support.jib_poms --record"

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>com.test</groupId><artifactId>hello-world</artifactId><version>1</version>
<packaging>{packaging}</packaging>
<properties><maven.compiler.target>{java}</maven.compiler.target>{properties}</properties>
<dependencies>{dependencies}</dependencies><build><plugins><plugin>
<groupId>com.google.cloud.tools</groupId><artifactId>jib-maven-plugin</artifactId>
<version>{version}</version>{extensions}<configuration>{configuration}</configuration>
</plugin></plugins></build></project>
"""
_LIBRARY = """<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>
<version>{version}</version><scope>system</scope>
<systemPath>${{project.basedir}}/libs/{group}/{artifact}-{version}.jar</systemPath></dependency>"""
_LIBRARIES = (("z", "lib", "1.0"), ("y", "lib", "1.0"), ("x", "other", "2-SNAPSHOT"))
_PACKAGE = "com.google.cloud.tools.jib.maven.extension"
_EXTENSION = """<pluginExtensions><pluginExtension>
<implementation>{package}.{name}</implementation>{body}</pluginExtension></pluginExtensions>"""
_GROUP = "<groupId>com.google.cloud.tools</groupId>"
_EXTENSION_DEPENDENCY = re.compile(
    r"<artifactId>(jib-\w+-extension-maven)</artifactId><version>(.*?)</version>"
)
_EXTENSION_LIBRARY = """<dependencies><dependency><groupId>com.google.cloud.tools</groupId>
<artifactId>{artifact}</artifactId><version>{version}</version></dependency></dependencies>"""


@dataclass(frozen=True, kw_only=True)
class PomCase:
    """A project: what its POM says, and whether it makes a jar or a war.

    ``goals`` make the image. An extension that is not ``served`` is in no repository that can be
    relied on: its images stay as they were recorded, unless ``--unserved`` says where it is.
    """

    configuration: str
    java: str = "17"
    properties: str = ""
    packaging: str = "jar"
    extensions: str = ""
    versions: tuple[str, ...] = VERSIONS
    goals: tuple[str, ...] = ("jib:buildTar",)
    served: bool = True


def container(text: str) -> str:
    return f"{TO}<container>{text}</container>"


def extension(
    name: str, artifact: str, version: str, body: str = "", base: str = "", **more: Any
) -> PomCase:
    configured = _EXTENSION.format(package=_PACKAGE, name=name, body=body)
    return PomCase(
        configuration=(base or TO) + configured,
        extensions=_EXTENSION_LIBRARY.format(artifact=artifact, version=version),
        versions=("3.5.2",),
        **more,
    )


TO = (
    "<from><image>scratch</image></from>"
    "<to><image>example.com/a/b:3</image><tags>x,latest,zz9</tags></to>"
)
_FULL = """<creationTime>2024-05-01T12:00:00.5+0200</creationTime>
<filesModificationTime>2023-01-02T03:04:05.005Z</filesModificationTime>
<args><arg>An argument.</arg><arg>x,y</arg></args><mainClass>com.test.Hello</mainClass>
<extraClasspath><path>/other</path></extraClasspath><jvmFlags><f>-Xms512m</f><f>-Xdebug</f></jvmFlags>
<environment><env1>v1</env1><B>2</B><A>ö 𝄞</A></environment>
<ports><port>1000/tcp</port><port>2000-2003/udp</port></ports>
<labels><key1>value1</key1><a.b>c</a.b></labels>
<volumes><volume>/var/log</volume><volume>/var/log2</volume></volumes>
<user>me:grp</user><workingDirectory>/w//x</workingDirectory><appRoot>/srv/app</appRoot>"""
_EXTRA = """<extraDirectories><paths>
<path><from>src/extra</from><into>/opt</into><includes>**/*.sh,*.txt</includes>
<excludes><x>skip.txt</x></excludes></path><path>src/main/jib</path></paths>
<permissions><permission><file>/opt/bin/run.sh</file><mode>755</mode></permission>
<permission><file>/**/*.txt</file><mode>600</mode></permission></permissions></extraDirectories>"""
_NAMES = range(30)
_BUILT_BY_QUARKUS = (
    *("hello-world-1-runner.jar", "lib/z.lib-1.jar", "lib/com.test.hello-world-1.jar"),
    *("lib/x.other-2-SNAPSHOT.jar", "lib/below/not-there.jar", "quarkus-app/quarkus-run.jar"),
    *("quarkus-app/app/hello-world-1.jar", "quarkus-app/lib/boot/b-1.jar"),
    *("quarkus-app/lib/main/z.lib-1.jar", "quarkus-app/lib/main/x.other-2-SNAPSHOT.jar"),
    *("quarkus-app/quarkus/generated-bytecode.jar", "quarkus-app/quarkus/application.dat"),
    "quarkus-app/quarkus-app-dependencies.txt",
)
_PROPERTIES = """<jib.container.environment>Z=1,A=x\\,y,M=2</jib.container.environment>
<jib.container.user></jib.container.user><jib.to.tags>p,q</jib.to.tags><image>other/name</image>"""
_FILTERS = """<configuration
implementation="com.google.cloud.tools.jib.maven.extension.layerfilter.Configuration"><filters>
<filter><glob>/app/classes/**</glob><toLayer>mine</toLayer></filter>
<filter><glob>**/b.properties</glob></filter>
<filter><glob>/app/libs/*</glob><toLayer>jars</toLayer></filter></filters></configuration>"""
_OWNERSHIP = """<configuration
implementation="com.google.cloud.tools.jib.maven.extension.ownership.Configuration"><rules>
<rule><glob>/app/**</glob><ownership>1000:1001</ownership></rule>
<rule><glob>/app/classes/{a,sub/*}.properties</glob><ownership>me:us</ownership></rule>
<rule><glob>**/*.properties</glob><ownership>me</ownership></rule>
<rule><glob>/app/libs/*-1.?-*.jar</glob><ownership>:7</ownership></rule>
<rule><glob>/app/resources/sub/**</glob><ownership>9999999999:-5</ownership></rule>
<rule><glob>/app/jib-main-class-file</glob><ownership></ownership></rule>
<rule><glob>/opt/[a-b]*/*.sh</glob><ownership>root:ops</ownership></rule>
<rule><glob>/etc</glob><ownership>1</ownership></rule></rules></configuration>"""
_NATIVE = "<properties><imageName>hello</imageName></properties>"


def _quarkus(text: str, properties: str = "") -> PomCase:
    return extension(
        "quarkus.JibQuarkusExtension",
        "jib-quarkus-extension-maven",
        "0.1.1",
        f"<properties>{properties}</properties>",
        container(text) + _EXTRA,
        goals=("jar:jar", "jib:buildTar"),
        served=False,
    )


CASES: Mapping[str, PomCase] = {
    "defaults": PomCase(configuration=TO),
    "every container parameter": PomCase(configuration=container(_FULL) + _EXTRA),
    "Java 8": PomCase(configuration=TO, java="1.8"),
    "Java 8, class path expanded": PomCase(
        configuration=container("<expandClasspathDependencies>true</expandClasspathDependencies>"),
        java="1.8",
    ),
    "packaged": PomCase(configuration=f"{TO}<containerizingMode>packaged</containerizingMode>"),
    "entrypoint inherited": PomCase(configuration=container("<entrypoint>INHERIT</entrypoint>")),
    "entrypoint beside a main class that is none": PomCase(
        configuration=container(
            "<entrypoint><e>/bin/x</e><e>a,b</e></entrypoint><args/><mainClass>bad-name</mainClass>"
        )
    ),
    "no name": PomCase(configuration="<from><image>scratch</image></from>"),
    "OCI": PomCase(configuration=container("<format>OCI</format>")),
    "properties of the POM": PomCase(configuration=TO, properties=_PROPERTIES),
    "many variables and labels": PomCase(
        configuration=container(
            f"<environment>{''.join(f'<K{n}>{n}</K{n}>' for n in _NAMES)}</environment>"
            f"<labels>{''.join(f'<L{n}>{n}</L{n}>' for n in _NAMES[:13])}</labels>"
        )
    ),
    "war": PomCase(configuration=TO, packaging="war"),
    "war elsewhere": PomCase(
        configuration=container("<appRoot>/srv</appRoot><entrypoint>INHERIT</entrypoint>"),
        packaging="war",
    ),
    "layer filter": extension(
        "layerfilter.JibLayerFilterExtension", "jib-layer-filter-extension-maven", "0.3.0", _FILTERS
    ),
    "Spring Boot extension": extension(
        "springboot.JibSpringBootExtension", "jib-spring-boot-extension-maven", "0.1.0"
    ),
    "ownership": extension(
        "ownership.JibOwnershipExtension",
        "jib-ownership-extension-maven",
        "0.1.0",
        _OWNERSHIP,
        TO + _EXTRA,
        served=False,
    ),
    "Quarkus, legacy jar": _quarkus("<jvmFlags><f>-Xmx1g</f><f>-Da=b</f></jvmFlags>"),
    "Quarkus, fast jar": _quarkus(
        "<appRoot>/srv</appRoot><args>a</args>", "<packageType>fast-jar</packageType>"
    ),
    "native image": extension(
        "nativeimage.JibNativeImageExtension",
        "jib-native-image-extension-maven",
        "0.1.0",
        _NATIVE,
        container("<appRoot>/n</appRoot><args>a</args><entrypoint><x>/x</x></entrypoint>"),
    ),
    "native image with an entrypoint": extension(
        "nativeimage.JibNativeImageExtension",
        "jib-native-image-extension-maven",
        "0.1.0",
        _NATIVE,
        container("<entrypoint>/x,y</entrypoint>"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A case by one version of the plugin."""

    name: str
    version: str
    case: PomCase = field(repr=False)

    @property
    def key(self) -> str:
        """What it is recorded under."""
        return f"{self.name}, {self.version}"


def runs() -> Iterator[Run]:
    """Yield every case by every version that it is for."""
    for name, case in CASES.items():
        for version in case.versions:
            yield Run(name=name, version=version, case=case)


def write_project(run_: Run, directory: Path) -> Path:
    """Write the project as it is after ``mvn package``, in ``directory``."""
    case = run_.case
    libraries = "".join(
        _LIBRARY.format(group=group, artifact=artifact, version=version)
        for group, artifact, version in _LIBRARIES
    )
    pom = _POM.format(
        version=run_.version,
        java=case.java,
        properties=case.properties,
        packaging=case.packaging,
        extensions=case.extensions,
        configuration=case.configuration,
        # Jib takes no library into a war but those that are in it.
        dependencies=libraries,
    )
    major = 52 if case.java == "1.8" else 61
    classes = {
        "com/test/Hello.class": main_class("com.test.Hello", major=major),
        "com/test/Hello$In.class": class_file("com.test.Hello$In", major=major),
        "a.properties": b"a=1\n",
        "sub/b.properties": b"b=1\n",
        "sub/\u00e9\u00e8/c.txt": b"c\n",
        f"{'long/' * 20}name.txt": b"long\n",
    }
    write_tree(
        directory,
        {
            "pom.xml": pom,
            "src/extra/bin/run.sh": "x",
            "src/extra/a.txt": "a",
            "src/extra/skip.txt": "s",
            "src/extra/c.md": "c",
            "src/main/jib/etc/y.txt": "y",
            "target/hello": "native",
            "target/hello-world-1.jar": "the project's own jar",
            **{f"target/{name}": name for name in _BUILT_BY_QUARKUS},
            **{f"target/classes/{name}": content for name, content in classes.items()},
            **{f"libs/{g}/{a}-{v}.jar": f"{g}{a}{v}" for g, a, v in _LIBRARIES},
        },
    )
    (directory / "target/classes/empty").mkdir()
    if case.packaging == "war":
        content = {f"WEB-INF/classes/{name}": data for name, data in classes.items()}
        content |= {"index.html": b"<p>", "WEB-INF/web.xml": b"<web-app/>", "Other.class": b"o"}
        content |= {"WEB-INF/lib/a-1.jar": b"a", "WEB-INF/lib/b-SNAPSHOT.jar": b"b"}
        write_archive(directory / "target/hello-world-1.war", content)
    return directory


def our_image(project: Path, scratch: Path) -> tuple[str, str]:
    """Build the project by pyjib; return image ID and manifest digest."""
    host = HostEnvironment.of({}, scratch / "home")
    options = BuildOptions(host=host, cache=scratch / "cache")
    given = Given.of(options, unnamed=(Unnamed.TAR,), now=Instant(0))
    configured = configure(project, given)
    result = build(configured.options, path=project, read=configured.read)
    return str(result.image_id), str(result.digest)


def jibs_image(
    project: Path,
    jdk_home: str | None = None,
    variables: Mapping[str, str] | None = None,
    goals: Sequence[str] = ("jib:buildTar",),
) -> tuple[str, str]:
    """Build the project by real Jib; return image ID and manifest digest."""
    caches = project / "target" / "caches"
    arguments = (
        *("--batch-mode", "--quiet", "-f", str(project), *goals),
        f"-Djib.baseImageCache={caches / 'base'}",
        f"-Djib.applicationCache={caches / 'application'}",
    )
    environment = {"LC_ALL": "C.UTF-8", "MAVEN_OPTS": QUICK, **(variables or {})}
    if jdk_home:
        environment["JAVA_HOME"] = jdk_home
    if attempt("mvn", *arguments, environment=environment).returncode != 0:
        run("mvn", *arguments, environment=environment)  # downloads have bad minutes
    made = json.loads((project / "target" / "jib-image.json").read_text())
    shutil.rmtree(caches)
    return made["imageId"], made["imageDigest"]


def recorded() -> dict[str, tuple[str, str]]:
    """Return image ID and manifest digest by key."""
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return {
        name: (ids["imageId"], ids["manifestDigest"]) for name, ids in document["images"].items()
    }


def record(unserved: Path | None) -> None:
    """Write ``GOLDEN`` anew; ``unserved`` has the jars of extensions that are not served."""
    images, former = {}, recorded()
    for run_ in runs():
        if run_.case.served or unserved is not None:
            image_id, digest = record_one(run_, unserved)
        else:
            image_id, digest = former[run_.key]
        images[run_.key] = {"imageId": image_id, "manifestDigest": digest}
        sys.stderr.write(f"{run_.key}: {image_id}\n")
    text = json.dumps({"recordedBy": _COMMAND, "images": images}, indent=2) + "\n"
    GOLDEN.write_text(text, encoding="utf-8")


def record_one(run_: Run, unserved: Path | None) -> tuple[str, str]:
    """Let Jib build the image of a case."""
    with tempfile.TemporaryDirectory() as directory:
        project = write_project(run_, Path(directory) / "project")
        if not run_.case.served:
            pom = project / "pom.xml"
            pom.write_text(_EXTENSION_DEPENDENCY.sub(partial(_as_file, unserved), pom.read_text()))
        return jibs_image(project, str(java_home(17)), goals=run_.case.goals)


def _as_file(unserved: Path | None, dependency: re.Match[str]) -> str:
    """Let Maven take an extension from a jar, and its interface from where it always is."""
    jar = f"<scope>system</scope><systemPath>{unserved}/{dependency[1]}.jar</systemPath>"
    interface = dependency[0].replace(dependency[1], "jib-maven-plugin-extension-api")
    interface = interface.replace(dependency[2], "0.4.0")
    return f"{dependency[0]}{jar}</dependency><dependency>{_GROUP}{interface}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", required=True)
    parser.add_argument("--unserved", type=Path, help="directory with a jar for each ARTIFACT")
    record(parser.parse_args().unserved)
