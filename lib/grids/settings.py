"""What a person sets of a grid: what belongs together, what is nonsense, and what it will do."""

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from lib.errors import Halt
from lib.exchange import ZERO
from lib.grids.cells import (
    PLACES,
    Cells,
    Currency,
    quantity_in,
    worth_in_turns,
)
from lib.grids.lines import SHARP, Lines, are_distinct, cell_at, line, profit_range, turn_profit
from lib.money import MARKET_MARGIN, SymbolRules, plain
from lib.news import readable
from lib.settings import Settings
from lib.sizes import COINS, PERCENT, Size

Amount = Annotated[Decimal, Field(gt=0)]
Fraction = Annotated[Decimal, Field(gt=0, lt=1)]

INTERVALS_MAX: Final = 500
WINDOW_MIN: Final = 6  # rungs of an endless grid: it moves two cells away from its middle


class End(Settings):
    """A price that ends the grid: orders canceled, then its coins sold at market, or kept."""

    price: Amount
    then: Literal["sell", "keep"] = "sell"


class GridSettings(Settings):
    symbol: str
    kind: Literal["arithmetic", "geometric", "infinity"] = "geometric"
    lower: Amount
    upper: Amount | None = None
    intervals: Annotated[int, Field(ge=1, le=INTERVALS_MAX)] | None = None
    lines: Annotated[int, Field(ge=2, le=INTERVALS_MAX + 1)] | None = None
    step: Fraction | None = None  # infinity: from one line to the next
    quantity: Size | None = None  # dealt in each interval: coins, or money
    investment: Amount | None = None  # quote for all of it, instead
    coins: Literal["buy", "own"] = "buy"  # what the sells above the price begin with
    profit_in: Currency = "quote"
    nearest: Annotated[int, Field(ge=2, le=150)] = 20  # how many orders rest at once
    fee_rate: Annotated[Decimal, Field(ge=0, lt=Decimal("0.1"))] = Decimal("0.001")
    trigger: Amount | None = None  # begin once the last price came to this
    stop_loss: End | None = None
    take_profit: End | None = None
    trailing_up_until: Amount | None = None
    trailing_down_until: Amount | None = None

    @property
    def sells_your_coins(self) -> bool:
        return self.coins == "own"

    @property
    def count(self) -> int:
        """How many intervals are named."""
        return self.intervals if self.intervals is not None else (self.lines or 1) - 1

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        wrong = list(_wrong_shape(self)) or list(_wrong_terms(self))
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def plan_text(self) -> str:
        return " ".join((_what(self), _how(self), _worst_case(self)))


# --- what is nonsense


def _wrong_shape(conf: GridSettings) -> Iterator[str]:
    if conf.kind == "infinity":
        yield from _wrong_infinity(conf)
        return
    if conf.step is not None:
        yield "step is for infinity: give intervals or lines"
    if conf.upper is None or conf.upper <= conf.lower:
        yield f"upper must be given and above lower ({plain(conf.lower)})"
    if (conf.intervals is None) == (conf.lines is None):
        yield "give either intervals or lines (lines = intervals + 1)"
    if (conf.quantity is None) == (conf.investment is None):
        yield "give either quantity (of each interval) or investment (for all of them)"
    if conf.quantity is not None and conf.quantity.unit == PERCENT:
        yield 'quantity is of each interval: coins like 0.001 or money like "50 USDT", no part'


def _wrong_infinity(conf: GridSettings) -> Iterator[str]:
    given = ("upper", "intervals", "lines", "quantity", "trailing_up_until", "trailing_down_until")
    for name in given:
        if getattr(conf, name) is not None:
            yield f"an infinity grid takes no {name}"
    if conf.step is None or conf.investment is None:
        yield "an infinity grid needs step and investment"
    if conf.profit_in == "base":
        yield "an infinity grid takes its profit in quote: it keeps its coins worth the same"
    if conf.nearest < WINDOW_MIN:
        yield f"an infinity grid needs nearest of at least {WINDOW_MIN}"


def _wrong_terms(conf: GridSettings) -> Iterator[str]:
    lines = lines_of(conf)
    least, _ = profit_range(lines, conf.fee_rate)
    if least <= 0:
        yield (
            f"a turn would bring {percent(least)} after two fees of {percent(conf.fee_rate)}: "
            "fewer lines, or a wider range"
        )
    if conf.stop_loss and conf.stop_loss.price >= (conf.trailing_down_until or conf.lower):
        yield "stop_loss must be below every line: below lower, and below trailing_down_until"
    yield from _wrong_above(conf)
    if conf.trailing_down_until and conf.trailing_down_until >= conf.lower:
        yield "trailing_down_until must be below lower"


def _wrong_above(conf: GridSettings) -> Iterator[str]:
    highest = conf.trailing_up_until or conf.upper or conf.lower
    if conf.take_profit and conf.take_profit.price <= highest:
        yield "take_profit must be above every line: above upper, and above trailing_up_until"
    if conf.trailing_up_until is None or conf.upper is None:
        return
    if conf.trailing_up_until <= conf.upper:
        yield "trailing_up_until must be above upper"
        return
    lines = lines_of(conf)
    least = turn_profit(lines, cell_at(lines, conf.trailing_up_until) - 1, conf.fee_rate)
    if least <= 0:
        yield f"near trailing_up_until a turn would bring {percent(least)} after its fees"
    if _deals_in_coins(conf):
        yield "trailing up needs a quantity in money: the same coins cost more at every line"
    if conf.profit_in == "base":
        yield "trailing up needs its profit in quote: that pays for the lines above"


def _deals_in_coins(conf: GridSettings) -> bool:
    """Say whether a quantity is one of coins, by the name of the symbol alone."""
    if conf.quantity is None:
        return False
    return conf.quantity.unit == COINS or conf.symbol.startswith(conf.quantity.unit)


# --- what becomes of it


def lines_of(conf: GridSettings, tick: Decimal = ZERO) -> Lines:
    """Answer where the lines of a conf are."""
    if conf.kind == "infinity":
        assert conf.step is not None
        upper, count = SHARP.multiply(conf.lower, 1 + conf.step), 1
    else:
        assert conf.upper is not None
        upper, count = conf.upper, conf.count
    spacing: Literal["arithmetic", "geometric"] = (
        "arithmetic" if conf.kind == "arithmetic" else "geometric"
    )
    return Lines(spacing=spacing, lower=conf.lower, upper=upper, intervals=count, tick=tick)


def cells_of(conf: GridSettings, rules: SymbolRules, price: Decimal) -> Cells:
    """Answer the cells of a grid that begins at a price. Raises Halt for what cannot be."""
    lines = lines_of(conf, rules.prices.tick)
    coins, money = _size(conf, rules, lines, price)
    cells = Cells(
        symbol=conf.symbol,
        base_asset=rules.base_asset,
        quote_asset=rules.quote_asset,
        lines=lines,
        coins=coins,
        money=money,
        profit_in=conf.profit_in,
        fee_rate=conf.fee_rate,
        begun_at=price,
        stop_below=conf.stop_loss and conf.stop_loss.price,
        stop_above=conf.take_profit and conf.take_profit.price,
        sells_below=conf.stop_loss is None or conf.stop_loss.then == "sell",
        sells_above=conf.take_profit is None or conf.take_profit.then == "sell",
        up_until=conf.trailing_up_until,
        down_until=conf.trailing_down_until,
        endless=conf.kind == "infinity",
    )
    wrong = next(_impossible(rules, cells, price), "")
    if wrong:
        raise Halt(wrong)
    return cells


def _size(
    conf: GridSettings, rules: SymbolRules, lines: Lines, price: Decimal
) -> tuple[Decimal | None, Decimal | None]:
    """Answer what each cell deals in: coins or money."""
    size = conf.quantity
    if size is None:
        return None, _share(conf, lines, price)
    if size.unit in {COINS, rules.base_asset}:
        return size.amount, None
    if size.unit not in {"quote", rules.quote_asset}:
        raise Halt(f"a size of {size} in {rules.symbol}: it trades {rules.base_asset}")
    return None, size.amount


def _share(conf: GridSettings, lines: Lines, price: Decimal) -> Decimal:
    """Answer a cell's part of the investment, with room for the fees.

    Of an endless grid: as much as lets its coins, and every buy down to the lowest line, be paid.
    """
    assert conf.investment is not None
    shares = Decimal(lines.intervals)
    if conf.kind == "infinity":
        below = max(0, cell_at(lines, price) + 1) if price > conf.lower else 0
        shares = below + SHARP.multiply(worth_in_turns(lines), 1 + MARKET_MARGIN)
    share = SHARP.divide(conf.investment, shares * (1 + 2 * conf.fee_rate))
    return share.quantize(PLACES, ROUND_FLOOR)


def _impossible(rules: SymbolRules, cells: Cells, price: Decimal) -> Iterator[str]:
    """Say what the symbol's steps or the market make impossible."""
    lines = cells.lines
    numbers = [cell_at(lines, price)] if cells.endless else list(cells.numbers)
    if cells.endless and price <= lines.lower:
        yield f"the price is {plain(price)}, below the lowest line of an endless grid"
    if not are_distinct(lines, [*numbers, numbers[-1] + 1]):
        yield f"two lines share a tick of {plain(lines.tick)}: fewer lines, or a wider range"
    least = min(turn_profit(lines, number, cells.fee_rate) for number in numbers)
    if least <= 0:
        yield f"on the ticks of {rules.symbol} a turn would bring {percent(least)} after its fees"
    if cells.stop_below is not None and price <= cells.stop_below:
        yield f"the price is {plain(price)}, beyond the stop loss already"
    if cells.stop_above is not None and price >= cells.stop_above:
        yield f"the price is {plain(price)}, beyond the take profit already"
    yield from _too_small(rules, cells, numbers)


def _too_small(rules: SymbolRules, cells: Cells, numbers: list[int]) -> Iterator[str]:
    for number in numbers:
        quantity, at = quantity_in(rules, cells, number), line(cells.lines, number)
        least = rules.notional.smallest
        if quantity < rules.lot.smallest or not quantity or quantity * at < least:
            yield (
                f"{plain(quantity)} {rules.base_asset} at {plain(at)} in one interval is less than "
                f"the exchange takes (worth {plain(least)} {rules.quote_asset}, "
                f"{plain(rules.lot.smallest)} {rules.base_asset})"
            )


# --- what it says of itself


def percent(fraction: Decimal) -> str:
    """Write a fraction as a person would."""
    return f"{plain((fraction * 100).quantize(Decimal('0.01')))} %"


def _what(conf: GridSettings) -> str:
    lines = lines_of(conf)
    least, most = profit_range(lines, conf.fee_rate)
    turn = (
        percent(least)
        if percent(least) == percent(most)
        else f"{percent(least)} to {percent(most)}"
    )
    if conf.kind == "infinity":
        assert conf.step is not None
        where = f"An infinity grid on {conf.symbol} from {plain(conf.lower)} up, a line every "
        where += percent(conf.step)
    else:
        assert conf.upper is not None
        where = f"A grid of {conf.count} {conf.kind} intervals ({conf.count + 1} lines) on "
        where += f"{conf.symbol} from {plain(conf.lower)} to {plain(conf.upper)}"
    return (
        f"{where}: buys on each line, sells one line above; a turn brings {turn} after two fees of "
        f"{percent(conf.fee_rate)}, in {conf.profit_in}."
    )


def _how(conf: GridSettings) -> str:
    said = []
    if conf.trigger is not None:
        said.append(f"Begins once the price came to {plain(conf.trigger)}.")
    stock = "sells coins that you have" if conf.coins == "own" else "first buys at market"
    said.append(f"For the lines above the price it {stock}; {conf.nearest} orders rest at most.")
    if conf.trailing_up_until is not None:
        said.append(f"Follows the price up to {plain(conf.trailing_up_until)}.")
    if conf.trailing_down_until is not None:
        said.append(f"Follows it down to {plain(conf.trailing_down_until)}, selling at a loss.")
    for word, end in (("falls", conf.stop_loss), ("rises", conf.take_profit)):
        if end is not None:
            then = "sells all its coins at market" if end.then == "sell" else "keeps its coins"
            said.append(f"If it {word} to {plain(end.price)} the grid ends and {then}.")
    return " ".join(said)


def _worst_case(conf: GridSettings) -> str:
    spends, coins = _most(conf)
    worst = "the price falls below every line and stays there"
    left = f"it then holds the coins it bought{f' (up to {readable(coins)})' if coins else ''}"
    if conf.stop_loss is not None and conf.stop_loss.then == "sell":
        worst = f"the price falls to {plain(conf.stop_loss.price)}"
        left = "it sells what it bought at market then, or lower if it was away meanwhile"
    return f"Spends at most {readable(spends)} of the quote asset. Worst case: {worst}; {left}."


def _most(conf: GridSettings) -> tuple[Decimal, Decimal]:
    """Answer what all cells may spend at most, and the coins that is; 0 where that is open."""
    if conf.investment is not None:
        return conf.investment, ZERO
    assert conf.quantity is not None
    lines, spends, coins = lines_of(conf), ZERO, ZERO
    for number in range(conf.count):
        low, high = line(lines, number), line(lines, number + 1)
        bought = conf.quantity.amount
        if not _deals_in_coins(conf):
            bought = SHARP.divide(bought, low)
        spends, coins = spends + bought * high, coins + bought
    return spends, coins
