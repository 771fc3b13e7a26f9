"""No test sends a byte beyond this machine: one that tries is refused, and fails.

A plugin of pytest. What connects to another host, or asks for the address of one, is noted by an
audit hook, in whatever thread that is; ``localhost`` and what is below it, the loopback addresses
and Unix sockets are free. Names that nobody may ask for are given to a resolver of the test's
own. Python programs that tests start are watched too, by ``children/sitecustomize.py``; other
programs cannot be, and peers among them (Maven, Go) may fetch what they need.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyjib.files import Partial, remove_abandoned
from tests.support.children import sitecustomize

NOTES = "pyjib-tests-outside"
_CHILDREN = Path(sitecustomize.__file__).parent
_ROOT = Path(__file__).parent.parent.parent
_noted: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch this process and those to come; remove what runs that were killed left."""
    place = Path(tempfile.gettempdir())
    remove_abandoned(place, NOTES)
    notes = Partial(place / NOTES, private=True)  # never arrives, and is locked until its end
    notes.open()
    config.add_cleanup(notes.close)
    path = [str(_CHILDREN), str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ.update(PYJIB_TESTS_OUTSIDE=str(notes.path), PYTHONPATH=os.pathsep.join(path))
    sitecustomize.guard(_noted.append)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, None, None]:
    """Fail what fixtures have tried."""
    yield
    _fail_if_tried()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """Fail what the test itself has tried."""
    yield
    _fail_if_tried()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, None, None]:
    """Fail what was tried last, or in a test that failed for another reason."""
    yield
    _fail_if_tried()


def variables() -> dict[str, str]:
    """Return what the environment of a Python program needs so that it is watched."""
    return {name: os.environ[name] for name in ("PYJIB_TESTS_OUTSIDE", "PYTHONPATH")}


@contextmanager
def tried() -> Iterator[list[str]]:
    """Yield a list that is filled at the end: what was tried within, which fails no test then."""
    assert _taken() == []
    found: list[str] = []
    yield found
    found += _taken()


def _fail_if_tried() -> None:
    if found := _taken():
        pytest.fail("left this machine: " + "; ".join(found), pytrace=False)


def _taken() -> list[str]:
    """Return what was noted since this was last asked."""
    found = _noted[:]
    del _noted[: len(found)]
    notes = Path(os.environ["PYJIB_TESTS_OUTSIDE"])
    if notes.stat().st_size:
        found += notes.read_text(encoding="utf-8").splitlines()
        os.truncate(notes, 0)
    return found
