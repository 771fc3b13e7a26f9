"""Small Java projects made without Java: class files, jars, wars and build directories.

Every byte is decided here, so that two calls with equal arguments give equal files. Default
contents are enough for a build: classes have the headers of real ones, libraries are jars.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

MAIN = "com.example.Main"
PUBLIC, PRIVATE, PROTECTED, STATIC, FINAL, SYNCHRONIZED = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20
VARARGS, NATIVE, ABSTRACT, STRICT, SYNTHETIC = 0x80, 0x100, 0x400, 0x800, 0x1000
JAVA_8, JAVA_11, JAVA_17, JAVA_21, JAVA_25 = 52, 55, 61, 65, 69
"""Major versions of class files."""

FIXED_DATE = (1980, 1, 1, 0, 0, 0)


class Method(NamedTuple):
    access: int = PUBLIC | STATIC
    name: str = "main"
    descriptor: str = "([Ljava/lang/String;)V"


def class_file(
    name: str = MAIN,
    *,
    major: int = JAVA_17,
    minor: int = 0,
    methods: Iterable[Method] = (),
    text: str = "",
) -> bytes:
    """Return a class with these methods, whose code is left out (no JVM will run it).

    ``text`` becomes a constant, so that classes can be made to differ, or to grow.
    """
    constants: list[bytes] = []

    def constant(data: bytes) -> int:
        if data not in constants:
            constants.append(data)
        return constants.index(data) + 1

    def utf8(value: str) -> int:
        encoded = value.encode()
        return constant(b"\x01" + struct.pack(">H", len(encoded)) + encoded)

    def reference(value: str) -> int:
        return constant(b"\x07" + struct.pack(">H", utf8(value)))

    this, parent = reference(name.replace(".", "/")), reference("java/lang/Object")
    code, note = utf8("Code"), utf8(text)
    table = b""
    for method in methods:
        table += struct.pack(
            ">HHHHHL", method.access, utf8(method.name), utf8(method.descriptor), 1, code, 4
        )
        table += struct.pack(">HH", note, 0)
    members = list(methods)
    return (
        struct.pack(">4sHHH", b"\xca\xfe\xba\xbe", minor, major, len(constants) + 1)
        + b"".join(constants)
        + struct.pack(">HHHHHH", PUBLIC | 0x20, this, parent, 0, 0, len(members))
        + table
        + struct.pack(">H", 0)
    )


def main_class(name: str = MAIN, *, major: int = JAVA_17, text: str = "") -> bytes:
    """Return a class that has the traditional main method."""
    return class_file(name, major=major, methods=[Method()], text=text)


def class_path_of(name: str = MAIN) -> str:
    """Return the path of a class: ``com/example/Main.class``."""
    return f"{name.replace('.', '/')}.class"


def manifest(**attributes: str) -> bytes:
    """Return a manifest, its lines folded at 72 bytes; underscores in names become hyphens."""
    lines = b""
    for name, value in {"Manifest-Version": "1.0", **attributes}.items():
        line = f"{name.replace('_', '-')}: {value}".encode()
        head, rest = line[:72], line[72:]
        lines += head + b"\r\n"
        while rest:
            lines += b" " + rest[:71] + b"\r\n"
            rest = rest[71:]
    return lines + b"\r\n"


def write_archive(
    path: Path,
    files: Mapping[str, bytes],
    *,
    method: int = zipfile.ZIP_DEFLATED,
    stored: Iterable[str] = (),
    directories: bool = True,
) -> Path:
    """Write a jar or war, entries in the order given, parents first if ``directories``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made: set[str] = set()
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            parts = name.split("/")[:-1]
            for depth in range(1, len(parts) + 1) if directories else ():
                directory = "/".join(parts[:depth]) + "/"
                if directory not in made:
                    made.add(directory)
                    archive.writestr(_entry(directory, zipfile.ZIP_STORED), b"")
            kind = zipfile.ZIP_STORED if name in stored else method
            archive.writestr(_entry(name, kind), content)
    return path


def _entry(name: str, method: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, FIXED_DATE)
    entry.compress_type = method
    entry.create_system = 3
    return entry


def library_bytes(name: str) -> bytes:
    """Return a jar that holds one class, different for every name."""

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        class_name = "lib.C" + "".join(filter(str.isalnum, name))
        archive.writestr(_entry("META-INF/MANIFEST.MF", zipfile.ZIP_DEFLATED), manifest())
        content = class_file(class_name, text=name)
        archive.writestr(_entry(class_path_of(class_name), zipfile.ZIP_DEFLATED), content)
    return stream.getvalue()


def write_libraries(directory: Path, names: Iterable[str]) -> list[Path]:
    """Write a jar for each name."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / name for name in names]
    for path in paths:
        path.write_bytes(library_bytes(path.name))
    return paths


def write_tree(directory: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write files below a directory."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory


LIBRARIES = ("zeta-1.0.jar", "alpha-2.0.jar", "beta-1.1-SNAPSHOT.jar", "module-1.0.jar")
"""What the Boot jars here hold, in the order of the class path, which is not that of names."""

BOOT_LAYERS = {
    "dependencies": ["BOOT-INF/lib/zeta-1.0.jar", "BOOT-INF/lib/alpha-2.0.jar"],
    "spring-boot-loader": ["org/"],
    "snapshot-dependencies": ["BOOT-INF/lib/beta-1.1-SNAPSHOT.jar"],
    "application": [
        "BOOT-INF/classes/",
        "BOOT-INF/classpath.idx",
        "BOOT-INF/layers.idx",
        "BOOT-INF/lib/module-1.0.jar",
        "META-INF/",
    ],
}


def layers_index(layers: Mapping[str, Iterable[str]]) -> bytes:
    """Return a ``layers.idx``."""
    lines = []
    for name, paths in layers.items():
        lines += [f'- "{name}":', *(f'  - "{path}"' for path in paths)]
    return "".join(f"{line}\n" for line in lines).encode()


def boot_files(
    version: str = "3.1.2",
    *,
    libraries: Iterable[str] = LIBRARIES,
    layers: Mapping[str, Iterable[str]] | None = None,
    indexes: bool = True,
    start_class: str = MAIN,
    major: int = JAVA_17,
) -> dict[str, bytes]:
    """Return what an executable jar of that Spring Boot holds, launcher and its services too."""
    is_new = tuple(map(int, version.split(".")[:2])) >= (3, 2)
    package = "org.springframework.boot.loader" + (".launch" if is_new else "")
    attributes = {
        "Main_Class": f"{package}.JarLauncher",
        "Start_Class": start_class,
        "Spring_Boot_Version": version,
        "Spring_Boot_Classes": "BOOT-INF/classes/",
        "Spring_Boot_Lib": "BOOT-INF/lib/",
    }
    if indexes:
        attributes["Spring_Boot_Classpath_Index"] = "BOOT-INF/classpath.idx"
        attributes["Spring_Boot_Layers_Index"] = "BOOT-INF/layers.idx"
    files = {"META-INF/MANIFEST.MF": manifest(**attributes)}
    if is_new:
        service = "META-INF/services/java.nio.file.spi.FileSystemProvider"
        files[service] = b"org.springframework.boot.loader.nio.file.NestedFileSystemProvider\n"
    launcher = f"{package}.JarLauncher"
    files[class_path_of(launcher)] = main_class(launcher, major=JAVA_8)
    files["META-INF/build-info.properties"] = b"build.version=1.0\n"
    files[f"BOOT-INF/classes/{class_path_of(start_class)}"] = main_class(start_class, major=major)
    files["BOOT-INF/classes/application.properties"] = b"server.port=8080\n"
    # By name here, so that the order of the class path can only come from the index.
    for name in sorted(libraries) if indexes else libraries:
        files[f"BOOT-INF/lib/{name}"] = library_bytes(name)
    if indexes:
        lines = (f'- "BOOT-INF/lib/{name}"\n' for name in libraries)
        files["BOOT-INF/classpath.idx"] = "".join(lines).encode()
        files["BOOT-INF/layers.idx"] = layers_index(BOOT_LAYERS if layers is None else layers)
    return files


def write_boot_jar(path: Path, version: str = "3.1.2", **options: object) -> Path:
    """Write an executable jar, libraries stored as Boot stores them; see ``boot_files``."""
    files = boot_files(version, **options)  # type: ignore[arg-type]
    stored = [name for name in files if name.endswith(".jar")]
    return write_archive(path, files, stored=stored)


def write_thin_jar(
    path: Path, libraries: Iterable[str] = (), *, main: str | None = MAIN, **attributes: str
) -> Path:
    """Write an application's jar whose manifest names ``libraries`` (which are not written)."""
    if main is not None:
        attributes["Main_Class"] = main
    if names := " ".join(libraries):
        attributes["Class_Path"] = names
    files = {
        "META-INF/MANIFEST.MF": manifest(**attributes),
        class_path_of(): main_class(),
        "application.properties": b"greeting=hello\n",
    }
    return write_archive(path, files)


def write_war(path: Path, *, boot: bool = False) -> Path:
    """Write a war with two libraries; a Boot war has one more that the container provides."""
    attributes = {"Start_Class": MAIN, "Main_Class": "org.springframework.boot.loader.WarLauncher"}
    files = {
        "META-INF/MANIFEST.MF": manifest(**(attributes if boot else {})),
        "index.html": b"<p>hello</p>\n",
        "WEB-INF/web.xml": b"<web-app/>\n",
        f"WEB-INF/classes/{class_path_of()}": main_class(),
        "WEB-INF/classes/messages.properties": b"a=b\n",
        "WEB-INF/lib/one-1.0.jar": library_bytes("one-1.0.jar"),
        "WEB-INF/lib/two-1.0-SNAPSHOT.jar": library_bytes("two-1.0-SNAPSHOT.jar"),
    }
    if boot:
        launcher = "org.springframework.boot.loader.WarLauncher"
        files[class_path_of(launcher)] = main_class(launcher, major=JAVA_8)
        files["WEB-INF/lib-provided/tomcat-10.jar"] = library_bytes("tomcat-10.jar")
    return write_archive(path, files)


def write_quarkus_app(directory: Path) -> Path:
    """Write a ``quarkus-app`` directory, as Quarkus's fast-jar packaging does."""
    libraries = write_libraries(directory / "lib" / "main", ["a-1.0.jar", "b-1-SNAPSHOT.jar"])
    boot = write_libraries(directory / "lib" / "boot", ["runner-1.0.jar"])
    names = [path.relative_to(directory).as_posix() for path in (*boot, *libraries)]
    launcher = manifest(
        Class_Path=" ".join(names),
        Main_Class="io.quarkus.bootstrap.runner.QuarkusEntryPoint",
    )
    write_archive(directory / "quarkus-run.jar", {"META-INF/MANIFEST.MF": launcher})
    write_archive(directory / "app" / "shop-1.0.jar", {class_path_of(): class_file()})
    write_archive(directory / "quarkus" / "generated-bytecode.jar", {"G.class": class_file("G")})
    write_tree(directory, {"quarkus/quarkus-application.dat": b"\0", "config.txt": b""})
    return directory


CLASSES: Mapping[str, bytes | str] = {
    class_path_of(): main_class(),
    "com/example/Helper.class": class_file("com.example.Helper"),
    "application.properties": b"greeting=hello\n",
    "static/index.html": b"<p>hello</p>\n",
}


def pom(
    artifact: str = "app",
    *,
    version: str = "1.0",
    packaging: str = "jar",
    dependencies: Iterable[str] = (),
    more: str = "",
) -> str:
    """Return a ``pom.xml``; a dependency is ``group:artifact:version[:scope]``."""
    tags = ("groupId", "artifactId", "version", "scope")
    items = "".join(
        "<dependency>"
        + "".join(
            f"<{tag}>{text}</{tag}>" for tag, text in zip(tags, dependency.split(":"), strict=False)
        )
        + "</dependency>"
        for dependency in dependencies
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<project xmlns="http://maven.apache.org/POM/4.0.0">'
        "<modelVersion>4.0.0</modelVersion><groupId>com.example</groupId>"
        f"<artifactId>{artifact}</artifactId><version>{version}</version>"
        f"<packaging>{packaging}</packaging>{more}"
        f"<dependencies>{items}</dependencies></project>\n"
    )


def write_maven_project(
    root: Path,
    *,
    dependencies: Iterable[str] = (),
    classes: Mapping[str, bytes | str] = CLASSES,
) -> Path:
    """Write a compiled Maven project; its dependencies are declared and not on disk."""
    write_tree(root, {"pom.xml": pom(dependencies=dependencies)})
    write_tree(root / "target" / "classes", classes)
    return root


def write_gradle_project(root: Path, *, script: str = "plugins { id 'java' }\n") -> Path:
    """Write a compiled Gradle project in Java and Kotlin."""
    kotlin = "com.example.MoreKt"
    return write_tree(
        root,
        {
            "build.gradle": script,
            "settings.gradle": "rootProject.name = 'shop'\n",
            f"build/classes/java/main/{class_path_of()}": main_class(),
            f"build/classes/kotlin/main/{class_path_of(kotlin)}": class_file(kotlin),
            "build/classes/kotlin/main/META-INF/shop.kotlin_module": b"\0",
            "build/resources/main/application.properties": b"greeting=hello\n",
        },
    )


def write_gradle_install(root: Path, libraries: Iterable[str], *, name: str = "shop") -> Path:
    """Write what ``gradle installDist`` does: the jar, libraries, a start script."""
    install = root / "build" / "install" / name
    names = [f"{name}-1.0.jar", *libraries]
    write_libraries(install / "lib", names)
    class_path = ":".join(f"$APP_HOME/lib/{library}" for library in names)
    script = (
        "#!/bin/sh\nAPP_HOME=/somewhere\n"
        f"CLASSPATH={class_path}\n"
        f'set -- \\\n        -classpath "$CLASSPATH" \\\n        {MAIN} \\\n        "$@"\n'
        'exec "$JAVACMD" "$@"\n'
    )
    return write_tree(install, {f"bin/{name}": script, f"bin/{name}.bat": "@rem\r\n"})
