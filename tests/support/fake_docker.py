"""A program with some of the commands of ``docker``, written to disk: for ``ProgramEngine``.

It keeps what it loads in a directory, and a journal of the commands that it was given.
"""

from __future__ import annotations

import sys
from pathlib import Path

_PROGRAM = """#!{python}
import hashlib, json, os, pathlib, sys, tarfile

here = pathlib.Path({state!r})
verb, arguments = sys.argv[1], sys.argv[2:]
with (here / "journal").open("a") as journal:
    journal.write(" ".join(sys.argv[1:]) + "\\n")
(here / "seen").write_text(os.environ.get("SEEN", ""))
names = here / "names.json"
known = json.loads(names.read_text()) if names.exists() else {{}}
if verb == os.environ.get("FAIL"):
    sys.exit("out of order")
if verb == "info":
    print(json.dumps({info!r}))
elif verb == "inspect":
    image = known.get(arguments[-1])
    if image is None:
        sys.exit("Error: No such image: " + arguments[-1])
    print(json.dumps({{"Id": image}}))
elif verb == "load":
    archive = here / "loaded.tar"
    with archive.open("wb") as file:
        while chunk := sys.stdin.buffer.read(65536):
            file.write(chunk)
    with tarfile.open(archive) as tar:
        (entry,) = json.load(tar.extractfile("manifest.json"))
        config = tar.extractfile(entry["Config"]).read()
    image = "sha256:" + hashlib.sha256(config).hexdigest()
    for name in entry["RepoTags"]:
        known[name] = image
        print("Loaded image:", name)
    known[image] = image
    names.write_text(json.dumps(known))
elif verb == "tag":
    known[arguments[1]] = known[arguments[0]]
    names.write_text(json.dumps(known))
elif verb == "save":
    sys.stdout.buffer.write((here / "loaded.tar").read_bytes())
"""

DOCKER_INFO = {"OSType": "linux", "Architecture": "x86_64"}
PODMAN_INFO = {"host": {"os": "linux", "arch": "amd64"}}


def write_program(directory: Path, info: object = DOCKER_INFO) -> Path:
    """Write the program; its state lies beside it."""
    path = directory / "my-docker"
    text = _PROGRAM.format(python=sys.executable, state=str(directory), info=info)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def journal(program: Path) -> list[str]:
    """Return the commands that were given so far."""
    file = program.with_name("journal")
    return file.read_text().splitlines() if file.exists() else []
