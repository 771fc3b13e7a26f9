from __future__ import annotations

import traceback

from pyjib.errors import ConfigurationError, TransportError


def test_a_traceback_shows_the_hint() -> None:
    error = ConfigurationError("no", hint="say yes")
    assert traceback.format_exception_only(error)[-1] == "hint: say yes\n"
    error.advise("say perhaps")
    assert traceback.format_exception_only(error)[-1] == "hint: say perhaps\n"
    error.advise(None)
    assert traceback.format_exception_only(error) == ["pyjib.errors.ConfigurationError: no\n"]


def test_a_message_within_another() -> None:
    assert ConfigurationError("one").in_a_line == "one"
    assert ConfigurationError("these:\n  one\n  two").in_a_line == "these: one; two"
    assert ConfigurationError("no\n  not here").in_a_line == "no; not here"


def test_what_was_wanted_of_a_server() -> None:
    assert TransportError("no", action="look").action == "look"
    assert TransportError("no").action == ""
