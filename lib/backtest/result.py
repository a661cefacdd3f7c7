"""What a back-test brought: for each bot and symbol, and for the account as a whole."""

from dataclasses import dataclass, field
from decimal import Decimal

from lib.amounts import ZERO
from lib.backtest.backtest import Outcome
from lib.backtest.ledger import FillLine
from lib.backtest.valuation import Valuation
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
    asset = account_asset(outcome)
    opening, closing = (
        Valuation(asset, outcome.assets, prices) for prices in (outcome.opening, outcome.closing)
    )
    return AccountResult(
        asset=asset,
        began=opening.worth(outcome.balances),
        ended=closing.worth(outcome.left),
        untouched=closing.worth(outcome.balances),
        unpriced=closing.unpriced(outcome.balances.keys() | outcome.left.keys()),
    )


def account_asset(outcome: Outcome) -> str:
    """Name the asset in which the account is counted: the quote of its first symbol."""
    return outcome.assets[next(iter(outcome.closing))][1]


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
    fill = fill_of(line, row.fills)
    row.position = booked(row.position, [fill], side_of(line), assets)
    row.invested = max(row.invested, row.position.cost)
    row.fills += 1
    row.fees[line.fee_asset] = row.fees.get(line.fee_asset, ZERO) + fill.commission


def fill_of(line: FillLine, number: int) -> Fill:
    """Answer a line of the ledger as what a bot's results are counted from."""
    return Fill(
        trade_id=number,
        price=Decimal(line.price),
        quantity=Decimal(line.quantity),
        quote=Decimal(line.quote),
        commission=Decimal(line.fee),
        commission_asset=line.fee_asset,
        time=line.time,
    )


def side_of(line: FillLine) -> Side:
    return "BUY" if line.side == "BUY" else "SELL"
