"""The public calls, as anyone sees them."""

from decimal import Decimal
from typing import Any

import pytest

from lib.simulator.books.spans import DAY, HOUR, MINUTE
from tests.simulator.venue import START, SYMBOL, Venue, exchange_info, refusal, symbol_entry

ETH = "ETHUSDT"


def two() -> Venue:
    """A venue of two symbols, of which one is halted."""
    return Venue(info=exchange_info(symbol_entry(), symbol_entry("ETH", status="HALT")))


def ask(venue: Venue, call: str, **params: object) -> Any:
    answer = venue.ask(f"GET {call}", None, **params)
    assert answer.status == 200, answer.body
    return answer.body


def traded(*prices: int, every: int = MINUTE) -> Venue:
    venue = Venue()
    for price in prices:
        venue.last(price)
        venue.now += every
    return venue


# --- trades


def test_old_trades_are_read_page_by_page_from_an_id_on() -> None:
    venue = traded(*range(1, 8))

    page = ask(venue, "historicalTrades", symbol=SYMBOL, fromId=3, limit=2)

    assert [row["id"] for row in page] == [3, 4]
    assert ask(venue, "historicalTrades", symbol=SYMBOL, limit=2) == ask(
        venue, "trades", symbol=SYMBOL, limit=2
    )
    assert ask(venue, "historicalTrades", symbol=SYMBOL, fromId=8) == []
    assert len(ask(venue, "historicalTrades", symbol=SYMBOL, fromId=0)) == 7


def test_nobody_has_ever_traded_a_block() -> None:
    assert ask(Venue(), "historicalBlockTrades", symbol=SYMBOL, fromId=1) == []
    answer = Venue().ask("GET historicalBlockTrades", None, symbol=SYMBOL)
    assert answer.body["code"] == -1102


def test_trades_of_one_taker_at_one_price_are_one_aggregate() -> None:
    venue = Venue().with_market()
    venue.limit("SELL", 1, 101)
    venue.limit("SELL", 1, 101, "bob")

    venue.market("BUY", "3.5", "bob", selfTradePreventionMode="NONE")

    rows = ask(venue, "aggTrades", symbol=SYMBOL)
    trades = ask(venue, "trades", symbol=SYMBOL)
    assert [(row["a"], row["p"], row["q"], row["f"], row["l"]) for row in rows] == [
        (1, "100.00000000", "0.00100000", 1, 1),
        (2, "101.00000000", "3.00000000", 2, 4),
        (3, "102.00000000", "0.50000000", 5, 5),
    ]
    assert [trade["id"] for trade in trades] == [1, 2, 3, 4, 5]
    assert rows[1] | {"a": 0} == {
        "a": 0,
        "p": "101.00000000",
        "q": "3.00000000",
        "f": 2,
        "l": 4,
        "T": START,
        "m": False,
        "M": True,
    }


def test_two_takers_are_two_aggregates_also_at_one_price_in_one_millisecond() -> None:
    venue = Venue().with_market()

    venue.market("BUY", "0.2")
    venue.market("BUY", "0.3")

    rows = ask(venue, "aggTrades", symbol=SYMBOL)
    assert [row["q"] for row in rows[1:]] == ["0.20000000", "0.30000000"]


def test_an_aggregate_is_told_once_and_whole() -> None:
    venue = Venue().with_market()
    venue.limit("SELL", 1, 101)
    venue.deaf()

    venue.market("BUY", "2", "bob")

    told = [(kind, event) for _, kind, event in venue.market_events if "rade" in kind]
    assert [kind for kind, _ in told] == ["trade", "trade", "aggTrade"]
    assert (told[-1][1]["q"], told[-1][1]["f"], told[-1][1]["l"]) == ("2.00000000", 2, 3)


def test_aggregates_are_read_by_id_or_by_time() -> None:
    venue = traded(*range(1, 8))

    def ids(**asked: int) -> list[int]:
        return [row["a"] for row in ask(venue, "aggTrades", symbol=SYMBOL, **asked)]

    assert ids(limit=2) == [6, 7]
    assert ids(fromId=3, limit=2) == [3, 4]
    assert ids(startTime=START + MINUTE) == [2, 3, 4, 5, 6, 7]
    assert ids(startTime=START + MINUTE, limit=2) == [2, 3]
    assert ids(endTime=START + 3 * MINUTE, limit=2) == [3, 4]
    assert ids(startTime=START + MINUTE, endTime=START + 3 * MINUTE) == [2, 3, 4]
    assert ids(startTime=START + 99 * MINUTE) == []


def test_aggregates_are_not_read_by_id_and_time_at_once() -> None:
    answer = Venue().ask("GET aggTrades", None, symbol=SYMBOL, fromId=1, startTime=START)

    assert refusal(answer) == (400, -1128, "Combination of optional parameters invalid.")


@pytest.mark.parametrize("call", ["trades", "historicalTrades", "aggTrades", "klines"])
def test_never_more_than_a_thousand_rows_are_answered(call: str) -> None:
    venue = traded(*[5] * 1_005)
    params = {"interval": "1m"} if call == "klines" else {}

    assert len(ask(venue, call, symbol=SYMBOL, limit=5_000, **params)) == 1_000
    assert len(ask(venue, call, symbol=SYMBOL, **params)) == 500
    zero = venue.ask(f"GET {call}", None, symbol=SYMBOL, limit=0, **params)
    assert zero.body["code"] == -1130


# --- candles


def test_a_candle_is_a_row_of_twelve() -> None:
    venue = Venue()
    venue.last(100, 2)
    venue.last(110, 1, seller=True)
    opens = START - START % HOUR

    (row,) = ask(venue, "klines", symbol=SYMBOL, interval="1h")

    assert row == [
        opens,
        "100.00000000",
        "110.00000000",
        "100.00000000",
        "110.00000000",
        "3.00000000",
        opens + HOUR - 1,
        "310.00000000",
        2,
        "2.00000000",
        "200.00000000",
        "0",
    ]
    assert ask(venue, "uiKlines", symbol=SYMBOL, interval="1h") == [row]


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("0", 0), ("8", 8), ("-1:00", -1), ("05:45", 5.75), ("+14:00", 14), ("-12", -12)],
)
def test_a_day_opens_at_midnight_of_the_time_zone(zone: str, hours: float) -> None:
    venue = traded(5)

    row = ask(venue, "klines", symbol=SYMBOL, interval="1d", timeZone=zone)[-1]

    assert (row[0] + int(hours * HOUR)) % DAY == 0
    assert row[0] <= venue.now <= row[6]


@pytest.mark.parametrize("zone", ["14:01", "-12:01", "15", "x", "", "8:5", "8:60", "UTC"])
def test_a_time_zone_that_does_not_exist_is_refused(zone: str) -> None:
    for call in ("klines", "uiKlines"):
        answer = Venue().ask(f"GET {call}", None, symbol=SYMBOL, interval="1d", timeZone=zone)
        assert refusal(answer) == (400, -1130, "Data sent for parameter 'timeZone' is not valid.")


def test_an_interval_is_spelled_exactly() -> None:
    for interval in ("1D", "1W", "7m", "1mo"):
        answer = Venue().ask("GET klines", None, symbol=SYMBOL, interval=interval)
        assert refusal(answer) == (400, -1120, "Invalid interval.")


# --- which symbols


@pytest.mark.parametrize("call", ["ticker/price", "ticker/bookTicker", "ticker/24hr"])
def test_symbols_in_another_state_are_left_out(call: str) -> None:
    venue = two()

    def names(**asked: str) -> list[str]:
        return [row["symbol"] for row in ask(venue, call, **asked)]

    assert names() == [SYMBOL, ETH]
    assert names(symbolStatus="HALT") == [ETH]
    assert names(symbols=f'["{SYMBOL}","{ETH}"]', symbolStatus="TRADING") == [SYMBOL]
    assert names(symbolStatus="BREAK") == []


@pytest.mark.parametrize(
    "call",
    ["depth", "ticker/price", "ticker/bookTicker", "ticker/24hr", "ticker", "ticker/tradingDay"],
)
def test_one_symbol_in_another_state_is_refused(call: str) -> None:
    venue = two()
    venue.last(5)
    said = "The symbol's status does not match the requested symbolStatus."

    mismatch = venue.ask(f"GET {call}", None, symbol=SYMBOL, symbolStatus="HALT")
    unknown = venue.ask(f"GET {call}", None, symbol=SYMBOL, symbolStatus="trading")

    assert refusal(mismatch) == (400, -1220, said)
    assert refusal(unknown) == (400, -1122, "Invalid symbolStatus.")
    assert ask(venue, call, symbol=SYMBOL, symbolStatus="TRADING")


def test_no_more_than_a_hundred_windows_are_asked_for_at_once() -> None:
    entries = [symbol_entry(f"A{number}") for number in range(101)]
    venue = Venue(info=exchange_info(*entries))
    names = ",".join(f'"{entry["symbol"]}"' for entry in entries)

    answer = venue.ask("GET ticker", None, symbols=f"[{names}]")

    assert answer.body["code"] == -1130


# --- exchangeInfo and depth


def test_exchange_info_is_chosen_by_permission_or_state() -> None:
    entries = [
        symbol_entry(),
        symbol_entry("ETH", status="BREAK", permissionSets=[["MARGIN", "TRD_GRP_004"]]),
        symbol_entry("LTC", permissionSets=[["TRD_GRP_005"]]),
    ]
    venue = Venue(info=exchange_info(*entries))

    def names(**asked: str) -> list[str]:
        return [entry["baseAsset"] for entry in ask(venue, "exchangeInfo", **asked)["symbols"]]

    assert names() == ["BTC", "ETH"]
    assert names(permissions="MARGIN") == ["ETH"]
    assert names(permissions='["SPOT","TRD_GRP_005"]') == ["BTC", "LTC"]
    assert names(symbolStatus="BREAK") == ["ETH"]
    assert names(symbolStatus="HALT") == []
    assert names(symbol="LTCUSDT") == ["LTC"]


def test_permission_sets_may_be_hidden() -> None:
    venue = Venue()

    hidden = ask(venue, "exchangeInfo", showPermissionSets="false")["symbols"][0]
    shown = ask(venue, "exchangeInfo", showPermissionSets="true")["symbols"][0]

    assert (hidden["permissionSets"], shown["permissionSets"]) == ([], [["SPOT"]])
    assert ask(venue, "exchangeInfo")["symbols"][0] == shown


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"symbol": SYMBOL, "permissions": "SPOT"}, -1128),
        ({"symbols": f'["{SYMBOL}"]', "symbolStatus": "HALT"}, -1128),
        ({"permissions": "FUTURES"}, -1130),
        ({"permissions": "[]"}, -1130),
        ({"symbolStatus": "OPEN"}, -1122),
        ({"showPermissionSets": "maybe"}, -1130),
        ({"symbols": "[]"}, -1100),
    ],
)
def test_what_cannot_be_meant_by_exchange_info_is_refused(asked: dict[str, str], code: int) -> None:
    assert Venue().ask("GET exchangeInfo", None, **asked).body["code"] == code


def test_a_book_shows_a_hundred_levels_unless_asked_and_five_thousand_at_most() -> None:
    venue = Venue()
    levels = [(Decimal(number) / 100, "1") for number in range(1, 5_200)]
    venue.exchange.set_book(SYMBOL, levels, [], venue.now)

    def rows(**asked: int) -> int:
        return len(ask(venue, "depth", symbol=SYMBOL, **asked)["bids"])

    assert (rows(), rows(limit=7), rows(limit=5_000), rows(limit=9_999)) == (100, 7, 5_000, 5_000)


# --- weights


@pytest.mark.parametrize(
    ("call", "params", "weight"),
    [
        ("trades", {"symbol": SYMBOL}, 25),
        ("historicalTrades", {"symbol": SYMBOL}, 25),
        ("aggTrades", {"symbol": SYMBOL}, 4),
        ("klines", {"symbol": SYMBOL, "interval": "1m"}, 2),
        ("uiKlines", {"symbol": SYMBOL, "interval": "1m"}, 2),
        ("avgPrice", {"symbol": SYMBOL}, 2),
        ("ticker", {"symbol": SYMBOL}, 4),
        ("ticker", {"symbols": f'["{SYMBOL}","{ETH}"]'}, 8),
        ("ticker/tradingDay", {"symbols": "[" + ",".join(['"A"'] * 60) + "]"}, 200),
        ("ticker/price", {"symbols": f'["{SYMBOL}"]'}, 4),
        ("ticker/24hr", {"symbols": "[" + ",".join(['"A"'] * 20) + "]"}, 2),
        ("ticker/24hr", {"symbols": "[" + ",".join(['"A"'] * 21) + "]"}, 40),
        ("ticker/24hr", {}, 80),
    ],
)
def test_a_public_call_weighs_what_binance_says(
    call: str, params: dict[str, str], weight: int
) -> None:
    answer = two().ask(f"GET {call}", None, **params)

    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)
