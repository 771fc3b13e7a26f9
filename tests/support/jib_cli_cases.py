"""What jib-cli is compared on: jars, wars and build files, and the flags that they are given.

A project is a folder of its own, made of bytes alone. All programs run in the folder above it
and name it by the case's ``folder``, so that the paths that globs match are the same for all.
``REGISTRY`` in a flag stands for a registry that holds ``fixtures/base-image``, and is a mirror
of Docker Hub with it in the place of the default bases; ``OUT`` is a folder of the run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.support.projects import (
    JAVA_8,
    JAVA_21,
    class_file,
    main_class,
    manifest,
    write_archive,
    write_boot_jar,
    write_libraries,
    write_tree,
    write_war,
)

Options = Mapping[str, str | tuple[str, ...]]
"""Flags of jib-cli's with their values; one that comes several times has several."""

VERSIONS = ("0.12.0", "0.13.0")
_BASE = {"--from": "REGISTRY/base:1", "--allow-insecure-registries": ""}
_DEFAULT = {"--allow-insecure-registries": ""}
_TAR = {"--target": "tar://OUT/image.tar", "--name": "example.com/a/b:1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A project and how jib-cli is called on it.

    ``write`` makes the project in a folder. ``ours`` are flags that pyjib is given besides, to
    repeat a defect of jib-cli's that it has not.
    """

    name: str
    command: str
    write: Callable[[Path], object] = field(repr=False)
    options: Options
    file: str = ""
    ours: Options = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Where the project is, and what images of it are called in the registry."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.command} {self.name}".lower()).strip("-")


def _archive(
    command: str,
    name: str,
    write: Callable[[Path], object],
    options: Options | None = None,
    *,
    file: str = "",
    ours: Options | None = None,
) -> Case:
    given = options or {}
    base = {} if {"--from", "--allow-insecure-registries"} & {*given} else _BASE
    return Case(
        name=name,
        command=command,
        write=write,
        options={**_TAR, **base, **given},
        file=file or f"app.{command}",
        ours=ours or {},
    )


jar = partial(_archive, "jar")
war = partial(_archive, "war")


def build(name: str, text: str, options: Options | None = None) -> Case:
    """Return a case of ``jib build``: ``FOLDER`` in the file is the case's folder."""
    case = Case(name=name, command="build", write=_write_context, options={})
    head = "apiVersion: jib/v1alpha1\nkind: BuildFile\n"
    content = (head + text).replace("FOLDER", case.folder)

    def write(folder: Path) -> None:
        _write_context(folder)
        (folder / "jib.yaml").write_text(content, encoding="utf-8")

    given = {**_TAR, "--build-file": f"{case.folder}/jib.yaml", "--context": case.folder}
    return Case(name=name, command="build", write=write, options={**given, **(options or {})})


# Jars

_CLASS_PATH = "libs/one-1.jar ./libs/two-SNAPSHOT.jar  SNAPSHOTS/three.jar other/one-1.jar"


def _write_jar(
    folder: Path,
    *,
    class_path: str | None = None,
    name: str = "app.jar",
    main: str | None = "com.example.Main",
    major: int = JAVA_8,
) -> None:
    attributes = {"Class_Path": class_path} if class_path is not None else {}
    if main is not None:
        attributes["Main_Class"] = main
    content = {
        "META-INF/MANIFEST.MF": manifest(**attributes),
        "META-INF/versions/9/module-info.class": class_file("module-info", major=53),
        "com/example/Main.class": main_class(major=major),
        "NoPackage.class": class_file("NoPackage", major=major),
        "a.properties": b"a=1\n",
        f"{'long/' * 20}name.txt": b"long\n",
        "é/\U0001d11e.txt": b"not ASCII\n",
        "folder.class/in.txt": b"in a directory that is called like a class\n",
    }
    write_archive(folder / name, content)
    write_libraries(folder / "libs", ["one-1.jar", "two-SNAPSHOT.jar"])
    write_libraries(folder / "SNAPSHOTS", ["three.jar"])
    write_tree(folder, {"other/one-1.jar": "another"})


def _write_jar_with_libraries(folder: Path) -> None:
    _write_jar(folder, class_path=_CLASS_PATH)


def _write_jar_with_a_folder(folder: Path) -> None:
    _write_jar(folder, class_path="libs/ libs/one-1.jar")


def _write_jar_without_main(folder: Path) -> None:
    _write_jar(folder, main=None)


def _write_jar_of_java_21(folder: Path) -> None:
    _write_jar(folder, major=JAVA_21)


def _write_spaced_jar(folder: Path) -> None:
    # Packaged, jib-cli leaves a ./ in the image; see test_jib_cli_layout.
    _write_jar(folder, name="My App.jar", class_path=_CLASS_PATH.replace("./", ""))


def _write_boot(folder: Path) -> None:
    write_boot_jar(folder / "app.jar")


def _write_boot_with_odd_layers(folder: Path) -> None:
    layers = {
        "empty": [],
        "nothing": ["BOOT-INF/none/", "absent.txt"],
        "libraries": ["BOOT-INF/lib/"],
        "again": ["BOOT-INF/lib/alpha-2.0.jar", "BOOT-INF/layers.idx"],
        "no slash": ["org"],
        "code": ["BOOT-INF/classes/"],
    }
    write_boot_jar(folder / "app.jar", layers=layers)


def _write_boot_without_index(folder: Path) -> None:
    write_boot_jar(folder / "app.jar", indexes=False)


def _write_boot_3_2(folder: Path) -> None:
    write_boot_jar(folder / "app.jar", "3.2.0")


_CONTAINER = {
    "--expose": "8080,9000-9002/udp,80/tcp",
    "--volumes": "/var//log/,/a,/var/log",
    "--environment-variables": ("B=2,A=1", "JAVA_HOME=/other", "EMPTY=,E=a=b,A=3"),
    "--labels": "l=m,a.b/c=d e",
    "--user": "me:them",
    "--program-args": "one,two three",
    "--creation-time": "1714564800123",
}
_MANY = ",".join(f"K{number}={number}" for number in range(30))

_OLD_LAUNCHER = "java -cp /app org.springframework.boot.loader.JarLauncher"

_JARS = (
    jar("standard", _write_jar, {"--from": "scratch"}),
    jar("libraries", _write_jar_with_libraries),
    jar("folder in class path", _write_jar_with_a_folder),
    jar("packaged", _write_jar_with_a_folder, {"--mode": "packaged"}),
    jar("packaged, spaces", _write_spaced_jar, {"--mode": "packaged"}, file="My App.jar"),
    jar("all of the container", _write_jar, {**_CONTAINER, "--jvm-flags": "-Xmx1g,-Da=b c"}),
    jar("OCI", _write_jar, {"--image-format": "OCI", "--creation-time": "2024-05-01T12:00+02:00"}),
    jar("many names", _write_jar, {"--environment-variables": _MANY, "--labels": _MANY}),
    jar("entrypoint", _write_jar_without_main, {"--entrypoint": "sh  -c\tx,y"}),
    jar("entrypoint and flags", _write_jar, {"--entrypoint": "run", "--jvm-flags": "-X"}),
    jar("Java 21", _write_jar_of_java_21, {"--from": "scratch"}),
    jar("base in a tar", _write_jar, {"--from": "tar://OUT/base.tar"}),
    jar("default base", _write_jar, _DEFAULT),
    jar("more tags", _write_jar, {"--target": "REGISTRY/tags:1", "--additional-tags": "2,x"}),
    jar("Boot", _write_boot),
    jar("Boot, odd layers", _write_boot_with_odd_layers, {"--jvm-flags": "-Xmx1g"}),
    jar("Boot without an index", _write_boot_without_index, {"--program-args": "a"}),
    jar("Boot packaged", _write_boot, {"--mode": "packaged", "--jvm-flags": "-Xmx1g"}),
    jar("Boot with an entrypoint", _write_boot_3_2, {"--entrypoint": "run it"}),
    jar("Boot 3.2", _write_boot_3_2, ours={"--entrypoint": _OLD_LAUNCHER}),
    jar("Boot 3.2 packaged", _write_boot_3_2, {"--mode": "packaged"}),
)

# Wars


def _write_war(folder: Path) -> None:
    write_war(folder / "app.war", boot=True)


_SRV = {"--app-root": "/srv//app/"}

_WARS = (
    war("Jetty", _write_war, _DEFAULT),
    war("Jetty, arguments", _write_war, {**_DEFAULT, "--program-args": "a"}),
    war("elsewhere", _write_war, _SRV),
    war("all of the container", _write_war, {**_SRV, **_CONTAINER}),
    war("entrypoint", _write_war, {**_SRV, "--entrypoint": "/bin/run it", "--image-format": "OCI"}),
    war("arguments alone", _write_war, {**_SRV, "--program-args": "a,b"}),
)

# Build files


def _write_context(folder: Path) -> None:
    write_tree(
        folder,
        {
            "dist/a.txt": "a",
            "dist/b.md": "b",
            "dist/sub/deep/c.txt": "c",
            "dist/sub/d.class": "d",
            "dist/skip/e.txt": "e",
            "dist/é/\U0001d11e.txt": "f",
            "one.txt": "1",
        },
    )
    (folder / "dist/empty").mkdir()


_ALL = """
from: {image: "${base}"}
creationTime: 1714564800123
format: OCI
environment: {B: 2, A: 1, JAVA_HOME: /other, FLAG: yes, ON: True, WHEN: 2020-01-01, OCT: 010}
labels: {version: 1.10, hex: 0x1F, float: 1e3, text: "a b", under: 1_000}
volumes: [/v, "/w//x/", /v]
exposedPorts: [8080, 123/udp, 9000-9002]
user: 1000:0
workingDirectory: /w//x/
entrypoint: [sh, -c, 1]
cmd: [a, 2.50, true]
layers:
  properties: {filePermissions: 600, user: outer, timestamp: 1000}
  entries:
    - name: one
      properties: {filePermissions: 640, directoryPermissions: 750, group: 7}
      files:
        - {src: dist, dest: /a}
        - src: one.txt
          dest: /b/
          properties: {filePermissions: 444, user: 12, timestamp: "2020-01-01T00:00:00.5Z"}
    - name: two
      files:
        - {src: ./one.txt, dest: /c}
        - {src: dist/sub/../a.txt, dest: //d//e/}
"""
_FILTERED = """
layers:
  entries:
    - name: in
      files: [{src: dist, dest: /x/y/, includes: ["**/*.txt"]}]
    - name: out
      files: [{src: dist, dest: /x, excludes: ["**/skip", "**/skip/**", "**/sub/"]}]
    - name: both
      files: [{src: dist, dest: /x, includes: ["FOLDER/dist/*"], excludes: ["**.{md,class}"]}]
    - name: nothing
      files: [{src: dist, dest: /x, includes: ["*.txt"]}]
    - name: first counts
      files:
        - {src: one.txt, dest: /x/a.txt, properties: {filePermissions: 400, group: g}}
        - {src: dist, dest: /x, properties: {directoryPermissions: 700}}
"""
_TEMPLATE = """
user: ${who}
labels:
  a: ${x:-one}
  b: "${who:-two}"
  c: "$${who} $ $$ $who"
  d: "${nested}"
  ${key}: "${a-b.c}"
  e: "${empty}-${x:-}-"
"""
_PARAMETERS = ("who=me", "nested=<${who}>", "key=k", "a-b.c=v=w", "empty=", "unused=u")
_PLATFORMS = """
from:
  image: ${base}
  platforms: [{architecture: amd64, os: linux}, {architecture: arm64, os: linux}]
layers: {entries: [{name: n, files: [{src: one.txt, dest: /x}]}]}
"""
_PARAMETER = {"--parameter": "base=REGISTRY/base:1", "--allow-insecure-registries": ""}
_ON_BASE = "from: {image: registry://${base}}\n"

_BUILDS = (
    build("nothing", ""),
    build("everything", _ALL, _PARAMETER),
    build("filters", _FILTERED),
    build("template", _TEMPLATE, {"--parameter": _PARAMETERS}),
    build("platforms", _PLATFORMS, {"--target": "REGISTRY/platforms:1", **_PARAMETER}),
    build("base alone", _ON_BASE, _PARAMETER),
    build("entrypoint alone", _ON_BASE + "entrypoint: [a]\n", _PARAMETER),
    build("entrypoint empty", _ON_BASE + "entrypoint: []\nuser: ~\n", _PARAMETER),
    build("arguments alone", _ON_BASE + "cmd: [a]\n", _PARAMETER),
    build("arguments empty", _ON_BASE + "cmd: []\n", _PARAMETER),
    build(
        "base in a tar",
        "from: {image: '${base}'}\n" + _FILTERED,
        {"--parameter": "base=tar://OUT/base.tar"},
    ),
    build("another context", _FILTERED.replace("src: ", "src: FOLDER/"), {"--context": "."}),
)

CASES: tuple[Case, ...] = (*_JARS, *_WARS, *_BUILDS)
