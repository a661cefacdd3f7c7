"""What was refused in a back-test, and which limits were reached, in lines for a person."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lib.backtest.ledger import Ledger, RefusalLine


def refusal_lines(ledger: "Ledger") -> Iterator[str]:
    """Say each limit that was reached, then what was refused by bot and rule, the last of it."""
    from lib.backtest.ledger import RefusalLine

    refused: defaultdict[tuple[str, str], list[RefusalLine]] = defaultdict(list)
    for line in ledger.lines:
        if not isinstance(line, RefusalLine):
            continue
        if not line.symbol and not line.code:  # a limit of loss, not an order
            yield f"{_moment(line.time)} {line.text}"
        else:
            refused[line.bot, _rule(line)].append(line)
    for (bot, rule), lines in sorted(refused.items()):
        times = "once" if len(lines) == 1 else f"{len(lines)} times"
        yield f"{bot or 'runner'}: refused {times} by {rule}: {lines[-1].text}"


def _rule(line: "RefusalLine") -> str:
    """Name the rule: the runner's own, or what the exchange answered to."""
    return line.request if not line.code else f"the exchange ({line.code})"


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time // 1000, UTC).strftime("%Y-%m-%d %H:%M")
