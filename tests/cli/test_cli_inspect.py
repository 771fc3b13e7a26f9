from __future__ import annotations

from pathlib import Path

from pyjib.serve import Fault, Moment, RegistryServer
from tests.support.cli import HELLO, Cli
from tests.support.images import image_of, random_tar, temurin_image, temurin_index
from tests.support.registry import put_image


def test_an_image_in_a_registry(cli: Cli, registry: RegistryServer) -> None:
    image = temurin_image()
    put_image(registry, "base/jre", image, "17")
    name = f"{registry.address}/base/jre:17"
    document = cli("inspect", name, "--json").json
    assert document["name"] == name
    assert document["digest"] == document["manifestDigest"] == str(image.digest)
    assert document["imageId"] == str(image.image_id)
    assert document["mediaType"] == image.manifest.media_type
    assert document["platform"] == "linux/amd64"
    assert document["config"] == image.config.run
    assert [layer["digest"] for layer in document["layers"]] == [
        str(layer.descriptor.digest) for layer in image.layers
    ]
    assert document["size"] == sum(layer.descriptor.size for layer in image.layers)
    blobs = [exchange.path for exchange in registry.journal if "/blobs/" in exchange.path]
    assert blobs == [f"/v2/base/jre/blobs/{image.image_id}"], "layers were asked for"


def test_as_text(cli: Cli, registry: RegistryServer) -> None:
    image = temurin_image()
    put_image(registry, "base/jre", image, "17")
    done = cli("inspect", f"{registry.address}/base/jre:17")
    assert (done.code, done.stderr) == (0, "")
    assert f"digest      {image.digest}" in done.lines
    assert 'entrypoint  ["/__cacert_entrypoint.sh"]' in done.lines
    assert "env         JAVA_VERSION=jdk-17.0.9+9" in done.lines
    assert "port        8778/tcp" in done.lines
    assert "label       maintainer=nobody" in done.lines
    assert any(str(image.layers[0].descriptor.digest) in line for line in done.lines)


def test_what_an_engine_is_told_besides(cli: Cli, registry: RegistryServer) -> None:
    told = {"Healthcheck": {"Test": ["CMD", "true"]}, "StopSignal": "SIGINT"}
    put_image(registry, "base/told", temurin_image(run=told), "1")
    done = cli("inspect", f"{registry.address}/base/told:1")
    assert 'healthcheck {"Test": ["CMD", "true"]}' in done.lines
    assert "signal      SIGINT" in done.lines


def test_an_index(cli: Cli, registry: RegistryServer) -> None:
    index = temurin_index()
    put_image(registry, "base/jre", index, "17")
    name = f"{registry.address}/base/jre:17"
    document = cli("inspect", name, "--json", "--platform", "linux/arm64").json
    assert document["digest"] == str(index.digest)
    assert document["mediaType"] == index.index.media_type
    assert document["manifestDigest"] == str(index.images[1].digest)
    assert [entry["digest"] for entry in document["manifests"]] == [
        str(image.digest) for image in index.images
    ]
    done = cli("inspect", name)
    assert "platform    linux/amd64" in done.lines
    assert sum(line.startswith("manifest ") for line in done.lines) == 2
    missing = cli("inspect", name, "--platform", "linux/s390x")
    assert missing.code == 1
    assert "linux/arm64/v8" in missing.stderr
    assert "base" not in missing.stderr.replace(name, "")


def test_files(cli: Cli, tmp_path: Path) -> None:
    archive, layout = f"tar://{tmp_path / 'x.tar'}", f"oci://{tmp_path / 'images'}:1.0"
    build = ("build", HELLO, "--from", "scratch", "--json")
    built = cli(*build, "--to", archive, "--to", layout).json
    for location in (archive, layout):
        document = cli("inspect", location, "--json").json
        assert document["digest"] == built["imageDigest"]
        assert [layer["comment"] for layer in document["layers"]] == [
            "resources",
            "classes",
            "jvm arg files",
        ]


def test_what_is_not_there(cli: Cli, registry: RegistryServer, tmp_path: Path) -> None:
    for location in (f"{registry.address}/no/such", f"tar://{tmp_path}/x", f"oci://{tmp_path}/x"):
        done = cli("inspect", location)
        assert done.code in (1, 2)
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
    assert f"there is no directory {tmp_path / 'x'}\nhint: check the path" in done.stderr
    (tmp_path / "file").touch()
    done = cli("inspect", f"oci://{tmp_path}/file")
    assert (done.code, f"tar://{tmp_path}/file" in done.stderr) == (2, True)
    assert cli("inspect", "No/Such").code == 2
    assert cli("inspect").code == 2


def test_a_config_may_hold_anything(cli: Cli, registry_unchecked: RegistryServer) -> None:
    strange = {
        "Env": "A=1",
        "Labels": ["a"],
        "ExposedPorts": None,
        "Volumes": {"/\x1b[2Jx": {}},
        "User": 7,
        "Entrypoint": "sh",
        "Cmd": {"a": 1},
    }
    image = image_of([random_tar(1)], run=strange)
    put_image(registry_unchecked, "odd", image, "1")
    done = cli("inspect", f"{registry_unchecked.address}/odd:1")
    assert done.code == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert cli("inspect", f"{registry_unchecked.address}/odd:1", "--json").code == 0


def test_other_bytes_are_told_with_their_sender(cli: Cli) -> None:
    image = temurin_image()
    flipped = Fault(at=Moment.AFTER, method="GET", path="/v2/**/blobs/*", corrupt=-1)
    with RegistryServer(faults=[flipped]) as server:
        put_image(server, "base/jre", image, "17")
        done = cli("inspect", f"{server.address}/base/jre:17")
    assert done.code == 1
    blob = f"blob {image.image_id} of {server.address}/base/jre"
    assert f"error: {server.address} sent other bytes for {blob}\n" in done.stderr
