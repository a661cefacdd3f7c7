"""What a chart shows of a market: every level that stood, every fill, no more candles than fit."""

from decimal import Decimal

import pytest

from lib.backtest.ledger import FillLine, Ledger, OrderLine
from lib.market.candles import Bar
from lib.market.intervals import INTERVALS, MINUTE
from lib.report.charts import CANDLES_MAX, LEVELS_MAX, fitting_interval, levels_of, market_chart
from tests.backtest.scenes import BEGIN, SPAN, SYMBOL, ListBars, bar
from tests.report.scenes import facts

ENDS = BEGIN + 100 * SPAN


def order(
    time: int,
    number: int,
    status: str,
    *,
    kind: str = "LIMIT",
    price: str = "59000",
    stop: str = "0",
) -> OrderLine:
    return OrderLine(
        *(BEGIN + time, "lisa", SYMBOL, number, f"id-{number}", "BUY", kind, "0.1", price, stop),
        *(status, "0", ""),
    )


def fill(time: int, side: str, quantity: str, price: str, bot: str = "lisa") -> FillLine:
    quote = str(Decimal(quantity) * Decimal(price))
    return FillLine(*(
        BEGIN + time,
        bot,
        SYMBOL,
        1,
        side,
        quantity,
        price,
        quote,
        "0",
        "USDT",
        True,
    ))


def ledger_of(*lines: OrderLine | FillLine) -> Ledger:
    ledger = Ledger(["lisa"])
    ledger.lines += lines
    return ledger


@pytest.mark.parametrize("days", [0.1, 1, 7, 60, 365, 3650])
@pytest.mark.parametrize("finest", ["1s", "1m", "5m"])
def test_the_candles_of_any_period_fit_on_a_chart(days: float, finest: str) -> None:
    length = int(days * 86_400_000)

    name = fitting_interval(length, finest=INTERVALS[finest])

    assert INTERVALS[name] >= INTERVALS[finest]
    assert length / INTERVALS[name] <= CANDLES_MAX


def test_a_level_stands_from_its_order_to_its_end() -> None:
    ledger = ledger_of(
        order(0, 1, "NEW"), order(5, 1, "PARTIALLY_FILLED"), order(9, 1, "FILLED"),
        order(2, 2, "NEW", kind="STOP_LOSS_LIMIT", price="50000", stop="50100"),
        order(3, 3, "FILLED", kind="MARKET", price="0"),
        order(4, 4, "NEW"), order(4, 4, "FILLED"),  # it took at once: it never stood
    )  # fmt: skip

    filled, stop = levels_of(ledger, SYMBOL, ends=ENDS)

    assert facts(filled.begins, filled.ends, filled.price) == (BEGIN, BEGIN + 9, 59_000)
    assert facts(filled.kind, filled.status) == ("buy", "FILLED")
    assert facts(stop.kind, stop.price, stop.ends, stop.status) == ("stop", 50_100, ENDS, "")


def test_levels_of_another_symbol_are_not_shown() -> None:
    assert list(levels_of(ledger_of(order(0, 1, "NEW")), "ETHUSDT", ends=ENDS)) == []


def test_of_too_many_levels_those_that_stood_longest_are_kept() -> None:
    lines = [
        line
        for number in range(LEVELS_MAX + 10)
        for line in (order(0, number, "NEW"), order(1 + number, number, "CANCELED"))
    ]

    chart = market_chart(
        SYMBOL, ListBars(bar(0, 1, 1, 1, 1)), ledger_of(*lines), begins=BEGIN, ends=ENDS
    )

    assert len(chart.levels) == LEVELS_MAX
    assert chart.levels_left_out == 10
    assert min(level.ends - level.begins for level in chart.levels) == 11


def test_fills_of_one_candle_are_one_mark_at_their_mean_price() -> None:
    ledger = ledger_of(
        fill(0, "BUY", "1", "100"), fill(1, "BUY", "3", "104"), fill(2, "SELL", "1", "105"),
        fill(SPAN, "BUY", "1", "90"), fill(SPAN, "BUY", "1", "92", "bart"),
    )  # fmt: skip

    chart = market_chart(SYMBOL, ListBars(bar(0, 1, 1, 1, 1)), ledger, begins=BEGIN, ends=ENDS)

    assert [
        facts(m.time - BEGIN, m.bot, m.side, m.quantity, m.price, m.fills) for m in chart.marks
    ] == [
        (0, "lisa", "BUY", 4, 103, 2),
        (0, "lisa", "SELL", 1, 105, 1),
        (SPAN, "bart", "BUY", 1, 92, 1),
        (SPAN, "lisa", "BUY", 1, 90, 1),
    ]


def test_longer_candles_hold_the_extremes_of_the_shorter() -> None:
    bars = [
        bar(number, 100, 100 + number, 90 - number, 100, interval=MINUTE) for number in range(30)
    ]
    ends = BEGIN + 3_000 * MINUTE

    chart = market_chart(
        SYMBOL, ListBars(*bars, interval=MINUTE), ledger_of(), begins=BEGIN, ends=ends
    )

    assert chart.interval == "3m"
    assert len(chart.candles) == 10
    assert isinstance(chart.candles[0], Bar)
    assert facts(chart.candles[-1].high, chart.candles[-1].low) == (129, 61)
