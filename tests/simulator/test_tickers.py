"""Price statistics of a day, of a window and of a trading day, as anyone sees them."""

from typing import Any

import pytest

from lib.simulator.books.spans import DAY, HOUR, MINUTE
from lib.simulator.exchange import Options
from tests.simulator.test_market_data import ask, traded
from tests.simulator.venue import START, SYMBOL, Venue, refusal


def test_the_day_compares_with_the_price_before_it() -> None:
    venue = traded(80, every=25 * HOUR)
    venue.last(100, 3)

    day = ask(venue, "ticker/24hr", symbol=SYMBOL)

    assert (day["prevClosePrice"], day["openPrice"]) == ("80.00000000", "100.00000000")
    assert (day["lastPrice"], day["lastQty"]) == ("100.00000000", "3.00000000")
    assert day["closeTime"] - day["openTime"] == DAY


def test_a_day_without_a_trade_keeps_the_last_price() -> None:
    venue = traded(80, every=25 * HOUR)

    day = ask(venue, "ticker/24hr", symbol=SYMBOL)

    assert (day["lastPrice"], day["prevClosePrice"]) == ("80.00000000", "80.00000000")
    assert (day["openPrice"], day["volume"], day["count"]) == ("0.00000000", "0.00000000", 0)
    assert (day["firstId"], day["lastId"]) == (-1, -1)


def test_a_percentage_is_rounded_to_three_decimals() -> None:
    assert ask(traded(9, 1), "ticker/24hr", symbol=SYMBOL)["priceChangePercent"] == "-88.889"
    assert ask(traded(3, 4), "ticker/24hr", symbol=SYMBOL)["priceChangePercent"] == "33.333"


@pytest.mark.parametrize(
    ("size", "counted"),
    [("1m", 1), ("2m", 2), ("59m", 59), ("1h", 60), ("23h", 80), ("7d", 80), (None, 80)],
)
def test_a_window_opens_on_the_full_minute_before_its_size(size: str | None, counted: int) -> None:
    venue = traded(*range(1, 81))
    venue.now -= 1  # the last trade was 59.999 s ago
    params = {} if size is None else {"windowSize": size}

    window = ask(venue, "ticker", symbol=SYMBOL, **params)

    assert window["openTime"] % MINUTE == 0
    assert window["closeTime"] == venue.now
    assert counted <= window["count"] <= counted + 1
    assert window["lastPrice"] == "80.00000000"
    assert set(window) == {
        *("symbol", "priceChange", "priceChangePercent", "weightedAvgPrice", "openPrice"),
        *("highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume"),
        *("openTime", "closeTime", "firstId", "lastId", "count"),
    }


def test_the_documented_window_opens_when_the_documentation_says() -> None:
    venue = Venue(now=1_641_287_867_099)
    venue.last(5)

    assert ask(venue, "ticker", symbol=SYMBOL, windowSize="1d")["openTime"] == 1_641_201_420_000


@pytest.mark.parametrize("size", ["60m", "24h", "8d", "0m", "1d2h", "1s", "1M", "", "01m"])
def test_a_window_of_another_size_is_refused(size: str) -> None:
    answer = Venue().ask("GET ticker", None, symbol=SYMBOL, windowSize=size)

    assert refusal(answer) == (400, -1130, "Data sent for parameter 'windowSize' is not valid.")


@pytest.mark.parametrize("call", ["ticker", "ticker/tradingDay"])
def test_windows_are_asked_for_by_name(call: str) -> None:
    said = "Param 'symbol' or 'symbols' must be sent, but both were empty/null!"

    assert refusal(Venue().ask(f"GET {call}", None)) == (400, -1102, said)


@pytest.mark.parametrize("call", ["ticker", "ticker/tradingDay"])
def test_before_the_first_trade_there_is_no_window(call: str) -> None:
    said = "No trading window could be found for the symbol. Try ticker/24hrs instead."

    assert refusal(Venue().ask(f"GET {call}", None, symbol=SYMBOL)) == (400, -2016, said)


@pytest.mark.parametrize("empty", ["flat", "refuse"])
def test_a_window_without_a_trade_is_flat_or_refused(empty: Any) -> None:
    venue = Venue(Options(empty_window=empty))
    venue.last(70)
    venue.now += 2 * HOUR

    answer = venue.ask("GET ticker", None, symbol=SYMBOL, windowSize="1h")

    if empty == "refuse":
        assert answer.body["code"] == -2016
    else:
        prices = {answer.body[f"{name}Price"] for name in ("open", "high", "low", "last")}
        assert (prices, answer.body["count"]) == ({"70.00000000"}, 0)


def test_a_trading_day_lasts_from_midnight_to_midnight_of_its_time_zone() -> None:
    venue = Venue(now=1_695_700_000_000)
    venue.last(5)

    for zone, opens in (("0", 1_695_686_400_000), ("8", 1_695_657_600_000)):
        day = ask(venue, "ticker/tradingDay", symbol=SYMBOL, timeZone=zone)
        assert (day["openTime"], day["closeTime"]) == (opens, opens + DAY - 1)
        assert day["count"] == 1


@pytest.mark.parametrize("call", ["ticker", "ticker/tradingDay", "ticker/24hr"])
def test_a_mini_ticker_has_less_of_the_same(call: str) -> None:
    venue = traded(3, 4)

    full = ask(venue, call, symbol=SYMBOL)
    mini = ask(venue, call, symbol=SYMBOL, type="MINI")

    assert mini.items() < full.items()
    assert len(mini) == 12
    wrong = venue.ask(f"GET {call}", None, symbol=SYMBOL, type="TINY")
    assert refusal(wrong) == (400, -1139, "Invalid ticker type.")


def test_the_average_price_is_dated_by_the_last_trade() -> None:
    venue = traded(80, 100)

    assert ask(venue, "avgPrice", symbol=SYMBOL) == {
        "mins": 5,
        "price": "90.00000000",
        "closeTime": START + MINUTE,
    }
