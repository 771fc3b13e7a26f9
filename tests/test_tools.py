"""What a build works with, asked for by several threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from pyjib.engine.model import Engine
from pyjib.events import ignore
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.tools import open_tools
from tests.support.fake_engine import fake, serving


def test_a_daemon_is_connected_to_once(tmp_path: Path) -> None:
    """The base is pulled from one in a thread, while targets are checked in another."""
    threads = 8
    with serving(fake()) as engine:
        host = HostEnvironment(variables={"DOCKER_HOST": engine.address}, home=tmp_path)
        options = BuildOptions(host=host, cache=tmp_path / "cache")
        with open_tools(options, listener=ignore, cancellation=None) as tools:
            together = Barrier(threads)

            def connect(_: int) -> Engine:
                together.wait(60)
                return tools.engine()

            with ThreadPoolExecutor(threads) as pool:
                found = list(pool.map(connect, range(threads)))
    assert len(set(map(id, found))) == 1
    assert engine.requests == ["HEAD /_ping"]
