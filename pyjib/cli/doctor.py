"""``pyjib doctor``, and what ``pyjib login --check`` tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from pyjib.cancellation import Cancellation
from pyjib.cli import options as shared
from pyjib.cli.command import Command, Option
from pyjib.cli.environment import now, read_host
from pyjib.cli.interrupts import run_cancellable
from pyjib.cli.messages import json_text, say, visible
from pyjib.cli.read_options import read_registry
from pyjib.cli.values import parse_image_name
from pyjib.cli.waiting import Waiting
from pyjib.configure import MavenChoice, configure
from pyjib.jib.to_options import Given
from pyjib.oci.json import Json
from pyjib.oci.location import RegistryLocation
from pyjib.oci.reference import Reference
from pyjib.options import BuildOptions, HostEnvironment, RegistryOptions
from pyjib.registry.login.credential import Outcome, Step
from pyjib.registry.login.diagnosis import diagnose
from pyjib.registry.login.findings import Check, Diagnosis, MirrorState
from pyjib.registry.login.verdict import Question, verdict

UNKNOWN = 3
"""The exit code where it cannot be told whether something works."""
_WORDS = {True: "yes", False: "NO", None: "not known"}
_CODES = {True: 0, False: 1, None: UNKNOWN}
_WIDTH = 11
_NOTABLE_SKEW = 5.0
_LARGE_SKEW = 300.0
_MARKS = {Outcome.FOUND: "*", Outcome.FAILED: "!"}


@click.command(
    cls=Command,
    examples="""
# Why does the push of this image end in 401 or 403?
pyjib doctor ghcr.io/team/app:1.0

# The same, with the login that is in the project's pom or in settings.xml
pyjib doctor --project . ghcr.io/team/app:1.0

# May it be pulled?
pyjib doctor --pull eclipse-temurin:21-jre
""",
    params=[
        click.Argument(
            ["reference"], type=shared.Text("reference", parse_image_name), metavar="REF"
        ),
        Option("--pull", is_flag=True, help="Look at pulling only."),
        Option(
            "--project",
            metavar="DIR",
            type=click.Path(path_type=Path, exists=True, file_okay=False, readable=False),
            help="Take the logins that this project's Jib configuration and settings.xml have too.",
        ),
        *shared.CONNECTION,
        shared.JSON,
        shared.DEBUG,
    ],
)
@click.pass_context
def doctor_command(ctx: click.Context, /, reference: Reference, **given: Any) -> None:
    """Tell what becomes of a login to a registry: where it is found, and what it may do.

    All places that logins are looked for in are told in their order with what each said, then
    how the registry asks for a login, whether it takes the one there is, and whether that may
    pull and push the image. Mirrors are asked as a build would ask them. What fails is not tried
    again, and no secret is shown. To see whether pushing is allowed an upload is begun and cancelled
    at once; nothing is written, so that rules for tags and manifests, as of immutable tags, are not
    tried. With --pull the manifest of the image and the first byte of a layer are fetched. The last
    line tells what it comes to.

    Ends with 0 if pulling and pushing are both allowed, with 1 if one of them is not or the
    registry cannot be reached, and with 3 if its answers do not tell, as where it is in trouble.
    With --pull it ends with 0 if the image is there, at the registry or at a mirror, and can be
    pulled.
    """
    host, options = read_host(), read_registry(given)
    if given["project"] is not None:
        options = _with_project(given["project"], reference, options, host)
    found = examine(reference.registry, reference, options, host, push=not given["pull"])
    question = Question.PULL if given["pull"] else Question.PUSH
    ctx.exit(show(found, question, as_json=given["as_json"]))


def _with_project(
    path: Path, reference: Reference, options: RegistryOptions, host: HostEnvironment
) -> RegistryOptions:
    """Return how registries would be talked to if the project's image went to ``reference``."""
    target = RegistryLocation(
        reference=replace(reference, tag=reference.tag or "latest", digest=None)
    )
    asked = BuildOptions(targets=(target,), registry=options, host=host)
    given = Given(options=asked, explicit=frozenset({"targets"}))
    return configure(path, given, MavenChoice(cwd=Path.cwd())).options.registry


def examine(
    registry: str,
    reference: Reference | None,
    options: RegistryOptions,
    host: HostEnvironment,
    *,
    push: bool = False,
) -> Diagnosis:
    """Find out what can be found out of a registry."""

    def work(cancellation: Cancellation) -> Diagnosis:
        with Waiting() as waiting:
            return diagnose(
                registry,
                reference,
                options=options,
                host=host,
                clock=lambda: now().seconds,
                push=push,
                progress=waiting.tell,
                cancellation=cancellation,
            )

    return run_cancellable(work)


def show(found: Diagnosis, question: Question, *, as_json: bool) -> int:
    """Write what was found out to stdout; return the exit status, 0 if it comes to a yes."""
    result = verdict(found, question)
    if as_json:
        say(json_text({**document(found), "ok": result.ok, "result": result.said}))
    else:
        last = _line("result", f"{_WORDS[result.ok]}: {result.said}")
        say("\n".join(map(visible, (*_lines(found), last))))
    return _CODES[result.ok]


def document(found: Diagnosis) -> Json:
    """Return what was found out as JSON."""
    told = asdict(found)
    told["trouble"] = None
    if found.trouble is not None:
        told["trouble"] = {"message": found.trouble.message, "hint": found.trouble.hint}
    told["steps"] = [
        {"source": step.source, "outcome": step.outcome.value, "said": step.said}
        for step in found.steps
    ]
    names = {"steps": "sources", "used": "login", "login": "accepted"}
    return {names.get(name, name): value for name, value in told.items()}


def _lines(found: Diagnosis) -> Iterator[str]:
    name = f"{found.registry}/{found.repository}" if found.repository else found.registry
    yield _line("registry", name)
    yield from _many("mirrors", tuple(_mirrors(found.mirrors)))
    if found.instead:
        yield _line("instead", f"pulled as {found.instead}")
    if found.address:
        yield _line("address", _address(found))
        yield _line("proxy", found.proxy or "none")
    if found.skew is not None:
        yield _line("clock", _clock(found.skew))
    if found.address and found.trouble is None:
        nothing = f"a login, but {found.unasked}" if found.unasked else "no login"
        yield from _many("asks for", found.challenges or (nothing,))
    yield from _many("logins", tuple(_steps(found.steps)))
    for label, check in (
        ("token", found.token),
        ("sends", found.sent),
        ("login", found.login),
        ("pull", found.pull),
        ("push", found.push),
    ):
        if check is not None:
            yield _line(label, _check(check))
    if found.untried:
        yield _line("not tried", found.untried)
    if found.stranger:
        yield _line("stranger", f"GET /v2/ was answered with {found.stranger}, as by no registry")
    for warning in found.warnings:
        yield _line("warning", warning)
    if found.trouble is not None:
        yield _line("trouble", found.trouble.message)
        if found.trouble.hint:
            yield _line("hint", found.trouble.hint)


def _line(label: str, text: str) -> str:
    return f"{label:{_WIDTH}}{text}"


def _many(label: str, texts: tuple[str, ...]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield _line("" if number else label, text)


def _address(found: Diagnosis) -> str:
    if not found.address.startswith("https:"):
        return f"{found.address} (plain http)"
    if not found.tls:  # there was no handshake in which anything could have been checked
        return found.address
    how = "certificate checked" if found.verified else "ANY certificate is taken"
    return f"{found.address} ({found.tls}, {how})"


def _clock(skew: float) -> str:
    if abs(skew) < _NOTABLE_SKEW:
        return "as the registry's"
    words = f"{abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} the registry's"
    if abs(skew) < _LARGE_SKEW:
        return words
    return f"{words}: certificates and tokens may seem to be out of date"


def _steps(steps: tuple[Step, ...]) -> Iterator[str]:
    for number, step in enumerate(steps, 1):
        yield f"{_MARKS.get(step.outcome, ' ')} {number}. {step.source}: {step.said}"


def _mirrors(mirrors: tuple[MirrorState, ...]) -> Iterator[str]:
    for number, mirror in enumerate(mirrors, 1):
        login = f"login: {mirror.login}" if mirror.login else "no login"
        asked = f", asked for {mirror.asked_for[0]} only" if len(mirror.asked_for) == 1 else ""
        yield f"{number}. {mirror.reference} ({mirror.source}; {login}{asked})"
        yield f"   {_check(mirror.answer)}"


def _check(check: Check) -> str:
    return f"{_WORDS[check.allowed]}: {check.said}"
