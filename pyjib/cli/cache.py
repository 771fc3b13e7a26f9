"""``pyjib cache``: how much is kept, and keeping less."""

from __future__ import annotations

from pathlib import Path

import click

from pyjib.cli import options as shared
from pyjib.cli import output as outputs
from pyjib.cli import values
from pyjib.cli.command import Command, Group, Option
from pyjib.cli.environment import read_host
from pyjib.cli.messages import json_text, say, tell, tell_of
from pyjib.cli.render import size
from pyjib.errors import CacheError, ConfigurationError
from pyjib.options import BuildOptions
from pyjib.store.disk import NoPlaceError
from pyjib.store.store import Store
from pyjib.tools import cache_directory

USUAL_DAYS = 30.0


@click.group("cache", cls=Group)
def cache_group() -> None:
    """Look after the cache of packed layers, base images and worked-out Maven projects.

    Nothing in it is needed: what is removed is packed, pulled or worked out again.
    """


@cache_group.command(
    "dir",
    cls=Command,
    examples="pyjib cache dir",
    params=[shared.CACHE, shared.DEBUG],
)
def dir_command(cache: Path | None) -> None:
    """Show where the cache is."""
    say(str(_directory(cache)))


@cache_group.command(
    "du",
    cls=Command,
    examples="pyjib cache du",
    params=[shared.CACHE, shared.JSON, shared.DEBUG],
)
def du_command(cache: Path | None, *, as_json: bool) -> None:
    """Show how much the cache holds.

    Temporary files are being written by builds, or were when these were killed; what is known to
    be left by them is told.
    """
    directory = _existing(cache)
    usage = Store(directory).usage()
    kinds = {
        "blobs": (usage.blobs, usage.blob_bytes),
        "index": (usage.index_files, usage.index_bytes),
        "temporary": (usage.temporary_files, usage.temporary_bytes),
        "total": (usage.files, usage.bytes),
    }
    left = usage.abandoned_files
    if as_json:
        kinds["abandoned"] = left, usage.abandoned_bytes
        counts = {name: {"files": files, "bytes": total} for name, (files, total) in kinds.items()}
        say(json_text({"directory": str(directory)} | counts))
        return
    for name, (files, total) in kinds.items():
        say(f"{name:10} {size(total):>9}  {_files(files)}")
    if left:
        tell_of(
            "hint",
            f"{left} of the temporary files ({size(usage.abandoned_bytes)}) "
            f"{'was' if left == 1 else 'were'} left by killed builds: `pyjib cache prune` removes "
            "them an hour after the last writing, with --all at once",
        )


@cache_group.command(
    "prune",
    cls=Command,
    examples="""
# What no build has used for 30 days
pyjib cache prune

# Keep the cache of a CI runner small
pyjib cache prune --older-than 7 --max-size 2GB

# Everything, but for what a build is just writing
pyjib cache prune --all
""",
    params=[
        Option(
            "--older-than",
            metavar="DAYS",
            type=shared.Text("days", values.parse_amount),
            help="What was not used for so many days. Default: 30, unless --max-size is given.",
        ),
        Option(
            "--max-size",
            metavar="SIZE",
            type=shared.Text("size", values.parse_size),
            help="Blobs beyond a size such as 2GB, those first that were not used for longest.",
        ),
        Option(
            "--all", "everything", is_flag=True, help="Everything but what is just being written."
        ),
        shared.CACHE,
        outputs.QUIET,
        shared.DEBUG,
    ],
)
def prune_command(
    older_than: float | None,
    max_size: int | None,
    cache: Path | None,
    *,
    everything: bool,
    quiet: bool,
) -> None:
    """Remove from the cache what was not used for some time, or what is too much.

    What builds that were killed had half written goes too, an hour later. Builds may be running:
    none fails for it, or gets other bytes.
    """
    if everything and (older_than is not None or max_size is not None):
        raise ConfigurationError(
            "--all leaves nothing for --older-than and --max-size to choose from",
            hint="leave one of them out",
        )
    if older_than is None and max_size is None:
        older_than = USUAL_DAYS
    directory = _existing(cache, quiet=quiet)
    if not directory.exists():
        return
    try:
        pruned = Store(directory).prune(
            older_than_days=older_than, max_bytes=max_size, everything=everything
        )
    except NoPlaceError as error:
        error.advise("run it as the user that the cache belongs to, where it can be written")
        raise
    if not quiet:
        tell(f"removed {_files(pruned.files)}, {size(pruned.bytes)}")
    if pruned.kept:
        raise CacheError(
            f"{_files(pruned.kept)} of the cache in {directory} could not be removed",
            hint="run it as the user that they belong to, and while no build is running",
        )


def _files(count: int) -> str:
    return f"{count} {'file' if count == 1 else 'files'}"


def _existing(cache: Path | None, *, quiet: bool = False) -> Path:
    """Return where the cache is; tell if it is not there. Raises ``ConfigurationError``."""
    directory = _directory(cache)
    try:
        if directory.is_dir():
            return directory
        is_there = directory.exists()
    except OSError as error:
        raise CacheError(
            f"cannot look at the cache in {directory}: {error.strerror or error}",
            hint="run it as the user that the cache belongs to, or name another one with --cache",
        ) from None
    if is_there:
        raise ConfigurationError(
            f"the cache cannot be in {directory}: it is not a directory",
            hint="name a directory with --cache",
        )
    if not quiet:
        tell(f"there is no cache at {directory}")
    return directory


def _directory(cache: Path | None) -> Path:
    return cache_directory(BuildOptions(cache=cache, host=read_host()))
