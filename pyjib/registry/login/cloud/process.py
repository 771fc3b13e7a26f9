"""AWS's ``credential_process``: a program of the user's own that says what the keys are.

Its line in the profile is divided into words as a shell does it, but no shell runs it. What it
writes to stderr is not read, for it may hold secrets.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

from pyjib.errors import ConfigurationError
from pyjib.presence import find_program
from pyjib.programs import Program, TooLongError
from pyjib.registry.login.cloud.model import CloudTools
from pyjib.registry.login.cloud.signature import AwsKeys
from pyjib.registry.login.credential import fits_header

TIMEOUT = 60.0
"""Seconds; there may be a second factor to be typed, or a browser to be used."""
_VERSION = 1
_LARGEST = 64 * 1024


def run_process(tools: CloudTools, line: str, source: str) -> AwsKeys:
    """Return the keys that a program tells; raises ``ConfigurationError``, ``CancelledError``."""
    label = f"the credential_process of {source}"
    status, output = _run(tools, _words(line, label), label)
    if status != 0:
        raise ConfigurationError(
            f"{label} failed: it ended with {status}", hint="run it by hand to see what it lacks"
        )
    try:
        document: Any = json.loads(output)
        version = document.get("Version")
    except (ValueError, AttributeError, RecursionError):
        raise ConfigurationError(f"{label} did not answer with JSON") from None
    if version != _VERSION:
        raise ConfigurationError(f"{label} did not answer with the Version {_VERSION} of its kind")
    keys = [document.get(name) for name in ("AccessKeyId", "SecretAccessKey")]
    keys.append(document.get("SessionToken") or "")
    if not all(isinstance(key, str) and fits_header(key) for key in keys) or not all(keys[:2]):
        raise ConfigurationError(f"{label} did not answer with keys")
    return AwsKeys(source=source, access_key=keys[0], secret_key=keys[1], session_token=keys[2])


def _run(tools: CloudTools, words: list[str], label: str) -> tuple[int, bytes]:
    first = words[0]
    is_name = Path(first).name == first
    program = find_program(first, tools.host.variables) if is_name else first
    if program is None:
        raise ConfigurationError(f"cannot start {label}: {first[:100]} is not on the PATH")
    running = Program(
        [program, *words[1:]],
        environment=tools.host.variables,
        cancellation=tools.cancellation,
        patience=TIMEOUT,
        stdout=subprocess.PIPE,
    )
    try:
        with running:
            output = running.receive(_LARGEST)
            if len(output) == _LARGEST:
                running.stop()
            return running.wait(), output
    except TooLongError:
        raise ConfigurationError(
            f"{label} did not end within {TIMEOUT:.0f} seconds",
            hint="it may be waiting for somebody: run it once by hand",
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is none"
        raise ConfigurationError(f"cannot start {label}: {reason}") from None


def _words(line: str, label: str) -> list[str]:
    try:
        # To Windows a backslash is part of a path.
        words = shlex.split(line, posix=os.name != "nt")
    except ValueError:
        words = []
    if os.name == "nt":
        words = [word.strip('"') for word in words]
    if not words:
        raise ConfigurationError(f"{label} is no command: its quotes do not match")
    return words
