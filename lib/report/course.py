"""The course of a finished run: the account and each bot, close by close, and its closed trades.

A bot's curve is its capital and what its own fills have moved, at the prices of the moment; the
account's is its balances and what all fills have moved. So the bots' gains add up to the
account's, and fees in any asset are inside.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lib.amounts import ZERO
from lib.backtest.backtest import Outcome
from lib.backtest.ledger import FillLine
from lib.backtest.result import account_asset, side_of
from lib.backtest.valuation import Valuation, moved
from lib.report.curve import Curve
from lib.report.round_trips import RoundTrips, Trade
from lib.report.tape import Tape, closes

TOTAL: Final = ""  # the account as a whole


class Runner:
    """One bot, or the whole account, on its course."""

    def __init__(self, name: str, symbols: Sequence[str], began: Decimal, curve: Curve) -> None:
        self.name = name
        self.symbols = tuple(symbols)
        self.began = began
        self.curve = curve
        self.amounts: dict[str, Decimal] = {}  # beside its capital
        self.fees = ZERO
        self.bought = ZERO
        self.sold = ZERO
        self.fills = 0
        self.trips: dict[str, RoundTrips] = {}
        self.instead: dict[str, Decimal] = {}  # what buying and holding would hold

    def add(self, asset: str, amount: Decimal) -> None:
        self.amounts[asset] = self.amounts.get(asset, ZERO) + amount

    @property
    def trades(self) -> list[Trade]:
        """Answer its closed trades, oldest first."""
        found = [trade for trips in self.trips.values() for trade in trips.trades]
        return sorted(found, key=lambda trade: (trade.exited_at, trade.order))


@dataclass(frozen=True, slots=True)
class Course:
    """What became of a run. `asset` is what the account is counted in."""

    asset: str
    begins: int
    ends: int
    total: Runner
    bots: Mapping[str, Runner]
    unpriced: tuple[str, ...]


def course_of(
    outcome: Outcome, tape: Tape, *, capitals: Mapping[str, Decimal] | None = None
) -> Course:
    """Follow a finished run from its first price to its last.

    However many bars it had, a point a day is kept, some to draw, and the closed trades.
    `capitals`: what each bot has to work with, in the account's asset; without a word it is all
    that the account began with.
    """
    return _Following(outcome, capitals or {}).through(tape)


class _Following:
    """One reading of a run, from the first price to the last."""

    def __init__(self, outcome: Outcome, capitals: Mapping[str, Decimal]) -> None:
        self._outcome = outcome
        self._values = Valuation(account_asset(outcome), outcome.assets, outcome.opening)
        self._fills = outcome.ledger.fills
        self._next: FillLine | None = next(self._fills, None)
        began = self._values.worth(outcome.balances)
        symbols = _symbols_of(outcome)
        traded = {symbol for own in symbols.values() for symbol in own}
        played = tuple(outcome.closing)
        shown = tuple(symbol for symbol in played if symbol in traded) or played
        self._total = self._runner(TOTAL, shown, began)
        self._total.amounts = dict(outcome.balances)
        self._bots = {
            name: self._runner(name, symbols.get(name, ()), capitals.get(name, began))
            for name in outcome.standings.keys() | symbols.keys()
        }

    def through(self, tape: Tape) -> Course:
        """Read it all."""
        period = self._outcome.period
        self._note(period.begins)
        time = period.begins
        for time, closed in closes(tape, period.begins, period.ends):
            for _, symbol, price in closed:
                self._values.move(symbol, price)
            self._book_until(time)
            self._values.renew()
            self._note(time)
        self._finish(time)
        return self._course()

    def _finish(self, time: int) -> None:
        """Book what came after the last close, and stand at the very end."""
        ends = self._outcome.period.ends
        late = self._next is not None
        self._book_until(2**63)
        if late or time < ends:
            self._note(ends)

    def _course(self) -> Course:
        outcome, period = self._outcome, self._outcome.period
        names = outcome.balances.keys() | outcome.left.keys()
        return Course(
            *(self._values.asset, period.begins, period.ends, self._total),
            bots={name: self._bots[name] for name in sorted(self._bots)},
            unpriced=self._values.unpriced(names),
        )

    # --- one close

    def _note(self, time: int) -> None:
        values = self._values
        for runner in (self._total, *self._bots.values()):
            cash = runner.amounts.get(values.asset, ZERO)
            coins = values.worth(runner.amounts) - cash
            if runner is not self._total:
                cash += runner.began
            held = values.worth(runner.instead) if runner.instead else runner.began
            runner.curve.note(time, cash + coins, held, coins=coins, fees=runner.fees)

    # --- one fill

    def _book_until(self, time: int) -> None:
        while self._next is not None and self._next.time <= time:
            line, self._next = self._next, next(self._fills, None)
            for runner in self._concerned(line):
                self._book(runner, line)
            if line.bot in self._bots:
                self._trips(self._bots[line.bot], line).book(line, self._values.prices.get)

    def _concerned(self, line: FillLine) -> Iterator[Runner]:
        yield self._total
        if line.bot in self._bots:
            yield self._bots[line.bot]

    def _book(self, runner: Runner, line: FillLine) -> None:
        base, quote = self._outcome.assets[line.symbol]
        prices, fee = self._values.prices, Decimal(line.fee)
        coins, money = moved(side_of(line), Decimal(line.quantity), Decimal(line.quote))
        runner.add(base, coins)
        runner.add(quote, money)
        price = prices.get(quote, ZERO)
        if line.fee_asset:
            runner.add(line.fee_asset, -fee)
            each = Decimal(line.price) * price if line.fee_asset == base else None
            runner.fees += fee * (prices.get(line.fee_asset, ZERO) if each is None else each)
        runner.bought += max(-money, ZERO) * price
        runner.sold += max(money, ZERO) * price
        runner.fills += 1

    def _trips(self, runner: Runner, line: FillLine) -> RoundTrips:
        found = runner.trips.get(line.symbol)
        if found is None:
            assets = self._outcome.assets[line.symbol]
            found = runner.trips[line.symbol] = RoundTrips(line.bot, line.symbol, assets)
        return found

    # --- how it begins

    def _runner(self, name: str, symbols: Sequence[str], began: Decimal) -> Runner:
        period = self._outcome.period
        runner = Runner(name, symbols, began, Curve(period.begins, period.ends))
        priced = [base for base in self._bases(symbols) if base in self._values.prices]
        for base in priced:
            runner.instead[base] = began / len(priced) / self._values.prices[base]
        return runner

    def _bases(self, symbols: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._outcome.assets[symbol][0] for symbol in symbols))


def _symbols_of(outcome: Outcome) -> dict[str, tuple[str, ...]]:
    """Answer what each bot traded."""
    found: dict[str, dict[str, None]] = {}
    for line in outcome.ledger.fills:
        if line.bot:
            found.setdefault(line.bot, {})[line.symbol] = None
    return {bot: tuple(symbols) for bot, symbols in found.items()}
