"""The command line: words in, words out. Everything else is the library's.

====================  =======================================================================
``app``               the group of commands; each is imported when it is called
``build`` … ``registry``  one file for each command
``options``           what ``build`` and ``plan`` can be asked; ``values``: from text to values
``environment``       environment variables, clock, home and terminal: read here, nowhere else
``render`` ``live``   events as lines, or as a live view on a terminal
``exits``             errors as messages and exit codes; ``interrupts``: Ctrl-C
``reference``         docs/cli.md, made of the commands themselves
====================  =======================================================================
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit: 0 done, 1 failed, 2 asked in a wrong way, 130 cancelled.

    ``arguments`` are those of the process unless given.
    """
    # A command makes many objects that live until it ends: looking for garbage among them every
    # 700 takes a tenth of a short build.
    gc.set_threshold(200_000, 20, 100)
    try:
        from pyjib.cli.exits import run  # noqa: PLC0415  importing pyjib.cli costs nothing

        code = run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # before or after the command itself, which sees to its own
        code = 130
    sys.exit(code)
