"""Fixtures that several folders of tests share; each lives in a module of ``tests.support``."""

# A module stands before those that import it, or pytest could not rewrite its assertions.
pytest_plugins = [
    "tests.support.peers",
    "tests.support.registry",
    "tests.support.jre_base",
]
