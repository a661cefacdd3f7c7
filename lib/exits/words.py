"""A position in a person's words: what will end it, what may be lost, what it brought."""

from collections.abc import Iterator
from decimal import Decimal

from lib.exits.confirming import Confirmation
from lib.exits.holding import Holding
from lib.exits.levels import Level, percent
from lib.exits.sections import LOTS_MAX, StopLoss, TakeProfit, has_room, shares_of
from lib.news import readable
from lib.quotes import Base


def words_of(targets: tuple[TakeProfit, ...], stop: StopLoss | None) -> Iterator[str]:
    """Say what ends the position, and what of it the exchange sees to."""
    for target, share in zip(targets, shares_of(targets), strict=False):
        much = f"{percent(share)} of it" if len(targets) > 1 else "it"
        yield f"takes {much} out {_where(target.price, target.base)}{_target_words(target)}"
    if stop is not None:
        yield f"limits the loss {_where(stop.price, stop.base)}{_stop_words(stop)}"
    here = list(_watched_here(targets, stop))
    if here:
        yield f"only while this program runs: {', '.join(here)}; all else stands at the exchange"
    elif targets or stop:
        yield "all of that stands at the exchange and needs nobody here"


def worst_case(stop: StopLoss | None) -> str:
    """Say what may be lost."""
    if stop is None:
        return "without a stop it keeps what it entered, whatever that is worth"
    where = f"{-stop.price.amount} of the quote asset" if stop.price.is_loss else f"{stop.price}"
    by_limit = stop.mode_sell is not None or stop.order_price is not None
    rests = " unless the market jumps over its limit" if by_limit and not stop.sell_timeout else ""
    kind = "the loss" if stop.price.is_loss or stop.price.relative else "the exit"
    return f"{kind} is {where}, plus fees and what the market moves while it is sold{rests}"


def result_text(held: Holding) -> str:
    """Say what it brought: by asset, as the fills had it."""
    if not held.opening.filled:
        return f"{held.symbol}: nothing was entered ({held.opening.reason or held.opening.state})"
    moved = ", ".join(f"{asset} {_change(by)}" for asset, by in held.moved.items() if by)
    why = "; ".join(dict.fromkeys(lot.because for lot in held.lots if lot.because))
    return f"{held.symbol}: {moved} ({why or 'entered'})"


def _change(amount: Decimal) -> str:
    return f"{'+' if amount > 0 else '-'}{readable(abs(amount))}"


# --- the parts


def _where(price: Level, base: Base) -> str:
    beside = "" if base == "last" else f" by the {base}"
    if price.is_loss:
        return f"at {-price.amount} of the quote asset{beside}"
    return f"at {price} from the entry{beside}" if price.relative else f"at {price}{beside}"


def _target_words(target: TakeProfit) -> str:
    said = []
    if target.trailing is not None:
        later = f", begun {percent(target.trailing)} later" if target.trailing > 0 else ""
        said.append(f"following the price {percent(abs(target.trailing))} behind{later}")
    if target.minimal is not None:
        levels = "and each such level after it, " if target.minimal_trailing else ""
        said.append(f"{percent(target.minimal)}, {levels}is kept once it lasted")
    said += [f"once confirmed {target.confirm.words}"] if target.confirm else []
    return "".join(f", {each}" for each in [*said, *_way_words(target)])


def _stop_words(stop: StopLoss) -> str:
    said = ["following the price"] if stop.trailing else []
    confirm = stop.confirm or Confirmation(stop.timeout)
    said += [f"once confirmed {confirm.words}"] if confirm else []
    if stop.break_even is not None:
        said.append(f"moved to {percent(stop.break_even)} beyond the entry by the first target")
    if stop.order_price is not None:
        said.append(f"by a limit at {stop.order_price}")
    return "".join(f", {each}" for each in [*said, *_way_words(stop)])


def _way_words(section: TakeProfit | StopLoss) -> Iterator[str]:
    if section.mode_sell is not None:
        yield f"by a limit {percent(section.mode_sell)} from the trigger"
    is_limit = section.mode_sell is not None or getattr(section, "order_price", None) is not None
    if section.sell_timeout is not None:
        yield f"at market after {section.sell_timeout // 1000} s"
    elif is_limit and isinstance(section, StopLoss):
        yield "which may be jumped over and then rests"


def _watched_here(targets: tuple[TakeProfit, ...], stop: StopLoss | None) -> Iterator[str]:
    for number, target in enumerate(targets, 1):
        name = f"target {number}" if len(targets) > 1 else "the target"
        limit_trails = target.trailing is not None and target.mode_sell is not None
        if target.base != "last" or target.confirm or limit_trails:
            yield name
        elif target.trailing is not None and not _in_basis_points(target.trailing):
            yield f"the trail of {name}"
        elif not has_room(number, targets, stop):
            yield f"{name} (Binance takes {LOTS_MAX} stops on a symbol)"
        if target.minimal is not None:
            yield "that a smaller profit lasted"
    if stop is not None:
        if stop.base != "last" or stop.timeout or stop.confirm:
            yield "the stop"
        elif stop.trailing and (stop.mode_sell is not None or stop.order_price is not None):
            yield "that the stop follows"
    if stop is not None and stop.break_even is not None:
        yield "that the stop moves to the entry"


def _in_basis_points(trailing: Decimal) -> bool:
    bips = abs(trailing) * 10_000
    return bips == int(bips) and 10 <= bips <= 2_000
