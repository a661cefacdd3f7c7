"""A run's course: equity by hand, bots that add up to the account, and memory that stays flat."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from lib.backtest.backtest import Backtest, Outcome, run_backtest
from lib.backtest.liquidity import Costs
from lib.backtest.recordings import Recordings
from lib.backtest.result import account_result, bot_results
from lib.backtest.settings import BacktestSettings
from lib.market.candles import Bar
from lib.report.course import Course, course_of
from lib.report.curve import POINTS_MAX, Curve
from lib.report.months import months_of
from lib.report.summary import summarize, summary_of
from lib.simulator.options import Options
from lib.simulator.paper.recorded_market import exchange_info
from tests.backtest.scenes import (
    BEGIN,
    DIPS,
    SPAN,
    ListBars,
    bar,
    conf_of,
    order_conf,
    recorded,
)
from tests.report.scenes import DAY, HOUR, WHOLE, facts, ran
from tests.swinging import with_small_bots

FREE = replace(WHOLE, options=Options(maker_fee=Decimal(0), taker_fee=Decimal(0)))
LIMIT = {"side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
RATE = Decimal("0.001")
LATER = {"function": "dip_buyer", "dip": "0.001"}


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def hour(number: int, *prices: int) -> Bar:
    return bar(number, *prices, interval=HOUR)


def level(number: int, price: int) -> Bar:
    return hour(number, price, price, price, price)


def one_purchase(settings: BacktestSettings = FREE) -> tuple[Outcome, Course]:
    """Buy 0.1 at 59 000 in the second hour of three days; it ends at 62 000."""
    bots = {"buyer": order_conf(**LIMIT, quantity="0.1", price="59000")}
    bars = [
        level(0, 60_000),
        hour(1, 60_000, 60_000, 58_000, 59_000),
        *(level(number, 59_500) for number in range(2, 24)),
        *(level(number, 56_640) for number in range(24, 48)),
        *(level(number, 62_000) for number in range(48, 72)),
    ]
    outcome, tape = ran(bots, *bars, settings=settings)
    return outcome, course_of(outcome, tape)


# --- by hand


def test_equity_at_each_midnight_is_cash_and_coins_at_the_last_close() -> None:
    _, course = one_purchase()

    days = course.total.curve.days

    assert [point.time for point in days] == [BEGIN + day * DAY for day in range(4)]
    assert [point.equity for point in days] == [10_000, 10_050, 9_764, 10_300]
    assert [point.held for point in days] == [
        Decimal(10_000) / 60_000 * price for price in (60_000, 59_500, 56_640, 62_000)
    ]


def test_the_figures_of_one_purchase_are_those_of_a_pocket_calculator() -> None:
    _, course = one_purchase()

    total = summary_of(course).total

    assert facts(total.began, total.ended, total.profit) == (10_000, 10_300, 300)
    assert facts(total.fills, total.trades, total.fees) == (1, 0, 0)
    assert facts(total.bought, total.sold) == (5_900, 0)
    assert total.returns == pytest.approx((0.005, 9764 / 10050 - 1, 10300 / 9764 - 1))
    assert total.metrics.total_return == pytest.approx(0.03)
    assert total.metrics.cagr == pytest.approx(1.03 ** (365 / 3) - 1)
    assert total.metrics.max_drawdown == pytest.approx(286 / 10_050)
    assert total.metrics.max_drawdown_days == pytest.approx(1 + 1 / 24)  # from 00:00 to 01:00
    assert total.metrics.turnover == 0
    assert total.metrics.win_rate is None


def test_exposure_is_the_mean_share_that_was_in_coins() -> None:
    _, course = one_purchase()

    shares = [
        *(0, 0, 5_900 / 10_000),
        *[5_950 / 10_050] * 22,
        *[5_664 / 9_764] * 24,
        *[6_200 / 10_300] * 24,
    ]
    assert course.total.curve.exposure == pytest.approx(sum(shares) / 73)


def test_a_fee_in_coins_is_counted_at_the_price_of_the_fill() -> None:
    fees = replace(WHOLE, options=Options(maker_fee=Decimal("0.001"), taker_fee=Decimal("0.001")))

    outcome, course = one_purchase(fees)

    assert course.total.fees == Decimal("0.0001") * 59_000
    assert course.total.curve.last is not None
    assert course.total.curve.last.equity == 10_300 - Decimal("0.0001") * 62_000
    assert outcome.left["BTC"] == Decimal("0.0999")


def test_a_bot_with_a_budget_is_measured_by_it() -> None:
    outcome, tape = ran(
        {"buyer": order_conf(**LIMIT, quantity="0.01", price="59000")},
        *(level(0, 60_000), hour(1, 60_000, 60_000, 58_000, 59_000), level(2, 65_000)),
        settings=FREE,
    )

    course = course_of(outcome, tape, capitals={"buyer": Decimal(600)})

    (buyer,) = summary_of(course).bots
    assert facts(buyer.began, buyer.ended, buyer.held) == (600, 660, 650)
    assert course.total.began == 10_000


def test_a_missing_bar_loses_no_midnight() -> None:
    bars = [level(number, 60_000 + number) for number in range(73) if not 20 <= number < 50]
    outcome, tape = ran({"buyer": order_conf(**LIMIT, quantity="0.1", price="100")}, *bars)

    days = course_of(outcome, tape).total.curve.days

    assert [point.time for point in days] == [BEGIN + day * DAY for day in range(4)]
    assert days[1].held == days[2].held == Decimal(10_000) / 60_000 * 60_019


# --- what must hold for every run


@pytest.mark.slow
@pytest.mark.parametrize("hours", [7, 30])
def test_what_the_bots_brought_adds_up_to_what_the_account_gained(hours: int) -> None:
    bots = {"one": {**DIPS, "function": "dip_buyer"}, "other": {**DIPS, **LATER}}
    settings = BacktestSettings(
        begins=BEGIN,
        ends=BEGIN + hours * HOUR,
        balances={"USDT": Decimal(5_000), "BTC": Decimal(1)},
        costs=Costs(spread=Decimal("0.0002")),
    )

    outcome = recorded(bots, settings, hours=hours)
    summary = summarize(outcome, settings)

    account = account_result(outcome)
    assert account is not None
    assert (summary.total.began, summary.total.ended) == (account.began, account.ended)
    brought = sum(result.profit for result in summary.bots)
    assert brought == account.ended - account.untouched
    assert {result.name: result.profit for result in summary.bots} == {
        row.bot: row.result for row in bot_results(outcome)
    }
    assert sum(result.fees for result in summary.bots) == summary.total.fees
    assert sum(result.trades for result in summary.bots) == summary.total.trades > 3


@pytest.mark.slow
def test_captured_trades_are_followed_by_the_second() -> None:
    settings = BacktestSettings(market="trades")
    bots = {"one": {**DIPS, "function": "dip_buyer", "dip": "0.0001", "rebound": "0.0001"}}
    outcome = run_backtest(settings, conf_of(bots))
    summary = summarize(outcome, settings)

    account = account_result(outcome)
    assert account is not None
    assert summary.total.ended == account.ended
    assert summary.total.metrics.cagr is None  # minutes are no pace
    assert summary.total.metrics.sharpe is None


def test_fees_in_bnb_come_off_what_the_bots_brought() -> None:
    """Bought for 5 900, sold for 6 000: a fee of 0.075 % each, in BNB at 500 and at 600."""
    settings = replace(
        WHOLE,
        options=Options(maker_fee=RATE, taker_fee=RATE, fees_in_bnb=True),
        balances={"USDT": Decimal(10_000), "BNB": Decimal(1)},
    )
    prices = [level(0, 60_000), hour(1, 60_000, 60_000, 58_000, 59_000), level(2, 60_000)]
    bars = {
        "BTCUSDT": ListBars(*prices, interval=HOUR),
        "BNBUSDT": ListBars(level(0, 500), level(1, 500), level(2, 600), interval=HOUR),
    }
    info = exchange_info(symbols=list(bars))
    conf = conf_of({"buyer": order_conf(**LIMIT, quantity="0.1", price="59000")})

    outcome = Backtest(settings, conf, recordings=Recordings(settings, bars, info)).run()
    course = course_of(outcome, bars)

    (line,) = outcome.ledger.fills
    fee = Decimal(line.fee)
    account, total = account_result(outcome), summary_of(course).total
    assert account is not None
    assert (line.fee_asset, round(fee, 6)) == ("BNB", Decimal("0.00885"))  # 4.425 USDT at 500
    assert course.bots["buyer"].fees == fee * 500
    assert summary_of(course).bots[0].profit == 100 - fee * 600 == account.ended - account.untouched
    assert total.ended == account.ended
    assert total.symbols == ("BTCUSDT",)  # BNB pays fees, nobody traded it


# --- months


def test_months_are_told_by_their_first_and_last_worth() -> None:
    curve = Curve(BEGIN - 3 * DAY, BEGIN + 2 * DAY + HOUR)  # from the 29th of July
    worths = (100, 101, 102, 110, 111, 121)
    for day, worth in enumerate(worths):
        curve.note(
            BEGIN + (day - 3) * DAY, Decimal(worth), Decimal(1), coins=Decimal(0), fees=Decimal(0)
        )
    curve.note(BEGIN + 2 * DAY + HOUR, Decimal(132), Decimal(1), coins=Decimal(0), fees=Decimal(0))

    months = list(months_of(Decimal(100), curve))

    assert [facts(each.year, each.month, each.began, each.ended) for each in months] == [
        (2024, 7, 100, 110),
        (2024, 8, 110, 132),
    ]
    assert [each.gain for each in months] == pytest.approx([0.1, 0.2])


# --- what is drawn


def test_a_drawn_point_shows_the_deepest_drawdown_of_its_stretch() -> None:
    curve = Curve(BEGIN, BEGIN + 2 * 1_500_000)  # a point for two seconds
    for second, worth in enumerate((100, 100, 50, 100, 80, 100)):
        curve.note(
            BEGIN + second * 1_000, Decimal(worth), Decimal(1), coins=Decimal(0), fees=Decimal(0)
        )

    assert [(point.time - BEGIN, point.drawdown) for point in curve.points] == [
        (1_000, 0.0),
        (3_000, 0.5),
        (5_000, 0.2),
    ]
    assert [point.drawdown for point in curve.drawn(1)] == [0.5]


@pytest.mark.parametrize("begins", [0, 1, 999, 1_234])
def test_no_two_drawn_points_fall_into_one_second(begins: int) -> None:
    curve = Curve(BEGIN + begins, BEGIN + begins + 60_000)
    for time in range(begins, begins + 60_000, 130):
        curve.note(BEGIN + time, Decimal(100 + time), Decimal(1), coins=Decimal(0), fees=Decimal(0))

    seconds = [point.time // 1000 for point in curve.points]

    assert len(seconds) > 50
    assert seconds == sorted(set(seconds))


# --- memory


class EndlessBars:
    """So many bars, made when they are asked for."""

    def __init__(self, count: int) -> None:
        self.interval = SPAN
        self._count = count

    def between(self, begins: int, ends: int) -> Iterator[Bar]:
        for number in range(self._count):
            price = Decimal(60_000 + number % 97)
            yield Bar(BEGIN + number * SPAN, price, price, price, price)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2_000, 8_000, 32_000])
def test_a_course_keeps_a_point_a_day_and_some_for_the_eye_however_long_it_is(count: int) -> None:
    outcome, _ = ran({"buyer": order_conf(**LIMIT, quantity="0.1", price="100")}, level(0, 60_000))
    length = count * SPAN
    longer = replace(outcome, period=replace(outcome.period, ends=BEGIN + length))

    course = course_of(longer, {"BTCUSDT": EndlessBars(count)})

    assert len(course.total.curve.points) <= POINTS_MAX + 2
    assert len(course.total.curve.days) == length // DAY + 1
    assert len(course.total.curve.drawn(100)) <= 101
