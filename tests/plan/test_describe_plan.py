from __future__ import annotations

import json
from dataclasses import dataclass

from pyjib.oci.digest import Digest
from pyjib.oci.json import Json
from pyjib.plan.describe import describe_plan
from pyjib.project.model import FileSource, InlineFile, ProjectFile
from tests.support.plans import plan, project

CLASS = InlineFile(b"class")


@dataclass(frozen=True)
class Summary:
    size: int
    diff_id: Digest


def digest_of(source: FileSource) -> Digest:
    with source.open() as stream:
        return Digest.of(stream.read())


def described() -> Json:
    small = project(
        dependencies=(),
        resources=(),
        classes=(ProjectFile(path="x"), ProjectFile(path="x/A.class", source=CLASS)),
        main_class_candidates=("x.A",),
    )
    made = plan(small, environment=(("A", "1"),), ports=("80",), arguments=())
    return describe_plan(
        made,
        digest_of=digest_of,
        summarize=lambda layer: Summary(512 * len(layer.entries), Digest.of(layer.name.encode())),
        targets=("r.io/app:1",),
    )


def test_it_is_json_and_complete() -> None:
    result = described()
    assert json.loads(json.dumps(result)) == result
    assert list(result) == [
        "base",
        "platforms",
        "format",
        "created",
        "javaVersion",
        "identity",
        "recipe",
        "config",
        "layers",
        "targets",
    ]
    assert result["base"] == "docker.io/library/eclipse-temurin:17-jre"
    assert result["platforms"] == ["linux/amd64"]
    assert result["created"] == "1970-01-01T00:00:00Z"
    assert result["identity"] == {"tool": "pyjib", "version": None, "jdk": 17}
    assert result["recipe"]["compression"] == "gzip"
    assert result["targets"] == ["r.io/app:1"]


def test_config() -> None:
    assert described()["config"] == {
        "env": {"A": "1"},
        "labels": {},
        "exposedPorts": ["80/tcp"],
        "volumes": [],
        "user": None,
        "workingDir": None,
        "entrypoint": ["java", "-cp", "@/app/jib-classpath-file", "x.A"],
        "cmd": [],
    }


def test_layers() -> None:
    classes, arguments = described()["layers"]
    assert (classes["name"], arguments["name"]) == ("classes", "jvm arg files")
    assert classes["size"] == 512 * 4
    assert classes["diffId"] == str(Digest.of(b"classes"))
    assert classes["entries"][2:] == [
        {
            "target": "/app/classes/x",
            "type": "directory",
            "mode": "755",
            "mtime": "1970-01-01T00:00:01Z",
            "owner": "",
        },
        {
            "target": "/app/classes/x/A.class",
            "type": "file",
            "mode": "644",
            "mtime": "1970-01-01T00:00:01Z",
            "owner": "",
            "size": 5,
            "sha256": Digest.of(b"class").hex,
        },
    ]


def test_without_summaries() -> None:
    made = plan(project(dependencies=(), resources=(), classes=()))
    (layer,) = describe_plan(made, digest_of=digest_of)["layers"]
    assert list(layer) == ["name", "entries"]
