"""Tortures the program and writes down what came of it: make torture, or make torture SHARE=0.1.

python -m tests.torture [NAME ...] [--share 0.1] [--seed 17] [--cores 2] [--anew]
"""

import argparse
import os
import platform
import signal
import sys
from pathlib import Path

from tests.torture.campaign import Campaign, planned
from tests.torture.catalogue import experiments
from tests.torture.records import FOLDER, ROOT, Records, state_of_the_code
from tests.torture.report import report

PAGE = ROOT / "docs" / "resilience.md"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which experiments; all")
    parser.add_argument("--share", type=float, default=1.0, help="how much of a whole run; 1")
    parser.add_argument("--seed", type=int, help="make one attempt, with this seed; no report")
    parser.add_argument("--cores", type=float, default=os.cpu_count() or 1, help="to keep busy")
    parser.add_argument("--anew", action="store_true", help="forget what was recorded of them")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the report goes")
    return parser.parse_args()


def main() -> int:
    """Run what is not recorded yet of this code, then write the page of all that is."""
    options, code = arguments(), state_of_the_code()
    known = experiments()
    if unknown := set(options.names) - {each.name for each in known}:
        sys.exit(f"no experiment {sorted(unknown)}; there are {[each.name for each in known]}")
    wanted = [each for each in known if each.name in options.names or not options.names]
    able = [each for each in wanted if not each.lacks()]
    for each in wanted:
        if each not in able:
            print(f"left out: {each.name}: {each.lacks()}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended; what was finished is recorded"))
    alone = options.seed is not None
    records = Records(FOLDER / (f"one-{options.seed}.jsonl" if alone else f"{code}.jsonl"))
    if options.anew or alone:
        records.forget(options.names)
    attempts = planned(able, 0 if alone else options.share, options.seed or 0)
    campaign = Campaign(attempts, records, options.cores, tell=lambda line: print(line, flush=True))
    print(f"{campaign.done} of {campaign.all} attempts on {code} are recorded", flush=True)
    campaign.run()
    lost = [r for r in records for e in wanted if r.experiment == e.name and not e.expects_losses]
    losses = [loss for record in lost for loss in record.outcome.losses]
    if not alone:
        options.page.write_text(report(known, records, code, _machine()))
    for loss in losses if alone else losses[:3]:
        print(loss)
    print(f"{len(losses)} losses" if losses else "nothing was lost")
    return 1 if losses else 0


def _machine() -> str:
    return f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
