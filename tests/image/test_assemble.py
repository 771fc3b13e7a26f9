from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import ConfigurationError, ContentError
from pyjib.image.assemble import assemble_image, assemble_index, empty_image
from pyjib.layer.compress import compressor
from pyjib.layer.model import Layer
from pyjib.layer.tar import write_tar
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest
from pyjib.oci.identity import Identity
from pyjib.oci.image import Image
from pyjib.oci.instant import Instant
from pyjib.oci.location import Scratch
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import LINUX_AMD64
from pyjib.plan.model import BuildPlan, ContainerConfig, LayerEntry, LayerPlan
from pyjib.project.model import InlineFile
from tests.support.images import (
    LINUX_ARM64,
    TEMURIN_RUN,
    checked,
    image_of,
    random_tar,
    tar_of,
    temurin_image,
    temurin_index,
)

JIB = Identity.of_jib("3.5.2")
FOO = LayerPlan.of("classes", [LayerEntry(target="/app/foo.txt", source=InlineFile(b"hello\n"))])


def packed(
    plan: LayerPlan = FOO,
    image_format: ImageFormat = ImageFormat.DOCKER,
    compression: Compression = Compression.GZIP,
) -> Layer:
    tar = io.BytesIO()
    write_tar(plan.entries, tar, time_records=True, check=lambda: None)
    method = compressor(compression, None, 0xFF)
    data = method.compress(tar.getvalue()) + method.flush()
    return Layer(
        name=plan.name,
        blob=Blob.of_bytes(data, types.layer_type(image_format, compression)),
        diff_id=Digest.of(tar.getvalue()),
    )


def plan_of(config: ContainerConfig | None = None, **fields: Any) -> BuildPlan:
    return BuildPlan(base=Scratch(), config=config or ContainerConfig(), **fields)


def run_of(base: Image, config: ContainerConfig, **fields: Any) -> dict[str, Any]:
    image = assemble_image(base, [packed()], plan_of(config, **fields))
    return dict(image.config.run)


# Jib's dialect


GOLDEN = ContainerConfig(
    environment=(("B", "2"), ("A", "1")),
    labels=(("x", "y"),),
    ports=("8080/tcp",),
    working_directory="/w",
    entrypoint=("java", "-cp", "@/app/jib-classpath-file", "com.example.Main"),
)


@pytest.mark.parametrize(
    ("image_format", "digest"),
    [
        (
            ImageFormat.DOCKER,
            "sha256:65fe3389316eeec451dde3148488cc0f40f9147d70d0f09b283c61c4247eaa38",
        ),
        (
            ImageFormat.OCI,
            "sha256:de807bf0e56f6625f396896a5074958205a6b8a58735fbfdf5f9a29d7a3d5650",
        ),
    ],
)
def test_golden_image_of_jib(image_format: ImageFormat, digest: str) -> None:
    layer = packed(image_format=image_format)
    assert str(layer.diff_id) == (
        "sha256:b1d468800b0cc47ae0ec7cb98891452fba0cba86a18bd9e1b4f4b8bcef7a3367"
    )
    assert layer.blob.descriptor.size == 242
    image = assemble_image(
        empty_image(LINUX_AMD64, image_format),
        [layer],
        plan_of(GOLDEN, format=image_format, identity=JIB),
    )
    assert str(checked(image).image_id) == (
        "sha256:f537fa574f7686d3d39771b1b4baa637f024594479eb1309a30da9076e032c55"
    )
    assert str(image.digest) == digest


def test_jib_writes_its_own_members_in_its_own_order_and_no_other() -> None:
    config = ContainerConfig(
        environment=(("A", "1"), ("JAVA_HOME", "/java"), ("ZED", "2")),
        labels=(("maintainer", "me"),),
        ports=("1000/udp", "443/tcp"),
        volumes=("/data",),
        arguments=("serve",),
    )
    plan = plan_of(config, identity=JIB, created=Instant(1_500_000_000))
    image = checked(assemble_image(temurin_image(platform=LINUX_ARM64), [packed()], plan))
    diff_ids = [*temurin_image(platform=LINUX_ARM64).config.diff_ids, packed().diff_id]
    assert json.loads(image.config.data) == {
        "created": "1970-01-01T00:00:01.500Z",
        "architecture": "arm64",
        "os": "linux",
        "config": {
            "Env": [
                f"PATH={TEMURIN_RUN['Env'][0].partition('=')[2]}",
                "LANGUAGE=en_US:en",
                "A=1",
                "LC_ALL=en_US.UTF-8",
                "JAVA_HOME=/java",
                "ZED=2",
                "JAVA_VERSION=jdk-17.0.9+9",
                "LANG=en_US.UTF-8",
            ],
            "Entrypoint": ["/__cacert_entrypoint.sh"],
            "Cmd": ["serve"],
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30000000000},
            "ExposedPorts": {"1000/udp": {}, "443/tcp": {}, "8778/tcp": {}, "9000/tcp": {}},
            "Labels": {"maintainer": "me", "org.opencontainers.image.version": "22.04"},
            "WorkingDir": "",
            "User": "",
            "Volumes": {"/data": {}, "/var/log": {}},
        },
        "history": [
            {"created": "2023-10-16T22:22:12Z", "created_by": "ADD file:abc in / "},
            {"created": "2023-10-16T22:22:12Z", "created_by": "CMD bash", "empty_layer": True},
            {"created": "2023-11-03T01:02:03Z", "comment": "jdk", "empty_layer": False},
            {
                "created": "1970-01-01T00:00:01.500Z",
                "author": "Jib",
                "created_by": "jib-maven-plugin:3.5.2",
                "comment": "classes",
            },
        ],
        "rootfs": {"type": "layers", "diff_ids": [str(diff_id) for diff_id in diff_ids]},
    }
    assert list(image.config.document) == [
        *("created", "architecture", "os", "config", "history", "rootfs")
    ]
    assert list(image.config.run) == [
        *("Env", "Entrypoint", "Cmd", "Healthcheck", "ExposedPorts", "Labels", "WorkingDir"),
        *("User", "Volumes"),
    ]
    assert list(image.config.run["ExposedPorts"]) == ["1000/udp", "443/tcp", "8778/tcp", "9000/tcp"]


def test_jib_leaves_out_a_health_check_in_the_oci_format() -> None:
    run = run_of(temurin_image(), ContainerConfig(), identity=JIB, format=ImageFormat.OCI)
    assert "Healthcheck" not in run


def test_jib_writes_empty_members_of_scratch() -> None:
    image = assemble_image(empty_image(LINUX_AMD64, ImageFormat.DOCKER), [], plan_of(identity=JIB))
    assert checked(image).config.data.startswith(
        b'{"created":"1970-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":'
        b'{"Env":[],"ExposedPorts":{},"Labels":{},"Volumes":{}},"history":[],"rootfs":'
    )


def test_jib_fills_history_that_is_missing() -> None:
    base = image_of([random_tar(1), random_tar(2)], history=[{"created_by": "one"}])
    image = checked(assemble_image(base, [packed()], plan_of(identity=JIB)))
    assert list(image.config.history) == [
        {"created_by": "one"},
        {"created": "1970-01-01T00:00:00Z", "comment": "auto-generated by Jib"},
        {
            "created": "1970-01-01T00:00:00Z",
            "author": "Jib",
            "created_by": "jib-maven-plugin:3.5.2",
            "comment": "classes",
        },
    ]


@pytest.mark.parametrize(
    ("run", "place"),
    [
        ({"Env": ["NOVALUE"]}, "config.Env: 'NOVALUE'"),
        ({"Env": ["=x"]}, "config.Env: '=x'"),
        ({"Env": ["A=1\n2"]}, "config.Env: 'A=1\\n2'"),
        ({"ExposedPorts": {"80/sctp": {}}}, "config.ExposedPorts: '80/sctp'"),
        ({"Volumes": {"data": {}}}, "config.Volumes: 'data'"),
        ({"Labels": {"a": 1}}, "config.Labels: a value is not text"),
        ({"Cmd": "sh"}, "config.Cmd: not a list of texts"),
        ({"Volumes": ["/a"]}, "config.Volumes: not an object"),
        ({"User": 0}, "config.User: not text"),
    ],
)
def test_jib_refuses_what_it_cannot_read_in_a_base(run: dict[str, Any], place: str) -> None:
    with pytest.raises(ContentError) as caught:
        run_of(temurin_image(run=run), ContainerConfig(), identity=JIB)
    assert place in caught.value.message
    assert "base image scratch" in caught.value.message
    assert caught.value.hint


def test_jib_says_gzip_of_every_base_layer() -> None:
    base = temurin_image(compression=Compression.ZSTD, image_format=ImageFormat.OCI)
    image = assemble_image(base, [packed()], plan_of(identity=JIB))
    assert {layer.media_type for layer in image.manifest.layers} == {types.DOCKER_LAYER_GZIP}


def test_jib_lists_platforms_for_docker_only() -> None:
    bases = temurin_index().images
    plan = plan_of(identity=JIB)
    index = checked(assemble_index([assemble_image(base, [], plan) for base in bases], plan))
    assert [entry.to_json()["platform"] for entry in index.index.manifests] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux"},
    ]
    with pytest.raises(ConfigurationError, match="OCI image index"):
        assemble_index(index.images, replace(plan, format=ImageFormat.OCI))


# pyjib's own dialect


@pytest.mark.parametrize("image_format", ImageFormat)
@pytest.mark.parametrize("compression", Compression)
def test_base_layers_keep_bytes_and_compression_in_the_chosen_format(
    image_format: ImageFormat, compression: Compression
) -> None:
    base = temurin_image(compression=compression, image_format=ImageFormat.OCI)
    image = checked(assemble_image(base, [packed()], plan_of(format=image_format)))
    assert image.manifest.media_type == types.manifest_type(image_format)
    assert image.manifest.layers[0].media_type == types.layer_type(image_format, compression)
    assert [layer.digest for layer in image.manifest.layers[:2]] == [
        layer.digest for layer in base.manifest.layers
    ]


def test_everything_that_the_base_says_survives_in_its_place() -> None:
    base = temurin_image(platform=LINUX_ARM64)
    config = ContainerConfig(
        environment=(("NEW", "1"), ("LANG", "C")),
        labels=(("maintainer", "me"), ("z", "1"), ("a", "2")),
        ports=("8080/tcp",),
        user="1000",
    )
    image = checked(assemble_image(base, [packed()], plan_of(config)))
    document = image.config.document
    assert list(document) == list(base.config.document)
    assert document["variant"] == "v8"
    assert document["author"] == "Adoptium"
    assert document["os.version"] == "1.2.3"
    assert document["moby.buildkit.buildinfo.v1"] == "eyJ9"
    assert document["created"] == "1970-01-01T00:00:00Z"
    assert document["history"] == [
        *base.config.history,
        {"created": "1970-01-01T00:00:00Z", "created_by": "pyjib", "comment": "classes"},
    ]
    run = image.config.run
    assert list(run) == list(TEMURIN_RUN)
    assert run["StopSignal"] == "SIGTERM"
    assert run["Healthcheck"] == TEMURIN_RUN["Healthcheck"]
    expected = [item if not item.startswith("LANG=") else "LANG=C" for item in TEMURIN_RUN["Env"]]
    assert run["Env"] == [*expected, "NEW=1"]
    assert list(run["Labels"].items()) == [
        ("org.opencontainers.image.version", "22.04"),
        *(("maintainer", "me"), ("z", "1"), ("a", "2")),
    ]
    assert run["ExposedPorts"] == {"8080/tcp": {}, "8778/tcp": {}, "9000/tcp": {}}
    assert run["User"] == "1000"
    assert run["WorkingDir"] == ""


@pytest.mark.parametrize("identity", [JIB, Identity(tool="pyjib")])
@pytest.mark.parametrize(
    ("entrypoint", "arguments", "expected"),
    [
        (None, None, (["/__cacert_entrypoint.sh"], ["jshell"])),
        (("java",), None, (["java"], None)),
        (None, ("x",), (["/__cacert_entrypoint.sh"], ["x"])),
        (("java",), ("x",), (["java"], ["x"])),
    ],
)
def test_arguments_are_inherited_only_with_the_entrypoint(
    identity: Identity,
    entrypoint: tuple[str, ...] | None,
    arguments: tuple[str, ...] | None,
    expected: tuple[list[str], list[str] | None],
) -> None:
    config = ContainerConfig(entrypoint=entrypoint, arguments=arguments)
    run = run_of(temurin_image(), config, identity=identity)
    assert (run.get("Entrypoint"), run.get("Cmd")) == expected


def test_odd_bases_are_taken_as_they_are() -> None:
    odd = {"Env": ["NOVALUE", "A=1", "A=2", "B=x\ny"], "ExposedPorts": {"80/sctp": {}, "81": {}}}
    base = image_of([random_tar(1)], run=odd, history=None)
    run = run_of(base, ContainerConfig(environment=(("A", "3"),)))
    assert run["Env"] == ["NOVALUE", "A=3", "B=x\ny"]
    assert run["ExposedPorts"] == {"80/sctp": {}, "81/tcp": {}}


@pytest.mark.parametrize(
    ("history", "told"),
    [
        (None, [False, False]),
        ([], [False, False]),
        ([{"empty_layer": True}, {}], [True, False, False]),
        ([{}, {}, {}], [False, False, True]),
    ],
)
def test_history_counts_the_base_s_layers_whatever_the_base_says(
    history: list[dict[str, Any]] | None, told: list[bool]
) -> None:
    base = image_of([random_tar(1), random_tar(2)], history=history)
    image = checked(assemble_image(base, [packed()], plan_of()))
    assert [bool(entry.get("empty_layer")) for entry in image.config.history] == [*told, False]


def test_a_base_whose_layers_and_diff_ids_differ_is_named() -> None:
    base = temurin_image()
    broken = replace(base, layers=base.layers[:1])
    with pytest.raises(ContentError) as caught:
        assemble_image(broken, [], plan_of())
    assert "lists 1 layers" in caught.value.message
    assert "2 diff ids" in caught.value.message
    assert str(base.digest) in caught.value.message


def test_annotations_of_base_layers_survive_where_the_format_has_them() -> None:
    base = temurin_image(image_format=ImageFormat.OCI)
    layer = base.layers[0]
    annotated = replace(layer, descriptor=replace(layer.descriptor, annotations={"toc": "x"}))
    base = replace(base, layers=(annotated, *base.layers[1:]))
    for image_format, expected in ((ImageFormat.OCI, {"toc": "x"}), (ImageFormat.DOCKER, {})):
        image = checked(assemble_image(base, [], plan_of(format=image_format)))
        assert dict(image.manifest.layers[0].annotations) == expected


def test_foreign_layers_of_a_base_stay_so_but_for_jib() -> None:
    """Jib knows neither such layers nor what else a descriptor may say."""
    base = temurin_image(image_format=ImageFormat.OCI)
    layer, plain = base.layers[0], types.layer_type(ImageFormat.OCI, Compression.GZIP)
    told = {"urls": ("https://files.example/layer",), "annotations": {"toc": "x"}}
    foreign = types.layer_type(ImageFormat.OCI, Compression.GZIP, foreign=True)
    for stated, identity, expected in (
        (foreign, plan_of().identity, (foreign, told["urls"], told["annotations"])),
        (foreign, JIB, (plain, (), {})),
        (plain, plan_of().identity, (plain, (), told["annotations"])),
        (plain, JIB, (plain, (), {})),
    ):
        odd = replace(layer, descriptor=replace(layer.descriptor, media_type=stated, **told))
        odd_base = replace(base, layers=(odd, *base.layers[1:]))
        plan = plan_of(format=ImageFormat.OCI, identity=identity)
        found = assemble_image(odd_base, [], plan).manifest.layers[0]
        assert (found.media_type, found.urls, dict(found.annotations)) == expected


@pytest.mark.parametrize("image_format", ImageFormat)
def test_an_index_lists_images_with_their_platforms(image_format: ImageFormat) -> None:
    plan = plan_of(format=image_format)
    images = [assemble_image(base, [packed()], plan) for base in temurin_index().images]
    index = checked(assemble_index(images, plan))
    assert index.index.media_type == types.index_type(image_format)
    assert [entry.platform for entry in index.index.manifests] == [LINUX_AMD64, LINUX_ARM64]


@pytest.mark.parametrize("image_format", ImageFormat)
def test_scratch_is_a_valid_image_that_says_its_platform(image_format: ImageFormat) -> None:
    image = checked(empty_image(LINUX_ARM64, image_format))
    assert image.platform == LINUX_ARM64
    assert checked(assemble_image(image, [packed()], plan_of())).platform == LINUX_ARM64


NAMES = st.text("ABCDEF_", min_size=1, max_size=3)
VALUES = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\x85\u2028\u2029"), max_size=5
)


@pytest.mark.parametrize("identity", [JIB, Identity(tool="pyjib")])
@given(
    base=st.dictionaries(NAMES, VALUES, max_size=20),
    ours=st.dictionaries(NAMES, VALUES, max_size=20),
)
def test_variables_are_those_of_the_base_overlaid_by_ours(
    identity: Identity, base: dict[str, str], ours: dict[str, str]
) -> None:
    image = image_of([tar_of({"a": b""})], run={"Env": [f"{k}={v}" for k, v in base.items()]})
    config = ContainerConfig(environment=tuple(ours.items()))
    result = assemble_image(image, [], plan_of(config, identity=identity))
    assert result.config.environment == {**base, **ours}


def test_jibs_dialect_says_what_layers_of_ours_are() -> None:
    """Jib has no zstd: what it says of every base layer must not be said of our own."""
    layer = packed(image_format=ImageFormat.OCI, compression=Compression.ZSTD)
    plan = plan_of(identity=JIB, format=ImageFormat.OCI)
    made = checked(assemble_image(temurin_image(), [layer], plan))
    assert made.layers[-1].descriptor.media_type == types.OCI_LAYER_ZSTD
