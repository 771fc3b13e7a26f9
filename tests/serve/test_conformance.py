"""The conformance suite of the OCI distribution specification, run against the registry.

The suite is a Go program, built by Go's own tools and kept in Go's own caches. It tries what a
registry says it can do and counts what it does not do as skipped; what is skipped is listed
here, so that nothing slips into that list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pyjib.serve import RegistryServer, Rules
from tests.support.go_modules import CONFORMANCE
from tests.support.go_programs import GoPrograms
from tests.support.programs import attempt

pytestmark = [pytest.mark.conformance, pytest.mark.peers]

RESULT = re.compile(r" *OCI Conformance Test/(.*): (Skip|Disabled|FAIL|Error)")

# Without a source nothing is mounted: which repository would be asked for permission?
ANONYMOUS_MOUNT = frozenset(
    f"{algorithm} blobs/mount anonymous/blob-mount-anonymous" for algorithm in ("sha256", "sha512")
)
# The suite asks for a token for the target alone, and then may not read the source.
MOUNT = frozenset(f"{algorithm} blobs/mount/blob-mount" for algorithm in ("sha256", "sha512"))
# Cancelling came after version 1.1 of the specification.
CANCEL = frozenset(
    f"{algorithm} blobs/post cancel/blob-post-cancel" for algorithm in ("sha256", "sha512")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    version: str
    skipped: frozenset[str]
    disk: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


LOGIN: dict[str, Any] = {"users": {"anna": "secret"}}
AS_ANNA = {"OCI_USERNAME": "anna", "OCI_PASSWORD": "secret"}
SPARSE = {"OCI_DATA_SPARSE": "true"}
CASES = {
    "memory": Case(version="1.1", skipped=ANONYMOUS_MOUNT | CANCEL),
    "disk": Case(version="1.1", skipped=ANONYMOUS_MOUNT | CANCEL, disk=True),
    "newest": Case(
        version="dev",
        skipped=ANONYMOUS_MOUNT,
        disk=True,
        options={"rules": Rules(sparse=True)},
        variables=SPARSE,
    ),
    "basic": Case(version="dev", skipped=ANONYMOUS_MOUNT, options=LOGIN, variables=AS_ANNA),
    "token": Case(
        version="dev",
        skipped=ANONYMOUS_MOUNT | MOUNT,
        options={**LOGIN, "auth": "token"},
        variables=AS_ANNA,
    ),
}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the suite, outside of the repository."""
    return GoPrograms(tmp_path_factory.mktemp("conformance")).find(CONFORMANCE)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_conformance(suite: Path, case: Case, tmp_path: Path) -> None:
    root = tmp_path / "registry" if case.disk else None
    with RegistryServer(root, **case.options) as server:
        done = attempt(
            str(suite),
            environment={
                "OCI_REGISTRY": server.address,
                "OCI_TLS": "disabled",
                "OCI_VERSION": case.version,
                "OCI_RESULTS_DIR": str(tmp_path / "results"),
                "OCI_CONFIGURATION": "",
                **case.variables,
            },
        )
    found = {(name, status) for name, status in RESULT.findall(done.stdout)}
    assert {name for name, _ in found} == case.skipped, done.stdout + done.stderr
    assert {status for _, status in found} <= {"Skip", "Disabled"}
    assert done.returncode == 0
    passed = re.search(r"Pass\.+: +(\d+)", done.stdout)
    assert passed
    assert int(passed[1]) > 800
