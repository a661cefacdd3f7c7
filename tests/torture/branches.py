"""The ways of recovery, and whether a campaign went each of them: the untried proves nothing.

A branch is known by what can be heard of it: a line of the transcript, whoever said it.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from tests.transcript import Transcript

BRANCHES: Final[dict[str, str]] = {
    "in doubt, found open": r"was found: new",
    "in doubt, found filled": r"was found: filled",
    "in doubt, found filled in part": r"was found: partially_filled",
    "in doubt, found ended": r"was found: (canceled|expired)",
    "presumed absent after every proof": r"never reached the exchange",
    "sent again under a new id": r"never reached the exchange.*POST order",
    "probed by a cancel, nothing rested": r"in doubt.*DELETE.*400 Unknown order sent",
    "probed by a cancel, it did rest": r"canceled while in doubt",
    "refused as too late by the exchange": r"arrives late: \w+ \S+, 400",
    "accepted after its sender had died": r"FAILS.*arrives late: POST \S+, 200",
    "cancel met a fill": r"answers DELETE: 400 Unknown order sent.*FILLED",
    "trades missing, then found": r"myTrades is asked",
    "one slot whole, proven against the exchange": r"one whole slot",
    "save failed, written again": r"fdatasync fails|write fails",
    "plan past its best-before": r"past its best-before",
    "the stream was lost and is back": r"the user stream is back",
    "the account was stale": r"the exchange does not answer",
    "list in doubt, found": r"(?:OCO|OTO|OTOCO) of [^\n]* was found",
    "list presumed absent": r"POST orderList(?:(?!POST order ).)*never reached",
    "amended": r"answers PUT: 200",
}


def reached(transcript: Transcript) -> Counter[str]:
    """Count the branches that a story went, each once."""
    text = transcript.heard()
    return Counter(name for name, heard in _PATTERNS.items() if heard.search(text))


def missing(found: Iterable[str]) -> list[str]:
    """Name the branches that nobody went."""
    return sorted(BRANCHES.keys() - set(found))


_PATTERNS: Final = {name: re.compile(heard, re.DOTALL) for name, heard in BRANCHES.items()}
