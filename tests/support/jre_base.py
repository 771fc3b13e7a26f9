"""A base image with a real JRE in it, made of this machine's JDK, by pyjib's own means.

It stands in for ``eclipse-temurin:17-jre`` where a test runs what was built: the JRE lies at the
same place, and ``JAVA_HOME``, ``JAVA_VERSION`` and ``PATH`` say the same. Beside it there are the
shared libraries that it needs, a shell and a ``wget`` (BusyBox), ``/etc/passwd`` and ``/tmp``.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyjib.destination.layout import LayoutDestination
from pyjib.image.assemble import assemble_image, empty_image
from pyjib.layer.pack import pack_layers
from pyjib.oci.image import Image
from pyjib.oci.location import Scratch
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import LINUX_AMD64, Platform
from pyjib.plan.model import BuildPlan, ContainerConfig, LayerEntry, LayerPlan, LayerRecipe
from pyjib.project.model import DiskFile, InlineFile
from pyjib.store.store import Store
from tests.support.images import checked
from tests.support.peers import attempt, require, run

JAVA_HOME = "/opt/java/openjdk"
MODULES = (
    "java.se,java.instrument,jdk.crypto.ec,jdk.httpserver,jdk.management,jdk.net,"
    "jdk.unsupported,jdk.zipfs"
)
"""What applications on a server ask for; a JRE of all modules would be thrice as large."""

_WINDOWS = {"libawt_xawt.so", "libjawt.so", "libjsound.so", "libsplashscreen.so"}
"""Of use with a screen or loudspeakers only, and with half a desktop in tow."""

_UNSEEN = ("libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2", "libdl.so.2", "libm.so.6")
"""Opened by name while running, so that no program lists them."""

_FILES = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "/etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "/etc/os-release": 'ID=pyjib-test\nNAME="JRE for the tests of pyjib"\n',
}
_LIBRARY = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class JreBase:
    """The image, and an OCI layout that holds it under the tag ``latest``."""

    image: Image
    layout: Path
    java_version: str


@pytest.fixture(scope="session")
def jre_base(tmp_path_factory: pytest.TempPathFactory) -> JreBase:
    """The base image, made once in a run. Needs ``jlink`` and ``busybox``."""
    return make_jre_base(tmp_path_factory.mktemp("jre-base"))


def make_jre_base(directory: Path) -> JreBase:
    """Make the base image below a directory, which is to stay as long as the image is used."""
    layers = jre_base_layers(directory)
    java_version = _java_version(directory / "jre")
    plan = BuildPlan(
        base=Scratch(),
        platforms=(_platform(),),
        layers=layers,
        config=ContainerConfig(
            environment=(
                ("PATH", f"{JAVA_HOME}/bin:/usr/local/sbin:/usr/local/bin:/usr/bin:/sbin:/bin"),
                ("JAVA_HOME", JAVA_HOME),
                ("JAVA_VERSION", f"jdk-{java_version}"),
                ("LANG", "C.UTF-8"),
            ),
            arguments=("java", "-version"),
        ),
        format=ImageFormat.OCI,  # skopeo finds no Docker manifests in a layout
        recipe=LayerRecipe(level=1),
    )
    packed = pack_layers(
        layers,
        plan.recipe,
        image_format=plan.format,
        store=Store(directory / "store"),
    )
    image = assemble_image(empty_image(plan.platforms[0], plan.format), packed, plan)
    LayoutDestination(path=directory / "layout").write(checked(image))
    return JreBase(image=image, layout=directory / "layout", java_version=java_version)


def jre_base_layers(directory: Path) -> tuple[LayerPlan, ...]:
    """Make a JRE in ``directory / "jre"`` and plan two layers: the system's files and the JRE."""
    jre = directory / "jre"
    run(
        "jlink",
        *("--add-modules", MODULES, "--output", jre),
        *("--strip-debug", "--no-man-pages", "--no-header-files"),
    )
    shutil.rmtree(jre / "legal")
    for name in _WINDOWS:
        (jre / "lib" / name).unlink(missing_ok=True)
    return (
        LayerPlan.of("system", [*_system(), *_libraries(jre)]),
        LayerPlan.of("jre", _tree(jre, JAVA_HOME)),
    )


def _system() -> Iterator[LayerEntry]:
    yield LayerEntry(target="/tmp", mode=0o1777)
    yield LayerEntry(target="/root", mode=0o700)
    for target, text in _FILES.items():
        yield LayerEntry(target=target, source=InlineFile(text.encode()))
    busybox = DiskFile(require("busybox"))
    # Whole copies: layers of pyjib's hold no links. The shell has all the other applets in it.
    for target in ("/bin/busybox", "/bin/sh", "/usr/bin/wget"):
        yield LayerEntry(target=target, source=busybox, mode=0o755)


def _libraries(jre: Path) -> Iterator[LayerEntry]:
    programs = [jre / "bin" / "java", *sorted(jre.rglob("*.so"))]
    for path in _needed(programs):
        # At the place where the loader looks for it, with the content that a link leads to.
        source = DiskFile(path.resolve())
        yield LayerEntry(target=str(path), source=source, mode=0o755)


def _needed(programs: Sequence[Path]) -> list[Path]:
    """Return the system's libraries that programs need, by ``ldd``, and those it cannot know."""
    listed = attempt("ldd", *programs).stdout
    found = {Path(match) for match in _LIBRARY.findall(listed)}
    libc = next(path for path in found if path.name == "libc.so.6")
    found |= {path for name in _UNSEEN if (path := libc.with_name(name)).exists()}
    jre = programs[0].parent.parent
    return sorted(path for path in found if not path.is_relative_to(jre))


def _tree(root: Path, target: str) -> Iterator[LayerEntry]:
    for path in sorted(root.rglob("*")):
        place = f"{target}/{path.relative_to(root).as_posix()}"
        if path.is_dir():
            yield LayerEntry(target=place, mode=0o755)
        else:
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            yield LayerEntry(target=place, source=DiskFile(path), mode=mode)


def _java_version(jre: Path) -> str:
    release = (jre / "release").read_text(encoding="utf-8")
    match = re.search(r'^JAVA_VERSION="([^"]+)"', release, re.MULTILINE)
    assert match is not None, release
    return match[1]


def _platform() -> Platform:
    machine = run("uname", "-m").strip()
    return LINUX_AMD64 if machine == "x86_64" else Platform.parse(f"linux/{machine}")
