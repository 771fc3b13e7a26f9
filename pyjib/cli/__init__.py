"""The command line: words in, words out. Everything else is the library's.

====================  =======================================================================
``app``               the group of commands; each is imported when it is called
``build`` … ``registry``  one file for each command
``options``           what ``build`` and ``plan`` can be asked; ``values``: from text to values
``environment``       environment variables, clock, home and terminal: read here, nowhere else
``render`` ``live``   events as lines, or as a live view on a terminal
``exits``             errors as messages and exit codes; ``interrupts``: Ctrl-C, SIGTERM, SIGHUP
``reference``         docs/cli.md, made of the commands themselves
====================  =======================================================================
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit: 0 done, 1 failed, 2 asked in a wrong way.

    A process that a signal asks to end dies by it: a shell has 130 for Ctrl-C, 143 for SIGTERM,
    129 for SIGHUP. ``arguments`` are those of the process unless given; where they are given
    those are exit codes.
    """
    # A command makes many objects that live until it ends: looking for garbage among them every
    # 700 takes a tenth of a short build.
    gc.set_threshold(200_000, 20, 100)
    try:
        from pyjib.cli.exits import run  # noqa: PLC0415  importing pyjib.cli costs nothing

        code = run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # before or after the command itself, which sees to its own
        code = 130
    if arguments is None:
        _end_at_once(code)
    sys.exit(code)


def _end_at_once(code: int) -> None:
    """End the process, if nobody waits for more of it than its output.

    ``code`` is an exit code, or 128 and the number of the signal to die by.

    Taking the interpreter down, object by object, costs a short build a twentieth.
    """
    if sys.flags.dev_mode or sys.getprofile() or sys.gettrace():
        return
    main_thread = threading.main_thread()
    if any(not thread.daemon for thread in threading.enumerate() if thread is not main_thread):
        return
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):  # the interpreter says what is to be said of that
        return
    if code > 128:
        from pyjib.cli.interrupts import die  # noqa: PLC0415  as above

        die(code)
    os._exit(code)
