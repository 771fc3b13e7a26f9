"""A POM that Maven rejects is rejected with Maven's reason, file and line; and no other is.

What Maven 3.8.7 says is in ``tests/support/broken_poms.json``; a few cases are asked of it anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pyjib.errors import PyjibError
from pyjib.maven_choice import MavenChoice, Opener
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.project.maven.command_line import Arguments
from tests.support.broken_poms import CASES, Problem, recorded, run_maven
from tests.support.programs import require

GOLDEN = recorded()
# The words of Maven's parser, not of Maven; and ids in an order of no meaning.
_PARSERS_WORDS = {"no-xml", "stray-ampersand", "unknown-entity", "settings-empty"}
_CHAINS = ("The parents form a cycle", "The projects in the reactor contain a cyclic reference")
# Maven goes on after these, and says more that follows from the first.
_FIRST_ONLY = {"other-root", "property-cycle", "repository-without-id", "repository-without-url"}
_FRESH = (
    *("mismatched-tag", "unknown-element", "dependency-without-version", "missing-parent"),
    *("missing-bom", "modules-need-each-other", "dependency-bad-scope", "settings-mismatched-tag"),
)


def refusal(name: str, root: Path) -> str | None:
    """Return what pyjib says of a case, ``None`` if it takes it."""
    project = CASES[name].write(root)
    host = HostEnvironment.of({}, root / "home")
    arguments = Arguments(
        properties={"maven.repo.local": str(root / "repository")},
        settings=root / "settings.xml",
    )
    options = BuildOptions(host=host)
    try:
        found = Opener(options=options, choice=MavenChoice(arguments=arguments)).find(project)
    except PyjibError as error:
        return error.message.replace(str(root), "{root}")
    return found.problem.message.replace(str(root), "{root}") if found.problem else None


def expected(name: str, problem: Problem) -> list[str]:
    """Return what pyjib's message has to hold: the place, and the reason in Maven's words."""
    reason = problem.message
    file = problem.file or "{root}/project/pom.xml"
    reason = re.sub(r"^(Non-readable|Non-parseable|Malformed) (POM|settings) (\S+): ", "", reason)
    if name in _PARSERS_WORDS:
        reason = "Non-"
    for chain in _CHAINS:
        if reason.startswith(chain):
            reason = chain
    words = [reason.strip().rstrip(".")]
    if problem.file and name != "boms-in-a-circle":  # ours tells where the circle closes
        words.append(f"{file}, line {problem.line}: " if problem.line else file)
    return words


@pytest.mark.parametrize("name", CASES)
def test_as_maven(name: str, tmp_path: Path) -> None:
    said = refusal(name, tmp_path)
    problems = GOLDEN[name]
    if not problems:
        assert said is None or "holds others (packaging pom)" in said
        return
    assert said is not None
    for problem in problems[:1] if name in _FIRST_ONLY else problems:
        for words in expected(name, problem):
            assert words in said


@pytest.mark.peers
@pytest.mark.parametrize("name", _FRESH)
def test_maven_says_so_today(name: str, tmp_path: Path) -> None:
    require("mvn")
    assert run_maven(CASES[name], tmp_path) == GOLDEN[name]
