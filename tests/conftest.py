"""Fixtures that several folders of tests share; each lives in a module of ``tests.support``."""

import os

from hypothesis import HealthCheck, settings

# How a user, or a CI, wants output to look and dates to be is not what the tests are about.
for name in (
    "SOURCE_DATE_EPOCH",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "LINES",
    "TERM",
):
    os.environ.pop(name, None)

settings.register_profile(
    "patient",  # no test depends on how busy the machine is
    parent=settings.default,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")

# A module stands before those that import it, or pytest could not rewrite its assertions.
pytest_plugins = [
    "tests.support.loopback",
    "tests.support.peers",
    "tests.support.registry",
    "tests.support.jre_base",
]
