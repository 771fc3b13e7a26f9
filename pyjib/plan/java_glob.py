r"""Java's globs, as Jib's configuration uses them (``java.nio.file.FileSystem.getPathMatcher``).

==============  ====================================================================
``*``  ``?``    any number of characters, or one, none of them a slash
``**``          any number of characters, slashes too; so ``**/x`` does not match ``x``
``[a-z]``       one of these characters; ``[!a-z]`` any other; never a slash
``{a,b}``       one of these globs; they do not nest
``\``           takes the next character literally, but not within brackets
==============  ====================================================================
"""

from __future__ import annotations

import re
from functools import cache

from pyjib.errors import ConfigurationError


@cache
def compile_glob(glob: str) -> re.Pattern[str]:
    """Return the regular expression whose ``fullmatch`` on a POSIX path is Java's match.

    Raises ``ConfigurationError`` for what is no glob (Java: ``PatternSyntaxException``).
    """
    return re.compile(_Translator(glob).translate(), re.DOTALL)


class _Translator:
    """Reads a glob from left to right, once."""

    def __init__(self, glob: str) -> None:
        self._glob = glob
        self._at = 0
        self._in_group = False

    def translate(self) -> str:
        parts = []
        while character := self._next():
            parts.append(self._part(character))
        if self._in_group:
            raise self._error("a { has no }")
        return "".join(parts)

    def _part(self, character: str) -> str:
        match character:
            case "*":
                return ".*" if self._skip("*") else "[^/]*"
            case "?":
                return "[^/]"
            case "[":
                return self._bracket()
            case "{" | "}" | ",":
                return self._group(character)
            case "\\":
                return re.escape(self._next() or self._raise("nothing follows the last \\"))
        return re.escape(character)

    def _group(self, character: str) -> str:
        if character == "{" and self._in_group:
            raise self._error("{ within { }")
        if character != "{" and not self._in_group:
            return re.escape(character)
        self._in_group = character != "}"
        return {"{": "(?:(?:", "}": "))", ",": ")|(?:"}[character]

    def _bracket(self) -> str:
        """Translate what follows ``[``, where all but ``!``, ``-`` and ``]`` mean themselves."""
        negated = "^" if self._skip("!") else ""
        # A hyphen that comes first is itself, and no range can begin with it.
        members = ["\\-"] if self._skip("-") else []
        first: str | None = None
        while (character := self._member()) != "]":
            if character != "-":
                members.append(re.escape(character))
                first = character
                continue
            members.append(self._range(first))
            first = None
        if not members:
            raise self._error("[ ] without a character")
        return f"(?!/)[{negated}{''.join(members)}]"

    def _range(self, first: str | None) -> str:
        """Translate the hyphen after ``first`` and the character that ends the range."""
        if first is None:
            raise self._error("a range in [ ] without a beginning")
        if self._glob[self._at : self._at + 1] == "]":
            return "\\-"
        last = self._next() or self._raise("a [ has no ]")
        if last < first:
            raise self._error(f"the range {first}-{last} in [ ] is empty")
        return f"-{re.escape(last)}"

    def _member(self) -> str:
        character = self._next() or self._raise("a [ has no ]")
        if character == "/":
            raise self._error("a slash in [ ]")
        return character

    def _next(self) -> str:
        character = self._glob[self._at : self._at + 1]
        self._at += 1
        return character

    def _skip(self, character: str) -> bool:
        found = self._glob.startswith(character, self._at)
        self._at += found
        return found

    def _raise(self, reason: str) -> str:
        raise self._error(reason)

    def _error(self, reason: str) -> ConfigurationError:
        return ConfigurationError(
            f"not a glob: {self._glob!r}: {reason}",
            hint="globs are Java's: * and ? stop at a slash, ** crosses it, [a-z], {a,b}, \\",
        )
