"""How a command ends: errors become a message, a hint and an exit code."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from pyjib.cli.app import pyjib
from pyjib.cli.messages import OutputClosedError, tell, tell_of
from pyjib.errors import CancelledError, PyjibError

FAILED, USAGE, CANCELLED = 1, 2, CancelledError.exit_code


@dataclass(slots=True)
class Session:
    """What one run of the program remembers: commands have it as ``ctx.obj``.

    ``failed`` is the exit code for all that goes wrong, where ``FAILED`` has another meaning.
    """

    debug: bool = False
    failed: int = FAILED

    def enable_debug(self) -> None:
        """Tell on stderr what pyjib logs; other libraries' logs may show more than is good."""
        self.debug = True
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("debug    %(name)s: %(message)s"))
        logger = logging.getLogger("pyjib")
        logger.setLevel(logging.DEBUG)
        logger.handlers = [handler]
        logger.propagate = False

    def close(self) -> None:
        """Undo what ``enable_debug`` did, since a process may run several commands."""
        if self.debug:
            logger = logging.getLogger("pyjib")
            logger.setLevel(logging.NOTSET)
            logger.handlers = []
            logger.propagate = True


def run(arguments: Sequence[str]) -> int:
    """Run a command and return the exit code; never raises."""
    session = Session()
    try:
        code = pyjib.main(list(arguments), prog_name="pyjib", standalone_mode=False, obj=session)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  this is where all errors end
        code = report(error, debug=session.debug)
        return session.failed if code == FAILED else code
    finally:
        session.close()
    return code if isinstance(code, int) else 0


def report(error: BaseException, *, debug: bool = False) -> int:
    """Tell of an error on stderr and return the exit code."""
    if debug and not isinstance(error, OutputClosedError | click.exceptions.Abort):
        tell("".join(traceback.format_exception(error)).rstrip())
    match error:
        case OutputClosedError():
            return FAILED
        case KeyboardInterrupt() | click.exceptions.Abort() | CancelledError():
            return _report_end(error)
        case PyjibError():
            tell_of("error", error.message, error.hint)
            return error.exit_code
        case click.UsageError():
            tell_of("error", _in_our_voice(error.format_message()), _usage_hint(error))
            return USAGE
        case click.ClickException():
            tell_of("error", _in_our_voice(error.format_message()))
            return error.exit_code
    tell_of("error", _unexpected(error), _unexpected_hint(error, debug=debug))
    return FAILED


def _report_end(error: BaseException) -> int:
    """Tell that the user, or a signal, ended the command before its end."""
    if isinstance(error, CancelledError):
        tell(error.message)
        return error.exit_code
    if isinstance(error.__cause__ or error.__context__, EOFError):  # which click made Abort of
        tell_of("error", "standard input ended before there was an answer")
        return FAILED
    tell("cancelled")
    return CANCELLED


def _unexpected(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if _lacks_threads(error):
        return "the system gives no more threads"
    if _is_nowhere(error):
        return "the working directory is gone"
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}"
    return f"this should not have happened: {type(error).__name__}: {error}"


def _unexpected_hint(error: BaseException, *, debug: bool) -> str | None:
    if isinstance(error, MemoryError):
        return None
    if _lacks_threads(error):
        return "see what limits memory and processes: ulimit -a, or the limits of the container"
    if _is_nowhere(error):
        return "change to a directory that is there"
    if isinstance(error, OSError):  # no more than a file or a disk that is not as it should be
        return None if debug else "--debug tells what it was wanted for"
    if debug:
        return "please report this, with the lines above"
    return "run it again with --debug, and please report what that shows"


def _lacks_threads(error: BaseException) -> bool:
    """Tell whether no thread could be started, which wants memory and a process's number."""
    return isinstance(error, RuntimeError) and "can't start new thread" in str(error)


def _is_nowhere(error: BaseException) -> bool:
    """Tell whether an error came of a working directory that was removed."""
    if not isinstance(error, FileNotFoundError) or error.filename is not None:
        return False
    try:
        Path.cwd()
    except OSError:
        return True
    return False


def _in_our_voice(message: str) -> str:
    """Start small and end without a full stop, as our own messages do; click's are sentences."""
    text = message.strip().removesuffix(".")
    return text[:1].lower() + text[1:]


def _usage_hint(error: click.UsageError) -> str | None:
    if error.ctx is None:
        return None
    if isinstance(error, click.NoSuchOption) and error.option_name in ("-p", "--password"):
        known = {name for option in error.ctx.command.params for name in option.opts}
        if "--password-stdin" in known:
            return "arguments can be read by others: pipe the password in with --password-stdin"
    if isinstance(error, click.NoSuchOption) and error.ctx.parent is None:
        return f"options follow the command: `pyjib build {error.option_name}`; see `pyjib --help`"
    return f"see `{error.ctx.command_path} --help`"
