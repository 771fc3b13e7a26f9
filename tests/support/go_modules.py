"""The Go modules of peers, at pinned versions, and what the module proxy says to them.

What has been fetched stays in Go's own caches, and is not asked for again. A proxy that says no
is one thing, one that does not answer another: ``fetch`` tells them apart.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

TRIES = 4


def patience() -> float:
    """Return how many seconds a package registry may take for what one program needs.

    What has come by then is kept, so a slow one gets further with every try.
    """
    return float(os.environ.get("PYJIB_PATIENCE") or 60)


class Answer(Enum):
    """What came of fetching a program."""

    YES = auto()
    NO = auto()
    SILENCE = auto()
    """Nothing, or that it cannot answer now."""
    OLD_GO = auto()
    """There is no need to ask: the program needs a Go that is newer than what is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoProgram:
    """A program of a module; ``package`` is its path within that, empty for its root.

    With ``main``, the text of a Go program, that is built instead, of the module's packages.
    """

    name: str
    module: str
    version: str
    package: str = ""
    main: str = ""

    def __str__(self) -> str:
        return f"{self.target if not self.main else self.module}@{self.version}"

    @property
    def target(self) -> str:
        """What Go is told to build."""
        return "." if self.main else f"{self.module}/{self.package}".rstrip("/")

    def write(self, directory: Path) -> None:
        """Make ``directory`` a module that has this one as its only requirement.

        A requirement is fetched and nothing else is asked: ``go get PACKAGE`` and
        ``go install PACKAGE`` ask the proxy of every prefix of the path besides.
        """
        directory.mkdir(exist_ok=True)
        requirement = f"require {self.module} {self.version}"
        (directory / "go.mod").write_text(f"module tools\n\ngo 1.18\n\n{requirement}\n")
        if self.main:
            (directory / "main.go").write_text(self.main)


# Distribution's own program, less the storage drivers of three clouds: those take longer to
# compile than all the rest.
_DISTRIBUTION = """package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	if registry.RootCmd.Execute() != nil {
		os.Exit(1)
	}
}
"""

# The registry of CUE comes as a library.
_OCIREGISTRY = """package main

import (
	"log"
	"net/http"
	"os"

	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
)

func main() {
	registry := ociserver.New(ocimem.New(), nil)
	address, pair := os.Args[1], os.Args[2:]
	if len(pair) == 2 {
		log.Fatal(http.ListenAndServeTLS(address, pair[0], pair[1], registry))
	}
	log.Fatal(http.ListenAndServe(address, registry))
}
"""

DISTRIBUTION = GoProgram(
    name="distribution",
    module="github.com/distribution/distribution/v3",
    version="v3.1.2",
    main=_DISTRIBUTION,
)
OLAREG = GoProgram(
    name="olareg",
    module="github.com/olareg/olareg",
    version="v0.1.2",
    package="cmd/olareg",
)
CRANE = GoProgram(
    name="crane",
    module="github.com/google/go-containerregistry",
    version="v0.22.1",
    package="cmd/crane",
)
OCIREGISTRY = GoProgram(
    name="ociregistry",
    module="cuelabs.dev/go/oci/ociregistry",
    version="v0.0.0-20251212221603-3adeb8663819",
    main=_OCIREGISTRY,
)
CONFORMANCE = GoProgram(
    name="conformance",
    module="github.com/opencontainers/distribution-spec/conformance",
    version="v0.0.0-20260831232431-97274622c111",
)
PROGRAMS = (DISTRIBUTION, OLAREG, CRANE, OCIREGISTRY, CONFORMANCE)

_ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "GOWORK": "off"}
_STATUS = re.compile(r"reading \S+: (\d{3}) ")
_OLD_GO = re.compile(r"requires go ?>= |invalid go version|is not in (std|GOROOT)")
_SILENCE = re.compile(
    r"connection (refused|reset|timed out)|i/o timeout|Client\.Timeout|context deadline exceeded"
    r"|TLS handshake timeout|no such host|server misbehaving|Temporary failure in name resolution"
    r"|network is unreachable|no route to host|\bEOF\b|unexpected EOF"
)


def go(
    directory: Path, *arguments: str | Path, timeout: float, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run Go's own tools, which must be installed, in a module's directory.

    What takes longer than ``timeout`` seconds has failed, and says so.
    """
    try:
        done = subprocess.run(
            ["go", *map(str, arguments)],
            cwd=directory,
            env={**os.environ, **_ENVIRONMENT, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = f"it took more than {timeout:g} seconds"
        return subprocess.CompletedProcess(error.cmd, 124, "", said)
    texts = [text.decode(errors="replace") for text in (done.stdout, done.stderr)]
    return subprocess.CompletedProcess(done.args, done.returncode, *texts)


def tail(said: str) -> str:
    """Return the end of what Go says, without the addresses of machines."""
    return re.sub(r"[a-z+]+://[^\s\"]+|(lookup|dial tcp) [^\s:]\S*", "(address)", said)[-1000:]


def fetch(program: GoProgram, directory: Path, *, ask: bool = True) -> tuple[Answer, str]:
    """Fetch all that a program is built of; return what came of it, and what Go said.

    ``directory`` becomes the program's module. Where the proxy does not answer it is tried
    ``TRIES`` times. Without ``ask`` the proxy is left alone: what Go has not got is ``SILENCE``.
    """
    program.write(directory)
    variables = _only_proxies(directory) if ask else {"GOPROXY": "off"}
    answer, said = Answer.SILENCE, ""
    for place in range(TRIES if ask else 1):
        done = go(directory, "list", "-deps", program.target, timeout=patience(), **variables)
        answer, said = classify(done), done.stderr
        if answer is not Answer.SILENCE:
            break
        if ask:
            time.sleep(min(2.0 * place, patience()))
    return answer, tail(said)


def classify(done: subprocess.CompletedProcess[str]) -> Answer:
    """Tell what a command of Go met; what is not known to be silence is a no."""
    if done.returncode == 0:
        return Answer.YES
    if done.returncode == 124 or "disabled by GOPROXY=off" in done.stderr:
        return Answer.SILENCE
    if _OLD_GO.search(done.stderr):
        return Answer.OLD_GO
    statuses = _STATUS.findall(done.stderr)
    if any(status != "429" and status[0] == "4" for status in statuses):
        return Answer.NO
    silent = bool(statuses) or _SILENCE.search(done.stderr)
    return Answer.SILENCE if silent else Answer.NO


def _only_proxies(directory: Path) -> Mapping[str, str]:
    """Leave out where modules come from: that would be asked for what the proxy says no to."""
    said = go(directory, "env", "GOPROXY", timeout=60).stdout.strip()
    proxies = re.sub(r"[,|](direct|off)$", "", said)
    return {"GOPROXY": proxies} if proxies else {}
