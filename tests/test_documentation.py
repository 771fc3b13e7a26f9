"""README and docs: what they name is there, by links, options, parameters and messages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from pyjib.cli.app import pyjib
from pyjib.cli.exits import Session
from pyjib.jib.parameters import PARAMETERS
from tests.support.cli import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
PROSE = [page for page in PAGES if page.name not in ("cli.md", "benchmarks.md")]
FOREIGN = {
    "CONTRIBUTING.md": {"--fix"},
    "README.md": {"--version"},
    "guide.md": {"--rm"},
    "ci.md": {"--no-deps"},
    "jib.md": {"--context", "--http-trace", "--serialize", "--stacktrace"},
    "reliability.md": {"--crowds", "--kills", "--seed"},
}
"""Options of other programs, of scripts and of jib-cli, on the pages that speak of them."""


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the headings of a page as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.*)$", without_code(text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(page))):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{name(page)}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{name(page)}: {link}"


@pytest.mark.parametrize("page", [p for p in PROSE if p.parent.name != "adr"], ids=name)
def test_every_option_that_is_named_exists(page: Path) -> None:
    known = set(re.findall(r"--[a-z][a-z-]+", text_of(DOCS / "cli.md")))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text_of(page)))
    assert named - known <= FOREIGN.get(page.name, set())


def test_every_page_is_reached_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(docs/([\w.-]+)[^)]*\)", text_of(ROOT / "README.md")))
    assert {page.name for page in DOCS.glob("*.md")} <= linked


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """Yield a page's blocks of code in some languages; "" is that of blocks that name none."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE)
    yield from (text for language, text in found if language in languages)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_examples_are_in_the_language_that_they_say(page: Path) -> None:
    for block in blocks(page, "python"):
        compile(block, name(page), "exec")
    for block in blocks(page, "yaml"):
        assert yaml.safe_load(block)


def commands_on(page: Path) -> Iterator[str]:
    """Yield the command lines of pyjib's in a page's blocks, without what a shell adds."""
    text = "\n".join(blocks(page, "", "sh", "console")).replace("\\\n", " ")
    text = re.sub(r"\$\w+", "word", text).replace("sha256:…", f"sha256:{'0' * 64}")
    for line in text.splitlines():
        found = re.match(r"(?:\$ |\w+=\$\()?pyjib (?P<words>.*)", line)
        if found:
            yield re.split(r"\)$|\s+#|\s[|&<>]", found["words"])[0]


COMMANDS = [
    pytest.param(command, id=f"{name(page)}: {command}")
    for page in PROSE
    for command in commands_on(page)
]


@pytest.mark.parametrize("line", COMMANDS)
def test_command_lines_are_accepted(line: str) -> None:
    words = shlex.split(line)
    context = click.Context(pyjib, info_name="pyjib", obj=Session(), **pyjib.context_settings)
    command: click.Command = pyjib
    while isinstance(command, click.Group) and words[0] != "--version":
        found = command.get_command(context, words[0])
        assert found is not None
        command = found
        if not isinstance(command, click.Group):
            command.make_context(words[0], words[1:], parent=context)
        words.pop(0)


def test_every_parameter_of_jib_has_its_place_in_the_table() -> None:
    table = text_of(DOCS / "jib.md").partition("### Parameters")[2].partition("\n### ")[0]
    named = {word.lstrip(".") for word in re.findall(r"`(\.?[\w.]+)`", table)}
    # Of a group the table may name the last word alone: `outputPaths.digest`, `.imageId`.
    missing = {
        parameter
        for parameter in PARAMETERS
        if not {parameter, parameter.rpartition(".")[2], parameter.rpartition(".")[0]} & named
    }
    assert not missing


def measured(case: str, builder: str) -> str:
    """Return the wall clock time of application M in docs/benchmarks.md, as the README has it."""
    row = re.compile(rf"^\| {case} \| M \| {re.escape(builder)} \| ([\d.]+) ", re.MULTILINE)
    found = row.search(text_of(DOCS / "benchmarks.md"))
    assert found, (case, builder)
    return f"{float(found[1]):.2f} s"


@pytest.mark.parametrize("case", ["nothing changed", "one class changed"])
def test_the_figures_of_the_readme_are_those_of_the_benchmarks(case: str) -> None:
    ours = measured(case, "pyjib (Jib's bytes)")
    theirs = measured(case, "jib-maven-plugin 3.5.2")
    assert f"{ours} instead of {theirs}" in " ".join(text_of(ROOT / "README.md").split())


def messages_on(page: Path) -> Iterator[str]:
    """Yield the words of pyjib's messages that the tables have in their first column."""
    for line in text_of(page).partition("## The container")[0].splitlines():
        if line.startswith("| `"):
            yield from re.findall(r"`([^`]*)`", line.split("|")[1])


def test_messages_that_have_a_remedy_are_those_that_pyjib_has() -> None:
    of_servers = {"401", "403", "404", "413", "Too Many Requests"}
    of_systems = {"Permission denied", "No space left on device", "registry-1.docker.io"}
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "pyjib").rglob("*.py")]
    # Texts that go on in the next line of the source are one.
    source = re.sub(r'"\s*\n\s*f?"', "", "\n".join(sources))
    words = set(messages_on(DOCS / "troubleshooting.md"))
    assert len(words) > 20
    assert not {word for word in words - of_servers - of_systems if word not in source}
