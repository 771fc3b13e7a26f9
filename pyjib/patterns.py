"""Regular expressions that are compiled when they are first used.

A build in which nothing changed loads modules with a hundred patterns, and needs a dozen of them:
compiling the rest was a twentieth of its time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr

if TYPE_CHECKING:

    def late(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
        """Return a pattern that is compiled when one of its methods is first asked for.

        A mistake in ``pattern`` shows only then, as ``re.error``.
        """

else:

    class late:  # noqa: N801  used as the function that it stands for
        """A pattern that is compiled when one of its methods is first asked for."""

        def __init__(self, pattern: Any, flags: int = 0) -> None:
            self._given = (pattern, flags)

        def __getattr__(self, name: str) -> Any:
            found = getattr(re.compile(*self._given), name)
            setattr(self, name, found)  # so that it is not asked for here again
            return found
