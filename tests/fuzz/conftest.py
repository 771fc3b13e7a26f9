"""Keeps each target at it for ``PYJIB_FUZZ_MINUTES``, and prints how many readings that made."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.support.fuzzing import MINUTES, Count, for_minutes

_COUNTS = pytest.StashKey[dict[str, Count]]()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    if MINUTES and hasattr(pyfuncitem.obj, "hypothesis"):
        arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
        counts = pyfuncitem.config.stash.setdefault(_COUNTS, {})
        counts[pyfuncitem.nodeid] = for_minutes(lambda: pyfuncitem.obj(**arguments))
    return (yield)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for name, count in config.stash.get(_COUNTS, {}).items():
        terminalreporter.write_line(
            f"{name}: {count.readings} readings in {count.seconds / 60:.1f} minutes"
        )
