"""docs/cli.md, made of the commands: ``python -m pyjib.cli.reference > docs/cli.md``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from pyjib.cli.app import pyjib
from pyjib.cli.command import OTHER, sections
from pyjib.cli.messages import write_out

_INTRODUCTION = """\
# The command line

This page is made of the commands' own help by `python -m pyjib.cli.reference > docs/cli.md`.

Every command has `-h` and `--help`. A command writes its result to stdout and everything else
to stderr, so that `image=$(pyjib build …)` holds the image's name by digest and nothing more.
Colours and moving parts are for terminals; `NO_COLOR` and `TERM=dumb` turn them off, and `CI`
the moving parts.

| exit code | meaning |
|---|---|
| 0 | done; `pyjib registry serve` was asked to stop |
| 1 | it failed: the message says what was tried, on what, and what came back. Also: the result could not be written to stdout, as on a full disk; the message tells where the image is all the same |
| 2 | it was asked for in a wrong way: an option, a name, a configuration |
| 130, 143, 129 | it was ended by Ctrl-C (SIGINT), SIGTERM, as `docker stop` and CI services send it, or SIGHUP; nothing half-written is left |

A command that a signal ends dies by that signal once it has cleaned up, as git and curl do: a
shell shows 128 and the signal's number, and a script or `make` that was interrupted ends too. On
Windows, and as process 1 of a container, it exits with that number. `compare-jib`, `doctor`
and `login --check` have exit codes of their own, told with them.

`-q` leaves progress out and keeps warnings, since what they tell of may be wrong with the image;
`-qq` keeps errors only.

| variable | what it is for |
|---|---|
| `PYJIB_CACHE` | the cache's directory, as `--cache`; else `XDG_CACHE_HOME`, then `~/.cache` |
| `SOURCE_DATE_EPOCH` | when the image says it was created, unless `--created` tells a time |
| `DOCKER_CONFIG`, `DOCKER_AUTH_CONFIG`, `REGISTRY_AUTH_FILE` | logins, as Docker and Podman have them |
| those of AWS, Google, Azure, GitHub and GitLab | logins to their registries: `credentials.md` |
| `DOCKER_HOST`, `DOCKER_CONTEXT`, `DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH` | the daemon of `docker://` |
| `https_proxy`, `http_proxy`, `all_proxy`, `no_proxy` | proxies, in capitals too |
| `SSL_CERT_FILE`, `SSL_CERT_DIR` | certificate authorities, instead of the usual ones |
| `CONTAINERS_REGISTRIES_CONF` | Podman's `registries.conf`, for mirrors: `registries.md` |
"""

_COMPLETION = """\
## Completion

For bash, and likewise for zsh and fish, put into the shell's start-up file:

```sh
eval "$(_PYJIB_COMPLETE=bash_source pyjib)"
```
"""


def write_reference() -> str:
    """Return the page."""
    root = click.Context(pyjib, info_name="pyjib")
    parts = [_INTRODUCTION, *_own_options(pyjib), *_pages(pyjib, root), _COMPLETION]
    return "\n".join(parts)


def _own_options(group: click.Group) -> Iterator[str]:
    """Yield what can be given in the place of a command."""
    options = [option for option in group.params if isinstance(option, click.Option)]
    yield "\n".join(["## pyjib\n", *map(_option, options), ""])


def _pages(group: click.Group, context: click.Context) -> Iterator[str]:
    """Yield a page for each command, those of groups in them too."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from _pages(command, inner)
        else:
            yield "\n".join(_page(command, inner))


def _page(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"## {context.command_path}\n"
    yield f"```text\n{usage}\n```\n"
    yield f"{inspect.cleandoc(command.help or '')}\n"
    examples = getattr(command, "examples", ())
    if examples:
        yield "\n".join(["```sh", *examples, "```"]) + "\n"
    found = sections(command.params)
    for heading, options in found:
        yield f"### {heading if len(found) > 1 else OTHER.removeprefix('Other ').title()}\n"
        for option in options:
            yield _option(option)
        yield ""


def _option(option: click.Option) -> str:
    value = "" if option.is_flag or option.count else f" {_metavar(option)}"
    flags = ", ".join(f"`{name}{value}`" for name in option.opts)
    text = (option.help or "").replace("*", r"\*")  # globs are no emphasis
    return f"- {flags}: {text}"


def _metavar(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    return option.metavar or option.type.name.upper()


if __name__ == "__main__":
    write_out(write_reference().encode())
