"""A build never fails, nor gives other bytes, because its cache is pruned while it runs.

Everything is pruned at each event that a build tells, and before each answer that a registry gives
it: so no test depends on who is quicker. The results are compared with those of a quiet build.
"""

from __future__ import annotations

import gzip
import os
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import pyjib
from pyjib.errors import CacheError
from pyjib.events import Event
from pyjib.oci.image import Image
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, LayerIndexMode, RegistryOptions
from pyjib.serve import RegistryServer
from pyjib.serve.message import Request
from pyjib.store.model import Pruned
from pyjib.store.store import Store
from tests.support.bases import docker_save, tar_file
from tests.support.cli import Cli
from tests.support.fake_engine import Answer, fake, serving
from tests.support.images import temurin_image
from tests.support.projects import class_path_of, main_class, write_tree
from tests.support.registry import image_in, put_image, validate_all

BASE_IMAGE = temurin_image()

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="Windows does not let what is in use be removed"
)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line, with an empty home."""
    return Cli(home=tmp_path / "home")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application with layers large enough to be sent while they are packed."""
    large = random.Random(1).randbytes(1_500_000)
    files = {class_path_of(): main_class(), "large.bin": large}
    return write_tree(tmp_path / "app" / "target" / "classes", files).parent.parent


@pytest.fixture
def source() -> Iterator[RegistryServer]:
    """The registry that has the base image."""
    with RegistryServer() as server:
        put_image(server, "jre", BASE_IMAGE, "17")
        yield server


@pytest.fixture(params=["registry", "archive", "compressed archive", "engine"])
def base(request: pytest.FixtureRequest, tmp_path: Path, source: RegistryServer) -> Iterator[str]:
    """A base image of each kind that the cache has a part in."""
    saved = tar_file(docker_save(BASE_IMAGE, ("jre:17",)))
    if request.param == "registry":
        yield f"{source.address}/jre:17"
    elif request.param == "engine":
        name = Reference.parse("jre:17")
        engine = fake()
        engine.answers |= {
            "GET /info": Answer.json({"OSType": "linux", "Architecture": "x86_64"}),
            f"GET /images/{name}/json": Answer.json({"Id": str(BASE_IMAGE.image_id)}),
            "GET /images/get": Answer(body=saved),
        }
        with serving(engine):
            yield f"docker://{name.familiar} {engine.address}"
    else:
        path = tmp_path / "base.tar"
        path.write_bytes(saved if request.param == "archive" else gzip.compress(saved))
        yield f"tar://{path}"


def options_for(tmp_path: Path, base: str, *targets: str) -> pyjib.BuildOptions:
    place, _, daemon = base.partition(" ")
    variables = {"DOCKER_HOST": daemon} if daemon else {}
    return pyjib.BuildOptions(
        targets=tuple(map(pyjib.parse_location, targets)),
        base=pyjib.parse_location(place),
        main_class="com.example.Main",
        cache=tmp_path / "cache",
        host=HostEnvironment(variables=variables, home=tmp_path),
        registry=RegistryOptions(insecure=frozenset({"127.0.0.1"})),
    )


class Pruner:
    """Empties a cache whenever it hears of something, and counts what it removed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = 0
        self._lock = threading.Lock()

    def __call__(self, _: object = None) -> None:
        with self._lock:
            pruned: Pruned = Store(self.root).prune(everything=True)
            assert pruned.kept == 0
            self.files += pruned.files


@pytest.mark.parametrize("warm", [False, True], ids=["empty", "full"])
def test_at_every_step(app: Path, base: str, tmp_path: Path, warm: bool) -> None:
    quiet = tmp_path / "quiet"
    names = [f"tar://{{}}/{name}.tar" for name in ("app", "again")]
    options = options_for(quiet, base, *[name.format(tmp_path) for name in names])
    wanted = pyjib.build(options, path=app)
    bytes_wanted = (tmp_path / "app.tar").read_bytes()
    pruner = Pruner(tmp_path / "cache")
    options = replace(options, cache=pruner.root)
    if warm:
        pyjib.build(options, path=app)
    for name in ("app.tar", "again.tar"):
        (tmp_path / name).unlink()
    steps: list[Event] = []

    def listen(event: Event) -> None:
        pruner()
        steps.append(event)

    result = pyjib.build(options, path=app, listener=listen)
    assert result.digest == wanted.digest
    for name in ("app.tar", "again.tar"):
        assert (tmp_path / name).read_bytes() == bytes_wanted
    assert len(steps) > 5
    assert pruner.files > 3
    pruner()
    assert Store(pruner.root).usage().files == 0


@pytest.mark.parametrize(
    ("warm", "index"),
    [(False, LayerIndexMode.OFF), (True, LayerIndexMode.OFF), (False, LayerIndexMode.AUTO)],
    ids=["empty", "full", "index"],
)
def test_before_every_answer(
    app: Path, base: str, tmp_path: Path, source: RegistryServer, warm: bool, index: LayerIndexMode
) -> None:
    pruner = Pruner(tmp_path / "cache")
    asked: list[str] = []

    def intercept(request: Request) -> None:
        pruner()
        asked.append(request.method)

    with RegistryServer() as server:
        options = replace(options_for(tmp_path, base, f"{server.address}/app:1"), layer_index=index)
        wanted = pyjib.build(replace(options, cache=tmp_path / "quiet"), path=app)
        if warm:
            pyjib.build(options, path=app)
        options = replace(options, targets=(pyjib.parse_location(f"{server.address}/other:1"),))
        source.intercept = server.intercept = intercept
        result = pyjib.build(options, path=app)
        source.intercept = server.intercept = None
        validate_all(server)
        image = image_in(server, "other", "1")
    assert isinstance(image, Image)
    assert image.digest == result.digest == wanted.digest
    assert "PUT" in asked
    assert warm or pruner.files > 0


@pytest.mark.parametrize("how", [["--all"], ["--max-size", "0MB"], ["--older-than", "0"]])
def test_by_the_program(cli: Cli, app: Path, tmp_path: Path, how: list[str]) -> None:
    """A build of its own, held by the registry while another process prunes."""
    held, go_on = threading.Event(), threading.Event()

    def intercept(request: Request) -> None:
        if request.method in ("POST", "PATCH"):
            held.set()
            assert go_on.wait(60)

    with RegistryServer() as server:
        arguments = ["build", app, "--from", "scratch", "--main-class", "com.example.Main", "--to"]
        first = cli.program(*arguments, f"{server.address}/quiet")
        assert first.code == 0, first.stderr
        server.intercept = intercept
        with cli.start(*arguments, f"{server.address}/app") as process:
            assert held.wait(60)
            pruned = cli.program("cache", "prune", *how)
            left = cli.program("cache", "du", "--json").json
            go_on.set()
            stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr
        validate_all(server)
    assert pruned.code == 0, pruned.stderr
    assert not pruned.stderr.startswith("removed 0 files")
    assert (left["blobs"]["files"], left["abandoned"]["files"]) == (0, 0)
    assert stdout.partition("@")[2] == first.stdout.partition("@")[2] != ""


def test_while_somebody_prunes_all_the_time(app: Path, tmp_path: Path) -> None:
    pruner, ended = Pruner(tmp_path / "cache"), threading.Event()
    failures: list[BaseException] = []

    def prune() -> None:
        while not ended.is_set():
            try:
                pruner()
                Store(pruner.root).prune(max_bytes=0)
                Store(pruner.root).usage()
            except BaseException as error:  # noqa: BLE001  told to the main thread
                failures.append(error)
                return

    thread = threading.Thread(target=prune)
    thread.start()
    try:
        digests = set()
        for number in range(12):
            options = options_for(tmp_path, "scratch", f"tar://{tmp_path / f'{number}.tar'}")
            digests.add(pyjib.build(options, path=app).digest)
    finally:
        ended.set()
        thread.join()
    assert failures == []
    assert len(digests) == 1
    archives = {(tmp_path / f"{number}.tar").read_bytes() for number in range(12)}
    assert len(archives) == 1


def test_what_was_held_is_gone_after_the_build(app: Path, tmp_path: Path) -> None:
    options = options_for(tmp_path, "scratch", f"tar://{tmp_path / 'app.tar'}")
    result = pyjib.build(options, path=app)
    Store(tmp_path / "cache").prune(everything=True)
    with pytest.raises(CacheError, match="has been removed from the cache meanwhile"):
        result.layers[0].blob.open()
