"""What a person sets of winter and summer, whatever the two fractions are called."""

import re
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from lib.closed_candles import LongInterval
from lib.desk import Desk
from lib.errors import Halt
from lib.exchange import ZERO
from lib.machine import Context
from lib.money import plain
from lib.seasons.season import Seasons, Terms, find_top, plan_seasons
from lib.settings import DURATION_PATTERN, Settings, milliseconds
from lib.sizes import COINS, HUNDRED, PERCENT, Size

Fraction = Annotated[Decimal, Field(gt=0, lt=1)]

SPANS: Final = {"day": 1, "week": 7, "month": 31, "year": 366}
SPAN_PATTERN: Final = r"([0-9]{1,3}) (day|week|month|year)s?( ago)?( UTC)?"


def read_span(value: object) -> int:
    """Read "5 years ago UTC", "18 months" or a duration like "365d", in ms."""
    found = re.fullmatch(SPAN_PATTERN, value) if isinstance(value, str) else None
    if found is None:
        return milliseconds(value)
    return milliseconds(f"{int(found[1]) * SPANS[found[2]]}d")


Span = Annotated[
    int,
    BeforeValidator(read_span),
    WithJsonSchema({
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": DURATION_PATTERN},
            {"type": "string", "pattern": f"^{SPAN_PATTERN}$"},
        ],
        "description": 'How far back: "5 years ago UTC", "18 months", "365d".',
    }),
]


class SeasonSettings(Settings):
    symbol: str
    quote_quantity: Size | None = None  # money it begins with: 500, or "25%" of what is free
    base_quantity: Size | None = None  # coins it begins with
    interval: LongInterval = "1w"
    interval_top: LongInterval = "1w"
    history_top: Span = 5 * 366 * 86_400_000
    top: Annotated[Decimal, Field(gt=0)] | None = None  # instead of what the history says
    laps: Annotated[int, Field(ge=0)] = 0  # summers; 0: for ever

    @model_validator(mode="after")
    def _begins_with_something(self) -> Self:
        if self.quote_quantity is None and self.base_quantity is None:
            raise ValueError("give quote_quantity, base_quantity, or both: what it begins with")
        return self

    @property
    def sells_your_coins(self) -> bool:
        return self.base_quantity is not None

    @property
    def terms(self) -> Terms:
        """What a season begins with."""
        raise NotImplementedError

    @property
    def plan_text(self) -> str:
        terms = self.terms
        kind = "average" if terms.mean == "ohlc" else "middle"
        top = f"{plain(self.top)}" if self.top else "the highest price of its history"
        begins = " and ".join(_begins_with(self))
        return (
            f"Begins with {begins}; if with both, the smaller one is dealt at market at once. In "
            f"winter buys {self.symbol} for all its money {plain(terms.drop * 100)} % below the "
            f"{kind} of the newest {self.interval} candle; in summer sells all of it "
            f"{plain(terms.rise * 100)} % above {top}, never below what it paid. Never spends more "
            "than it has. Worst case: the price falls on after the buy; there is no stop, it holds "
            "the coins until the top comes back."
        )


class SeasonCtx(Context):
    """What it remembers."""

    seasons: Seasons | None = None

    @property
    def holding(self) -> str:
        return self.seasons.holding if self.seasons else ""


async def begin_seasons(desk: Desk, conf: SeasonSettings) -> Seasons:
    """Decide in which season it begins, and with what. Raises Halt, Unavailable."""
    terms, rules = conf.terms, desk.rules(conf.symbol)
    top, price = await find_top(desk, conf.terms), await desk.price(conf.symbol)
    wallet = desk.wallet
    quote = _amount(conf.quote_quantity, wallet.free_to_buy(conf.symbol), rules.quote_asset)
    base = _amount(conf.base_quantity, wallet.free_to_sell(conf.symbol), rules.base_asset)
    if max(base * price, quote) < rules.notional.smallest:
        raise Halt(f"there is nothing to begin with: {plain(base)} coins, {plain(quote)} of money")
    return plan_seasons(rules, terms, base=base, quote=quote, price=price, top=top)


def _amount(size: Size | None, free: Decimal, asset: str) -> Decimal:
    """Answer how much of an asset a size means. Raises Halt for more than is free."""
    if size is None:
        return ZERO
    if size.unit not in {COINS, PERCENT, asset}:
        raise Halt(f"a quantity of {size}, where one of {asset} is meant")
    amount = free * size.amount / HUNDRED if size.unit == PERCENT else size.amount
    if amount > free:
        raise Halt(f"it is to begin with {plain(amount)} {asset}, free for it are {plain(free)}")
    return amount


def _begins_with(conf: SeasonSettings) -> list[str]:
    parts = ((conf.quote_quantity, "of the quote asset"), (conf.base_quantity, "coins"))
    return [f"{size} {words}" for size, words in parts if size is not None]
