"""What a back-test brought: for each bot and symbol, and for the account as a whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from lib.amounts import ZERO
from lib.backtest.backtest import Outcome
from lib.backtest.ledger import FillLine
from lib.exchange import Fill, Side
from lib.results import Position, booked


@dataclass(slots=True)
class BotResult:
    """One bot on one symbol; amounts of money in the symbol's quote asset."""

    bot: str
    symbol: str
    quote_asset: str
    fills: int = 0
    fees: dict[str, Decimal] = field(default_factory=dict)  # by asset
    position: Position = field(default_factory=Position)
    invested: Decimal = ZERO  # the most that its coins ever had cost
    price: Decimal = ZERO  # the last one of the period
    change: Decimal = ZERO  # of the price over the period, as a share

    @property
    def result(self) -> Decimal:
        """Realised, and what is held at the last price; fees are inside, those in BNB beside."""
        return self.position.realised + self.position.unrealised(self.price)

    @property
    def held_instead(self) -> Decimal:
        """What the most it ever invested would have brought, held from the first price on."""
        return self.invested * self.change


@dataclass(frozen=True, slots=True)
class AccountResult:
    """The account in one asset, at the prices of the beginning and of the end."""

    asset: str
    began: Decimal
    ended: Decimal
    untouched: Decimal  # what it would be worth at the end without a trade
    unpriced: tuple[str, ...]  # assets that no played symbol prices: left out of all three

    @property
    def result(self) -> Decimal:
        return self.ended - self.began


def bot_results(outcome: Outcome) -> list[BotResult]:
    """Add up each bot's fills, by symbol; a bot that never traded has no row."""
    found: dict[tuple[str, str], BotResult] = {}
    for line in outcome.ledger.fills:
        row = found.get((line.bot, line.symbol))
        if row is None:
            row = found[line.bot, line.symbol] = _row(outcome, line)
        _book(row, line, outcome.assets[line.symbol])
    return [found[key] for key in sorted(found)]


def account_result(outcome: Outcome) -> AccountResult | None:
    """Price the account in the quote asset of its first symbol; None without a price."""
    if not outcome.closing:
        return None
    asset = outcome.assets[next(iter(outcome.closing))][1]
    opening, closing = (
        dict(_priced_in(asset, outcome, prices)) for prices in (outcome.opening, outcome.closing)
    )
    names = outcome.balances.keys() | outcome.left.keys()
    return AccountResult(
        asset=asset,
        began=_worth(outcome.balances, opening),
        ended=_worth(outcome.left, closing),
        untouched=_worth(outcome.balances, closing),
        unpriced=tuple(sorted(names - closing.keys())),
    )


def _row(outcome: Outcome, line: FillLine) -> BotResult:
    first, last = outcome.opening[line.symbol], outcome.closing[line.symbol]
    return BotResult(
        bot=line.bot,
        symbol=line.symbol,
        quote_asset=outcome.assets[line.symbol][1],
        price=last,
        change=last / first - 1,
    )


def _book(row: BotResult, line: FillLine, assets: tuple[str, str]) -> None:
    fill = Fill(
        trade_id=row.fills,
        price=Decimal(line.price),
        quantity=Decimal(line.quantity),
        quote=Decimal(line.quote),
        commission=Decimal(line.fee),
        commission_asset=line.fee_asset,
        time=line.time,
    )
    side: Side = "BUY" if line.side == "BUY" else "SELL"
    row.position = booked(row.position, [fill], side, assets)
    row.invested = max(row.invested, row.position.cost)
    row.fills += 1
    row.fees[line.fee_asset] = row.fees.get(line.fee_asset, ZERO) + fill.commission


def _priced_in(
    asset: str, outcome: Outcome, prices: Mapping[str, Decimal]
) -> Iterator[tuple[str, Decimal]]:
    yield asset, Decimal(1)
    for symbol, price in prices.items():
        base, quote = outcome.assets[symbol]
        if quote == asset:
            yield base, price


def _worth(amounts: Mapping[str, Decimal], prices: Mapping[str, Decimal]) -> Decimal:
    return sum((amount * prices.get(asset, ZERO) for asset, amount in amounts.items()), ZERO)
