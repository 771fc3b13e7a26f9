from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.campaigns.full_disk import run_full_disks, why_not
from tests.campaigns.kills import KillCampaign, Reference, make_reference, run_crowds
from tests.campaigns.workshop import Workshop, open_workshop

pytestmark = pytest.mark.crash

SEED = 20


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with open_workshop(tmp_path_factory.mktemp("crash") / "work", SEED) as opened:
        yield opened


@pytest.fixture(scope="module")
def reference(workshop: Workshop) -> Reference:
    return make_reference(workshop)


def test_nothing_is_lost_when_builds_are_killed(workshop: Workshop, reference: Reference) -> None:
    report = KillCampaign(workshop, reference, SEED).run(15)
    print(report)
    assert report.wrong == []


def test_many_builds_share_a_store(workshop: Workshop, reference: Reference) -> None:
    report = run_crowds(workshop, reference, rounds=1, seed=SEED)
    print(report)
    assert report.wrong == []


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_no_room(workshop: Workshop, reference: Reference) -> None:
    report = run_full_disks(workshop, reference, (64, 3000))
    print(report)
    if any(what.startswith("skipped") for what in report.figures):
        pytest.skip("this machine lets nobody mount a file system")
    assert report.wrong == []
