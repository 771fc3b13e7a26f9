"""A build in which nothing changed: what it asks of the registry, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.errors import NotFoundError
from pyjib.oci.location import parse_location
from pyjib.serve import RegistryServer
from tests.support.fresh_runners import Runner, make_runner
from tests.support.silence import silent_server


@pytest.fixture
def runner(registry: RegistryServer, tmp_path: Path) -> Runner:
    return make_runner(registry, tmp_path)


def test_one_tag_is_two_requests(runner: Runner) -> None:
    """What the base's name stands for by now, and what the target's does."""
    first = runner.fresh()
    assert runner.again().digest == first.digest
    assert sorted(runner.asked) == ["HEAD library/jre/manifests/17", "HEAD team/app/manifests/1"]


def test_each_further_tag_is_one_more(runner: Runner) -> None:
    runner.fresh(tags=("2", "3"))
    runner.again(tags=("2",))
    assert sorted(runner.asked) == [
        "HEAD library/jre/manifests/17",
        "HEAD team/app/manifests/1",
        "HEAD team/app/manifests/2",
    ]
    runner.again(tags=("2", "3"))
    assert len(runner.asked) == 4


def test_a_base_by_digest_is_one_request(runner: Runner) -> None:
    first = runner.fresh()
    base = parse_location(f"{runner.registry.address}/library/jre@{first.base_digest}")
    runner.again(base=base)
    assert runner.asked == ["HEAD team/app/manifests/1"]


def test_the_base_is_asked_for_while_the_target_is(runner: Runner) -> None:
    """A target that never answers is not waited for where there is no base."""
    base = parse_location(f"{runner.registry.address}/library/no-such:17")
    with silent_server() as silent, pytest.raises(NotFoundError, match="no-such"):
        runner.fresh(to=[f"{silent.address}/team/app:1"], base=base)
