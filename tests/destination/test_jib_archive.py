from __future__ import annotations

import io
import json
import tarfile

import pytest

from pyjib.destination.jib_archive import jib_archive_chunks
from pyjib.image.assemble import assemble_image, empty_image
from pyjib.layer.compress import compressor
from pyjib.layer.model import Layer
from pyjib.layer.tar import write_tar
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest
from pyjib.oci.identity import Identity
from pyjib.oci.image import Image
from pyjib.oci.location import Scratch
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import LINUX_AMD64
from pyjib.oci.reference import Reference
from pyjib.plan.model import BuildPlan, ContainerConfig, LayerEntry, LayerPlan
from pyjib.project.model import InlineFile
from tests.support.images import checked


def golden_image(image_format: ImageFormat, layers: int = 1) -> Image:
    """Return the image whose archives were made by Jib itself."""
    plan = LayerPlan.of(
        "classes", [LayerEntry(target="/app/foo.txt", source=InlineFile(b"hello\n"))]
    )
    tar = io.BytesIO()
    write_tar(plan.entries, tar, time_records=True, check=lambda: None)
    method = compressor(Compression.GZIP, None, 0xFF)
    data = method.compress(tar.getvalue()) + method.flush()
    layer = Layer(
        name="classes",
        blob=Blob.of_bytes(data, types.layer_type(image_format, Compression.GZIP)),
        diff_id=Digest.of(tar.getvalue()),
    )
    config = ContainerConfig(
        environment=(("B", "2"), ("A", "1")),
        labels=(("x", "y"),),
        ports=("8080/tcp",),
        working_directory="/w",
        entrypoint=("java", "-cp", "@/app/jib-classpath-file", "com.example.Main"),
    )
    build_plan = BuildPlan(
        base=Scratch(), config=config, format=image_format, identity=Identity.of_jib("3.5.2")
    )
    base = empty_image(LINUX_AMD64, image_format)
    return checked(assemble_image(base, [layer] * layers, build_plan))


def archive(image: Image, image_format: ImageFormat, *names: str) -> bytes:
    references = [Reference.parse(name) for name in names]
    return b"".join(jib_archive_chunks(image, references, image_format))


@pytest.mark.parametrize(
    ("image_format", "size", "digest"),
    [
        (
            ImageFormat.DOCKER,
            4096,
            "sha256:71398593c5ef88dd53571dbeb5be66aef6116a2e84fa9644ecbdd3face566f6a",
        ),
        (
            ImageFormat.OCI,
            6144,
            "sha256:3ecd6be8687c694fdfb895e5e7df56cbd69996217cbe014ff8f5c3754dce4ed6",
        ),
    ],
)
def test_golden_archives_of_jib(image_format: ImageFormat, size: int, digest: str) -> None:
    data = archive(golden_image(image_format), image_format, "example/app:1")
    assert len(data) == size
    assert str(Digest.of(data)) == digest


def test_docker_s_form_lists_all_names_as_jib_prints_them() -> None:
    data = archive(
        golden_image(ImageFormat.DOCKER, layers=2),
        ImageFormat.DOCKER,
        "library/app",
        "app:b",
        "localhost:5000/app:1",
    )
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert len(tar.getnames()) == 3
        content = tar.extractfile("manifest.json")
        assert content is not None
        (listed,) = json.load(content)
    assert listed["RepoTags"] == ["app:latest", "app:b", "localhost:5000/app:1"]
    assert len(listed["Layers"]) == 2


def test_oci_s_form_records_the_first_name_only() -> None:
    data = archive(golden_image(ImageFormat.OCI), ImageFormat.OCI, "me/app:1", "me/app:2")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        content = tar.extractfile("index.json")
        assert content is not None
        (entry,) = json.load(content)["manifests"]
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "me/app:1"}
