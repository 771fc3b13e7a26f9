"""``docs/benchmarks.md``, made of what ``scripts/bench --json`` writes.

``python -m benchmarks.page FILE.json`` prints it anew, for other words around the same figures.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bars import PYJIB_GZIP, bar_table
from benchmarks.peers import DOCKERFILE, JVM_OPTIONS
from benchmarks.process import UNSET
from benchmarks.report import table

_HEAD = """# Benchmarks

Made by `scripts/bench{options}`; every figure is of one run of it.

Builders are measured side by side, each build a process of its own from start to exit: the
median of {runs} runs ({runs_of_l} of L), with the fastest and the slowest, after one that is not
timed. They take turns, so that what disturbs the machine disturbs all of them. CPU is that of the
builder's own processes (a daemon's, such as Docker's, is not in it). The peak of memory is that
of its largest process, not of all together; a process of 10 MiB starts all of them, and no figure
can be below that. Requests (GET /v2/ among them, by which a registry on loopback is asked how it
is spoken to; the bar does not count it, being of requests after authentication) and bytes are of a
build through a relay that counts, which is not timed.
{quick}
Images go to a Distribution on loopback, which has the base: a few kilobytes, so that the figures
are of the application's layers and not of a base that some builders copy and others do not.
pyjib is an installed wheel with compiled bytecode.

## Applications

| | what it is |
|---|---|
| S | `fixtures/docker-hello-spring`: Spring Boot, 20 MB of libraries |
| M | `benchmarks/apps/medium`: Spring Boot, 83 libraries, 62 MB |
| D | M's files in a directory without a POM |
| L | 20 libraries of 30 MiB, no POM |
| N | 8,000 small classes, no POM |

All are compiled before. On S and M pyjib and jib-maven-plugin work the class path out from the
POM (M: 173 POMs) and read the libraries in Maven's local repository; the time for that counts.
jib-core, crane, buildah and `docker build` do no such thing: `mvn dependency:copy-dependencies`
has put the libraries into a directory for them, and the time for that does not count. On D pyjib
gets that directory too, and nothing else: this compares like with like.

S has two tags in its POM, which pyjib and jib-maven-plugin push; the others push one.

## Builders

- pyjib (Jib's bytes): `--identity jib`, the image that Jib makes, bit for bit. pyjib (gzip) and
  pyjib (zstd): pyjib's own identity. Layer index: `--layer-index auto`;
  signed: with a private key in `PYJIB_LAYER_INDEX_KEY`.
- jib-maven-plugin: the goal alone, without Maven's lifecycle, on compiled classes. Not `-o`, with
  which the plugin refuses to push; nothing is downloaded, since the run that is not counted has
  left all in the local repository. The JVM has its defaults; "tuned" is
  `{tuned}`, which starts faster, in the cases that are
  mostly starting, and is slower where much is compressed.
- jib-core: the library in a JVM without Maven, driven by `benchmarks/java`, with the layers of
  Jib's plugin: libraries, resources, classes. "tuned" as above.
- crane: `tar` makes the tars of two layers, `crane append` and `crane mutate` make the image of
  them: all three count. It keeps nothing and never looks whether anything changed; the registry
  tells it which layers need not be sent.
- buildah: a Dockerfile that only copies, `build --layers` and `push`, storage driver overlay.
- docker build: the same Dockerfile by the classic builder (no BuildKit), and `push`. The daemon
  runs already. Before cold builds images and build cache are pruned.

Cold and fresh runner: the builder's own caches are empty; Maven's local repository is not. For
cold the registry has no image of that name; for fresh runner it has the one to be made. In the
other cases caches are warm. A class or a dependency is another one in each run.

## Machine

{machine}
"""

_QUICK = """
With `--quick`, each case has jib-core and those builders alone that a bar of the case names.
"""

_COMMANDS = """## Command lines

As they were run, each in its application's directory; SCRATCH, REGISTRY and ENGINE stand for what
differs from run to run. Not set, whatever the machine has:
{unset}.
"""

# What is said where a bar does not hold, by the beginning or end of its name.
_REASONS = (
    (
        "against jib-maven-plugin",
        """- jib-maven-plugin: of the 0.24 s of processor time on M, starting Python and importing takes
  0.10, working 173 POMs out 0.08, all else, the registry among it, 0.06. Defining values lazily
  (adr/008) and importing less brought it down from 0.3 s.""",
    ),
    (
        f"cold, M: {PYJIB_GZIP} against crane",
        """- crane, cold, M: crane works no POM out; the bar of D is without that.""",
    ),
    (
        "(zstd) against jib-core",
        """- zstd, cold: packing takes 0.2 s on both cores, of which compression is a quarter; the rest is
  starting, and the upload into a registry that shares the two cores.""",
    ),
    (
        "1.3 times the memory of S",
        """- Memory of L: pieces of files, read and compressed ahead of the upload. S has not enough of
  them to fill the queues.""",
    ),
)


def page(document: Mapping[str, Any]) -> str:
    """Return ``docs/benchmarks.md``."""
    options = f" {document['options']}" if document["options"] else ""
    machine = _machine(document["machine"], document["versions"])
    lines = [
        _HEAD.format(
            runs=document["runs"],
            runs_of_l=min(3, document["runs"]),
            options=options,
            quick=_QUICK if "--quick" in options else "",
            machine=machine,
            tuned=" ".join(JVM_OPTIONS),
        )
    ]
    lines += ["## Bars", ""]
    lines += [*bar_table(document["bars"]), "", "## Figures", "", *table(document["figures"]), ""]
    reasons = [text for word, text in _REASONS if _misses(document["bars"], word)]
    if reasons:
        lines += ["## What stands in the way", "", "Where a bar above says no:", "", *reasons, ""]
    lines.append(_COMMANDS.format(unset=", ".join(f"`{name}`" for name in UNSET)))
    lines += ["```sh", *_commands(document["commands"]), "```", ""]
    lines += ["The Dockerfile of buildah and Docker:", "", "```dockerfile"]
    lines += [DOCKERFILE.format(base="BASE", main="MAIN").rstrip(), "```", ""]
    return "\n".join(lines)


def _machine(machine: Mapping[str, Any], versions: Sequence[str]) -> str:
    facts = (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory']} of memory",
        f"{machine['system']}, Python {machine['python']}",
        *versions,
    )
    return "\n".join(f"- {fact}" for fact in facts)


def _misses(bars: Sequence[Mapping[str, Any]], word: str) -> bool:
    return any(word in bar["name"] and not bar["holds"] for bar in bars)


def _commands(commands: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield a line for each builder and each case in which it is called in another way."""
    seen = set()
    for entry in commands:
        kind = entry["case"] if entry["case"] in _CALLED_APART else "build"
        if (kind, entry["builder"]) not in seen:
            seen.add((kind, entry["builder"]))
            yield f"# {entry['builder']}" + ("" if kind == "build" else f", {kind}")
            yield entry["command"]


_CALLED_APART = ("plan", "tar output", "two platforms")


if __name__ == "__main__":
    print(page(json.loads(Path(sys.argv[1]).read_text())), end="")
