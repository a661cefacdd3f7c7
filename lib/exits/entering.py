"""The settings of an entry: how much, when, at which price; and the order that they mean."""

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from lib.desk import Desk
from lib.exchange import Side
from lib.exits.levels import Part, percent
from lib.exits.sections import refuse
from lib.exits.turning import plan_turn
from lib.money import SymbolRules, plain
from lib.orders import Order
from lib.settings import Milliseconds, Settings
from lib.sizes import COINS, PERCENT, QUOTE, Size
from lib.trailing import Trail

Amount = Annotated[Decimal, Field(gt=0)]
SIDES: Final[dict[str, Side]] = {"long": "BUY", "short": "SELL"}
CONDITIONS: Final = frozenset({"COND_MARKET_ORDER", "COND_LIMIT_ORDER"})
PRICED: Final = frozenset({"LIMIT", "COND_LIMIT_ORDER"})


class EntrySettings(Settings):
    """An entry that happens once."""

    symbol: str
    type: Literal["long", "short"] = "long"  # short: sells coins you have, buys them back
    unit: Amount | None = None  # how much: coins,
    total: Amount | None = None  # or money,
    size: Part | None = None  # or a part of what is free in its wallet: "10%"
    mode: Literal["MARKET", "LIMIT", "COND_MARKET_ORDER", "COND_LIMIT_ORDER"] = "MARKET"
    price: Amount | None = None  # of a LIMIT; or where a trail is counted from
    cond_price: Amount | None = None  # COND: enter once the price came here, from the other side
    trailing: Part | None = None  # enter once the price turned: "+1%" at once, "-1%" after a fall
    entry_timeout: Milliseconds | None = None  # a LIMIT that waited this long is canceled

    @model_validator(mode="after")
    def _is_one_entry(self) -> Self:
        refuse(self._faults())
        return self

    def _faults(self) -> Iterator[str]:
        if sum(each is not None for each in (self.unit, self.total, self.size)) != 1:
            yield "how much: give one of unit, total and size"
        if self.size is not None and not 0 < self.size <= 1:
            yield f"a size of {percent(self.size)}: more than 0, at most 100%"
        if (self.mode in CONDITIONS) != (self.cond_price is not None):
            yield "cond_price belongs to COND_MARKET_ORDER and COND_LIMIT_ORDER"
        if self.mode in PRICED and self.price is None:
            yield f"{self.mode} needs a price"
        if self.price is not None and self.mode not in PRICED and self.trailing is None:
            yield f"{self.mode} takes no price"
        if self.trailing is not None and self.mode != "MARKET":
            yield "a trail ends in an order at market: leave mode out"
        if self.trailing is not None and not 0 < abs(self.trailing) < 1:
            yield f"a trail of {percent(self.trailing)}: between 0% and 100%"
        if self.entry_timeout is not None and self.mode not in PRICED:
            yield "entry_timeout is for a LIMIT"

    @property
    def side(self) -> Side:
        return SIDES[self.type]

    @property
    def sells_your_coins(self) -> bool:
        return self.type == "short"  # the person's own word

    @property
    def amount(self) -> Size:
        if self.unit is not None:
            return Size(self.unit, COINS)
        if self.total is not None:
            return Size(self.total, QUOTE)
        assert self.size is not None
        return Size(self.size.scaleb(2), PERCENT)

    @property
    def limit(self) -> Decimal | None:
        """Answer the price of its LIMIT; None at market."""
        return self.price if self.mode in PRICED else None

    @property
    def condition(self) -> tuple[Decimal | None, Decimal | None]:
        """Answer the price above which it enters, and the one below which."""
        return (self.cond_price, None) if self.type == "long" else (None, self.cond_price)

    @property
    def entry_words(self) -> str:
        """Say when and at which price it enters."""
        if self.trailing is not None:
            after = f" after {percent(-self.trailing)} against it" if self.trailing < 0 else ""
            base = f" counted from {self.price}" if self.price is not None else ""
            return f" once the price turned by {percent(abs(self.trailing))}{after}{base}"
        once = f" once the price reached {self.cond_price}" if self.cond_price is not None else ""
        return f"{once} at market" if self.price is None else f"{once} at {self.price} or better"

    @property
    def most(self) -> str:
        """Say what it spends at most."""
        if self.type == "long" and self.limit and self.unit:
            return f"{plain(self.unit * self.limit)} of the quote asset"
        return f"{self.amount} and no more than its budget"


def plan_trail(desk: Desk, conf: EntrySettings, last: Decimal) -> Trail:
    """Plan to follow the price until it turned."""
    assert conf.trailing is not None
    fixed, base = conf.price is not None, conf.price or last
    return plan_turn(conf.symbol, conf.side, conf.trailing, base=base, fixed=fixed, now=desk.now())


def plan_entry(desk: Desk, conf: EntrySettings, last: Decimal) -> Order:
    """Plan the order that enters, at a limit or at market."""
    rules, price = desk.rules(conf.symbol), conf.limit or last
    entry = Order(symbol=conf.symbol, side=conf.side, type="MARKET")
    money = _spent(desk, conf, rules)
    if money is not None:
        entry.quote_quantity = money
        return entry
    entry.quantity = desk.quantity(conf.amount, conf.symbol, side=conf.side, price=price)
    if conf.limit is not None:
        entry.type, entry.time_in_force = "LIMIT", "GTC"
        entry.price = rules.round_price(conf.limit, conf.side)
        entry.give_up_at = None if conf.entry_timeout is None else desk.now() + conf.entry_timeout
    return entry


def _spent(desk: Desk, conf: EntrySettings, rules: SymbolRules) -> Decimal | None:
    """Answer the money that an entry at market is for; None where it is for coins."""
    if not rules.quote_quantity_allowed or conf.unit is not None or conf.limit is not None:
        return None
    if conf.size is None:
        return conf.total
    if conf.type == "short":
        return None
    free = desk.wallet.free_to_buy(conf.symbol) * conf.size
    return free.quantize(Decimal(1).scaleb(-rules.quote_precision), rounding=ROUND_FLOOR)
