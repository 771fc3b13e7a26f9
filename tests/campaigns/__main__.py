"""The campaigns, and their figures: see ``scripts/crash``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.campaigns.full_disk import run_full_disks
from tests.campaigns.kills import KillCampaign, make_reference, run_crowds
from tests.campaigns.workshop import open_workshop


def main() -> None:
    """Run all campaigns, print figures, and exit with 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="scripts/crash", description=main.__doc__)
    parser.add_argument("--kills", type=int, default=300, help="how many builds to kill (300)")
    parser.add_argument("--crowds", type=int, default=10, help="rounds of eight at once (10)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (1)")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="pyjib-crash-") as scratch,
        open_workshop(Path(scratch, "work"), arguments.seed) as workshop,
    ):
        reference = make_reference(workshop)
        print(f"a build takes up to {reference.cold:.2f} s, {reference.warm:.2f} s with a cache")
        reports = []
        for run in (
            lambda: KillCampaign(workshop, reference, arguments.seed).run(arguments.kills),
            lambda: run_crowds(workshop, reference, rounds=arguments.crowds, seed=arguments.seed),
            lambda: run_full_disks(workshop, reference),
        ):
            reports.append(run())
            print(f"\n{reports[-1]}", flush=True)
    sys.exit(any(report.wrong for report in reports))


if __name__ == "__main__":
    main()
