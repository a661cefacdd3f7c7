"""Where a bot stands and what it brought, in the words of a person."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

from lib.context_file.generation import Generation, Memory
from lib.exchange import ZERO
from lib.instructions import Instruction
from lib.money import SymbolRules, plain
from lib.news import readable
from lib.orders import LIVE, UNSETTLED, Order, OrderState


class Word(StrEnum):
    """Where a bot stands. Read by people and, in `status --json`, by programs: never renamed."""

    RUNNING = "running"
    WAITING = "waiting"  # for the exchange, or for its turn at the start
    ASKING = "asking Binance"  # whether an order arrived whose answer was lost
    STOPPED = "stopped"  # no runner is at work; it goes on with the next start
    FINISHED = "finished"
    NEEDS_YOU = "needs you"  # it stopped itself, or may not run as it is
    PAUSED = "paused"  # by the person, as are all below
    STOPPED_BY_YOU = "stopped by you"
    FLATTENING = "being flattened"
    FLATTENED = "flattened"
    KILLED = "killed"


_SAID = {Instruction.PAUSE: Word.PAUSED, Instruction.STOP: Word.STOPPED_BY_YOU}


def word_on_disk(
    generation: Generation, orders: Iterable[Order], *, runs: bool, killed: bool = False
) -> Word:
    """Say where a bot stands by its file; `runs` says whether a runner is at work."""
    if generation.parked is not None:
        return Word.NEEDS_YOU
    if generation.finished:
        return Word.FINISHED
    if not runs:
        return Word.STOPPED
    if any(map(may_have_arrived, orders)):
        return Word.ASKING
    return word_told(generation, killed=killed) or Word.RUNNING


def word_told(generation: Generation, *, killed: bool) -> Word | None:
    """Say how a bot stands by what the person said; None: nothing was said."""
    if generation.instruction is Instruction.FLATTEN:
        context = generation.context
        over = isinstance(context, dict) and context.get("over") is True
        return Word.FLATTENED if over else Word.FLATTENING
    return Word.KILLED if killed else _SAID.get(generation.instruction)


def may_have_arrived(order: Order) -> bool:
    """Say whether the exchange may have this order without our knowing."""
    return order.state in UNSETTLED - {OrderState.PLANNED}


def is_out(order: Order) -> bool:
    """Say whether the order is at the exchange, or may be."""
    return order.state in LIVE or may_have_arrived(order)


def brought(memory: Memory) -> str:
    """Say what finished orders brought, by asset, less the fees: `+0.001 BTC, -61.2 USDT`."""
    changes = {**memory.net}
    for asset, fee in memory.fees.items():
        changes[asset] = changes.get(asset, ZERO) - fee
    return ", ".join(
        f"{signed(amount)} {asset}" for asset, amount in sorted(changes.items()) if amount
    )


def worth(memory: Memory, rules: SymbolRules, price: Decimal) -> str:
    """Say the same as one amount of the quote asset, coins at their last price.

    Fees in other assets (BNB) stand beside it.
    """
    prices = {rules.base_asset: price, rules.quote_asset: Decimal(1)}
    if not memory.net.keys() <= prices.keys():
        return brought(memory)
    total = _valued(memory.net, prices) - _valued(memory.fees, prices)
    beside = [
        f"less {plain(fee)} {asset}" for asset, fee in memory.fees.items() if asset not in prices
    ]
    return ", ".join([f"{signed(_short(total))} {rules.quote_asset}", *beside])


def signed(amount: Decimal) -> str:
    """Write an amount with its sign."""
    return f"+{readable(amount)}" if amount > 0 else readable(amount)


def in_short(orders: Iterable[Order]) -> str:
    """Name the orders that are out in a few words: `sell 61000`, `3: buy 60500 …`."""
    out = [order for order in orders if is_out(order)]
    if not out:
        return "-"
    first = out[0]
    price = first.price or first.stop_price
    words = f"{first.side.lower()} {plain(price) if price else 'at market'}"
    return words if len(out) == 1 else f"{len(out)}: {words} …"


def _short(amount: Decimal) -> Decimal:
    """Keep five significant digits, and two decimals at least."""
    return amount.quantize(Decimal(1).scaleb(min(-2, amount.adjusted() - 4))) if amount else amount


def _valued(amounts: Mapping[str, Decimal], prices: Mapping[str, Decimal]) -> Decimal:
    return sum(
        (amount * prices[asset] for asset, amount in amounts.items() if asset in prices), ZERO
    )
