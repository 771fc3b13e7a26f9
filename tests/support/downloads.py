"""Asks the package registries that peers download from while the tests run: Go's and Maven's.

``python -m tests.support.downloads`` fetches the Go modules and asks Maven for one small file.
A peer whose registry does not answer is told in capitals and written, a name a line, to the file
that ``PYJIB_UNREACHABLE_FILE`` names; that is no error. A registry that answers no is one.

What an earlier run left of Maven's files in halves is removed before.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.support.go_modules import PROGRAMS, Answer, fetch, patience

# The smallest thing to build: all that Maven must fetch for it is the parent.
_POM = """<project>
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>org.apache</groupId>
    <artifactId>apache</artifactId>
    <version>23</version>
    <relativePath/>
  </parent>
  <artifactId>probe</artifactId>
  <packaging>pom</packaging>
</project>
"""
_MAVENS_NO = re.compile(r"Could not find artifact|[Ss]tatus( code)?:? 4\d\d|Checksum")
_MAVENS_SILENCE = re.compile(
    r"[Cc]onnection (refused|reset|timed out)|[Tt]imed out|Unknown host|[Ss]tatus( code)?:? 5\d\d"
    r"|Name or service not known|name resolution|[Nn]etwork is unreachable|No route to host"
    r"|failed to respond|Premature end|handshake|Unexpected end of file"
)


_WORDS = {
    Answer.YES: "is there",
    Answer.NO: "the package registry says no",
    Answer.SILENCE: "NO PACKAGE REGISTRY ANSWERS",
    Answer.OLD_GO: "NEEDS A NEWER GO",
}


class Findings:
    """What was found, told as it is found.

    ``without`` has the names of peers to go on without, ``refused`` reasons not to go on.
    """

    def __init__(self) -> None:
        self.without: list[str] = []
        self.refused: list[str] = []

    def note(self, name: str, answer: Answer, said: str) -> None:
        """Note what a registry said to what a peer needs."""
        if answer is Answer.YES:
            _say(f"{name}: {_WORDS[answer]}")
        elif answer is Answer.NO:
            self.refused.append(f"{name}: {_WORDS[answer]}:\n{said}")
        else:
            self.without.append(name)
            words = f"{_WORDS[answer]}: GOING ON WITHOUT {name.upper()}"
            _say(f"{said.strip()}\n{words}")


def ask_go(findings: Findings, directory: Path) -> None:
    """Fetch the modules of all programs; after one without an answer take what Go has got."""
    answers = True
    for program in PROGRAMS:
        answer, said = fetch(program, directory / program.name, ask=answers)
        answers = answers and answer is not Answer.SILENCE
        findings.note(program.name, answer, said)


def ask_maven(findings: Findings, directory: Path) -> None:
    """Have Maven fetch one file into an empty repository, two times if need be."""
    (directory / "pom.xml").write_text(_POM)
    options = ["--batch-mode", "-f", str(directory / "pom.xml")]
    for place in range(2):
        local = f"-Dmaven.repo.local={directory / f'repository-{place}'}"
        answer, said = _maven(*options, local, "validate")
        if answer is not Answer.SILENCE:
            break
    findings.note("mvn", answer, said)


def mend_repository(repository: Path) -> list[str]:
    """Remove what is not whole from a local repository of Maven, which would go on using it.

    Whole is what has the digest that came with it. Removed is also what Maven noted not to ask
    for again today: the registry may have had a bad minute. Returns the names of broken files.
    """
    broken = []
    for noted in repository.rglob("*.sha1"):
        file = noted.with_suffix("")
        with suppress(OSError):  # another run does the same
            digest = noted.read_text(errors="replace")[:40].lower()
            if re.fullmatch("[0-9a-f]{40}", digest) and digest != _sha1(file):
                broken.append(file.name)
                file.unlink()
                noted.unlink()
    for note in repository.rglob("*.lastUpdated"):
        note.unlink(missing_ok=True)
    return broken


def _sha1(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


def _maven(*arguments: str) -> tuple[Answer, str]:
    try:
        done = subprocess.run(
            ["mvn", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=patience(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer.SILENCE, f"Maven took more than {patience():g} seconds"
    said = done.stdout.decode(errors="replace")
    short = re.sub(r"[a-z+]+://\S+|Connect to \S+", "(address)", said)[-1000:]
    if done.returncode == 0:
        return Answer.YES, short
    silent = _MAVENS_SILENCE.search(said) and not _MAVENS_NO.search(said)
    return (Answer.SILENCE if silent else Answer.NO), short


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Ask; return the exit code."""
    findings = Findings()
    for name in mend_repository(Path.home() / ".m2" / "repository"):
        _say(f"{name} of Maven's was not whole: removed")
    with tempfile.TemporaryDirectory() as name:
        for program, ask in (("go", ask_go), ("mvn", ask_maven)):
            if shutil.which(program) is None:
                _say(f"{program} is not installed: nothing to ask for it")
                continue
            directory = Path(name) / program
            directory.mkdir()
            ask(findings, directory)
    for reason in findings.refused:
        sys.stderr.write(f"{reason}\n")
    if findings.without and (listed := os.environ.get("PYJIB_UNREACHABLE_FILE")):
        with Path(listed).open("a", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in findings.without)
    return 1 if findings.refused else 0


if __name__ == "__main__":
    sys.exit(main())
