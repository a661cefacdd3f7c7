"""A runner on paper: the exchange is inside its process, and they live and die together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lib.control.venue_choice import BALANCES, BOOKS
from lib.torture.arena import Lives
from lib.torture.audit import audit
from lib.torture.ledger import Ledger, ledger_in
from lib.torture.venue import SPEED


class PaperArena(Lives):
    """Lives whose exchange has its books beside the contexts."""

    def __init__(self, folder: Path, bots: Mapping[str, Any], *, seed: int) -> None:
        super().__init__(folder, bots, seed=seed)
        self.options = ("--venue", "paper", "--speed", str(SPEED), "--seed", str(seed))

    def audit(self) -> Ledger:
        ledger = ledger_in(self.ctx / BOOKS)
        audit(self.ctx, ledger, BALANCES if ledger.balances else {})
        return ledger
