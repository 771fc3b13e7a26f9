"""The main job on what the repository holds: see ``scripts/demo``."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyjib
from pyjib.serve import RegistryServer

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "fixtures" / "docker-hello"
BASE = ROOT / "fixtures" / "base-image"


def main() -> None:
    """Seed a registry with the fixture base, build, push, pull back, validate, and tell."""
    argparse.ArgumentParser(description=main.__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="pyjib-demo-") as scratch:
        # A home and a cache of its own: the demo neither uses nor changes the user's.
        environment = {
            **os.environ,
            "HOME": scratch,
            "PYJIB_CACHE": str(Path(scratch, "cache")),
            "PYTHONUNBUFFERED": "1",
        }
        root = Path(scratch, "registry")
        shutil.copytree(BASE, root / "library" / "eclipse-temurin")
        with RegistryServer(root) as server:
            demo(server.address, environment, Path(scratch))


def demo(registry: str, environment: dict[str, str], scratch: Path) -> None:
    """Run the commands that a user would, against ``registry``."""
    base = f"{registry}/library/eclipse-temurin:17-jre"
    target = f"{registry}/objectworld/docker-hello"

    heading("1. A registry with a base image")
    run(environment, "inspect", base)

    heading("2. Build fixtures/docker-hello and push it")
    build = ["build", str(APP), "--from", base, "--to", target, "--tag", "1.0.0"]
    seconds, pushed = run(environment, *build)

    heading("3. Again, with nothing changed")
    again, unchanged = run(environment, *build)
    check(unchanged == pushed, "the second build gave another digest")

    heading("4. Pull it back and validate every byte")
    options = pyjib.BuildOptions(cache=scratch / "other-cache")
    with pyjib.pull(pyjib.parse_location(pushed), options=options) as pulled:
        for image in pulled.images:
            pyjib.validate(image)
            report(image)
    print(f"\nbuild and push {seconds:.2f} s, with nothing changed {again:.2f} s,")
    print("the start of the interpreter included")


def run(environment: dict[str, str], *arguments: str) -> tuple[float, str]:
    """Run ``pyjib`` and return the seconds it took and what it printed on stdout."""
    print("$ pyjib " + " ".join(arguments), flush=True)
    start = time.perf_counter()
    done = subprocess.run(  # noqa: S603  our own program, our own arguments
        [sys.executable, "-m", "pyjib", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    check(done.returncode == 0, f"pyjib {arguments[0]} failed with {done.returncode}")
    print(done.stdout, end="", flush=True)
    return time.perf_counter() - start, done.stdout.strip()


def heading(text: str) -> None:
    """Print a heading."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def check(condition: object, message: str) -> None:
    """Give up with a message unless the condition holds."""
    if not condition:
        sys.exit(f"demo: {message}")


def report(image: pyjib.Image) -> None:
    """Print what was made."""
    print(f"{image.platform}  manifest {image.digest}  image ID {image.image_id}")
    for layer, diff_id in zip(image.layers, image.config.diff_ids, strict=True):
        size = layer.descriptor.size
        print(f"  {layer.descriptor.digest}  {size:>9,} bytes  diff id {diff_id.short}")


if __name__ == "__main__":
    main()
