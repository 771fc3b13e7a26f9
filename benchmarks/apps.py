"""The applications that are built, compiled once by Maven or made of noise.

=====  =====================================================================================
S      fixtures/docker-hello-spring: Spring Boot, about 40 libraries, 20 MB
M      benchmarks/apps/medium: Spring Boot, 83 libraries, 62 MB
L      one project with 20 libraries of 30 MiB each
N      8,000 small classes and no library
D      M as a directory without a POM, whose libraries can be changed
=====  =====================================================================================

Each lies in a directory with ``target/classes``; the libraries of S and M are in Maven's local
repository and, for tools that copy, in ``target/dependency``.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MIB = 1 << 20
_NOISE = 30 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A compiled application; ``has_pom`` tells that Maven can build its image too."""

    name: str
    root: Path
    main_class: str
    has_pom: bool

    @property
    def classes(self) -> Path:
        """The compiled classes."""
        return self.root / "target" / "classes"

    @property
    def libraries(self) -> Path:
        """The libraries, copied."""
        return self.root / "target" / "dependency"

    def change_a_class(self, number: int) -> None:
        """Make one small class file another one."""
        victim = min(self.classes.rglob("*.class"))
        data = victim.read_bytes()
        mark = data.rfind(b"PYJIB-BENCH")
        victim.write_bytes(data[: mark if mark >= 0 else None] + b"PYJIB-BENCH%06d" % number)

    def change_a_library(self, number: int) -> None:
        """Make the largest of the copied libraries another file of the same size."""
        victim = max(self.libraries.glob("*.jar"), key=lambda jar: (jar.stat().st_size, jar))
        with zipfile.ZipFile(victim, "a") as archive:
            archive.comment = b"%06d" % number


def make_apps(scratch: Path, names: str) -> dict[str, App]:
    """Make the applications named by letters below ``scratch``."""
    makers = {"S": _small, "M": _medium, "L": _large, "N": _numerous, "D": _directory}
    return {name: makers[name](scratch / name.lower()) for name in names}


def _small(root: Path) -> App:
    _compile(ROOT / "fixtures" / "docker-hello-spring", root)
    return App(name="S", root=root, main_class=_main_class(root), has_pom=True)


def _medium(root: Path) -> App:
    _compile(ROOT / "benchmarks" / "apps" / "medium", root)
    return App(name="M", root=root, main_class="bench.Main", has_pom=True)


def _directory(root: Path) -> App:
    if not (root.parent / "m").is_dir():
        _medium(root.parent / "m")
    shutil.copytree(root.parent / "m" / "target", root / "target")
    return App(name="D", root=root, main_class="bench.Main", has_pom=False)


def _main_class(root: Path) -> str:
    found = next((root / "src" / "main" / "java").rglob("*Application.java"), None)
    source = found or next((root / "src" / "main" / "java").rglob("*.java"))
    relative = source.relative_to(root / "src" / "main" / "java").with_suffix("")
    return ".".join(relative.parts)


def _compile(project: Path, root: Path) -> None:
    shutil.copytree(project, root, ignore=shutil.ignore_patterns("target"))
    pom = root / "pom.xml"
    pom.write_text(pom.read_text().replace("<version>3.3.2</version>", "<version>3.5.2</version>"))
    _maven(root, "compile", "dependency:copy-dependencies", "-DincludeScope=runtime")


def _maven(root: Path, *words: str) -> None:
    """Run Maven, which downloads what it lacks; more than once if the download breaks."""
    command = ["mvn", "-q", "-B", *words]
    for _ in range(3):
        if (
            subprocess.run(command, cwd=root, check=False, stdout=subprocess.DEVNULL).returncode
            == 0
        ):
            return
    raise SystemExit(f"$ {' '.join(command)} failed in {root}")


def _large(root: Path) -> App:
    _copy_classes(root)
    noise = random.Random(7)
    for place in range(20):
        path = root / "target" / "dependency" / f"library-{place:02}.jar"
        with zipfile.ZipFile(path, "w") as archive:
            member = zipfile.ZipInfo("data.bin", (1980, 1, 1, 0, 0, 0))
            with archive.open(member, "w", force_zip64=True) as out:
                for _ in range(_NOISE // MIB):
                    out.write(noise.randbytes(MIB * 9 // 10) + bytes(MIB // 10))
    return App(name="L", root=root, main_class="hello.Main", has_pom=False)


def _numerous(root: Path) -> App:
    _copy_classes(root)
    noise = random.Random(11)
    seed = min((root / "target" / "classes").rglob("*.class")).read_bytes()
    seed = seed.replace(b"\x01\0\x04main", b"\x01\0\x04work")  # most classes start nothing
    for place in range(8000):
        path = root / "target" / "classes" / f"p{place % 80}" / f"C{place}.class"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(seed + noise.randbytes(300))
    return App(name="N", root=root, main_class="hello.Main", has_pom=False)


def _copy_classes(root: Path) -> None:
    source = ROOT / "fixtures" / "docker-hello" / "target" / "classes"
    shutil.copytree(source, root / "target" / "classes")
    (root / "target" / "dependency").mkdir()
