"""Fixtures that several folders of tests share; each lives in a module of ``tests.support``."""

from hypothesis import HealthCheck, settings

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
