"""What is held against each other: sound data passes, and one wrong digit is found."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest

from lib.data.importing import import_file
from lib.data.reading import MarketReading
from lib.data.rows import AggregateTrade, Piece, bar_of
from lib.data.series import Kind, Series, Span, runs
from lib.data.store import MarketStore
from lib.data.verifying import Comparison, bar_of_trades, pairs, verify
from lib.market.candles import Bar, merge_bars
from lib.market.intervals import INTERVALS, Frame
from tests.data_store.exchange import MINUTE, MINUTES, TRADES, bar

FIVES = Series(Kind.CANDLES, "BTCUSDT", "5m")
FIRST = 1_699_999_800_000 // (5 * MINUTE) * (5 * MINUTE)
DATA = Path(__file__).parents[2] / "data"
MIDNIGHT = 1_723_161_600_000  # 2024-08-09, in the middle of the capture


def kept(path: Path, *pieces: Piece) -> dict[str, Comparison]:
    store = MarketStore(path, origin="live")
    store.add(pieces)
    store.close()
    return verified(path)


def verified(path: Path) -> dict[str, Comparison]:
    with MarketReading(path) as reading:
        assert reading.damage() == []
        return {found.title: found for found in verify(reading)}


def piece(series: Series, bars: list[Bar]) -> Piece:
    covered = runs(series, (each.open_time for each in bars))
    return Piece(series, tuple(bars), tuple(covered))


MINUTE_BARS = [bar(FIRST + step * MINUTE) for step in range(20)]


def fives() -> list[Bar]:
    merged = [
        merge_bars(MINUTE_BARS[at : at + 5], MINUTE_BARS[at].open_time) for at in (0, 5, 10, 15)
    ]
    return [each for each in merged if each is not None]


def test_five_minutes_are_one_candle_of_five(tmp_path: Path) -> None:
    found = kept(tmp_path / "m.sqlite", piece(MINUTES, MINUTE_BARS), piece(FIVES, fives()))

    assert found["BTCUSDT 5m from 1m"].compared == 4
    assert all(each.wrong == 0 for each in found.values())


@pytest.mark.parametrize(
    "name",
    ["open", "high", "low", "close", "volume", "quote", "trades", "taker_volume", "taker_quote"],
)
def test_one_wrong_digit_in_any_figure_is_found(tmp_path: Path, name: str) -> None:
    spoilt = fives()
    step = 1 if name == "trades" else Decimal("0.00000001")
    spoilt[2] = replace(spoilt[2], **{name: getattr(spoilt[2], name) + step})

    found = kept(tmp_path / "m.sqlite", piece(MINUTES, MINUTE_BARS), piece(FIVES, spoilt))

    comparison = found["BTCUSDT 5m from 1m"]
    assert (comparison.compared, comparison.wrong) == (4, 1)
    assert name in comparison.first_wrong[0]
    assert str(spoilt[2].open_time) in comparison.first_wrong[0]


def test_a_candle_of_which_a_part_is_missing_is_not_compared(tmp_path: Path) -> None:
    found = kept(
        tmp_path / "m.sqlite",
        piece(MINUTES, [*MINUTE_BARS[:7], *MINUTE_BARS[8:]]),
        piece(FIVES, fives()),
    )

    assert found["BTCUSDT 5m from 1m"].compared == 3
    assert all(each.wrong == 0 for each in found.values())


def test_a_minute_without_a_trade_moves_no_price_of_the_candle_it_is_in(tmp_path: Path) -> None:
    quiet = bar_of(FIRST, [*[Decimal(999)] * 4, Decimal(0)], 0)
    minutes = [quiet, *MINUTE_BARS[1:5]]
    whole = merge_bars(MINUTE_BARS[1:5], FIRST)
    assert whole is not None

    found = kept(tmp_path / "m.sqlite", piece(MINUTES, minutes), piece(FIVES, [whole]))

    assert found["BTCUSDT 5m from 1m"].compared == 1
    assert found["BTCUSDT 5m from 1m"].wrong == 0


@pytest.mark.parametrize(
    "spoilt",
    [
        {"low": Decimal(200)},
        {"high": Decimal(50)},
        {"low": Decimal(0)},
        {"taker_volume": Decimal(10**6)},
        {"taker_quote": Decimal(10**6)},
    ],
)
def test_a_candle_that_denies_itself_is_found(tmp_path: Path, spoilt: dict[str, Any]) -> None:
    bars = [*MINUTE_BARS[:3], replace(MINUTE_BARS[3], **spoilt), *MINUTE_BARS[4:]]

    (found,) = kept(tmp_path / "m.sqlite", piece(MINUTES, bars)).values()

    assert (found.compared, found.wrong) == (20, 1)


def test_a_row_that_is_marked_as_there_and_is_not_is_found(tmp_path: Path) -> None:
    bars = [*MINUTE_BARS[:3], *MINUTE_BARS[5:]]
    whole = (Span(FIRST, FIRST + 22 * MINUTE),)
    outage = (Span(FIRST + 3 * MINUTE, FIRST + 4 * MINUTE),)

    (found,) = kept(tmp_path / "m.sqlite", Piece(MINUTES, tuple(bars), whole, outage)).values()

    assert found.wrong == 2
    assert [word.split(":")[0].split()[2] for word in found.first_wrong] == [
        str(FIRST + 4 * MINUTE),
        str(FIRST + 20 * MINUTE),
    ]


def test_a_damaged_page_of_the_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    kept(path, piece(MINUTES, [bar(FIRST + step * MINUTE) for step in range(2_000)]))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 200] = b"\xff" * 200
    path.write_bytes(content)

    with MarketReading(path) as reading:
        assert reading.damage() != []


def test_every_candle_is_rebuilt_from_the_coarsest_that_divides_it() -> None:
    series = [Series(Kind.CANDLES, "BTCUSDT", interval) for interval in INTERVALS]

    chosen = {coarse.interval: fine.interval for fine, coarse in pairs([*series, TRADES])}

    assert chosen == {
        "1s": "",
        "1m": "1s",
        "3m": "1m",
        "5m": "1m",
        "15m": "5m",
        "30m": "15m",
        "1h": "30m",
        "2h": "1h",
        "4h": "2h",
        "6h": "2h",
        "8h": "4h",
        "12h": "6h",
        "1d": "12h",
        "3d": "1d",
        "1w": "1d",
        "1M": "1d",
    }


@pytest.mark.parametrize("interval", ["3d", "1w", "1M"])
def test_days_make_the_long_candles_too(tmp_path: Path, interval: str) -> None:
    day, coarse = 24 * 60 * MINUTE, Series(Kind.CANDLES, "BTCUSDT", interval)
    days = Series(Kind.CANDLES, "BTCUSDT", "1d")
    frame = Frame(interval)
    first = frame.opening(1_704_067_200_000)
    ends = frame.moved(first, 3)
    parts = [bar(time) for time in range(first, ends, day)]
    whole = [
        merge_bars([each for each in parts if frame.opening(each.open_time) == opening], opening)
        for opening in (first, frame.moved(first, 1), frame.moved(first, 2))
    ]

    found = kept(
        tmp_path / "m.sqlite",
        piece(days, parts),
        piece(coarse, [each for each in whole if each is not None]),
    )

    assert found[f"BTCUSDT {interval} from 1d"].compared == 3
    assert found[f"BTCUSDT {interval} from 1d"].wrong == 0


# --- the recorded market


def captured_trades(symbol: str) -> list[AggregateTrade]:
    """Every trade of the capture, each of them an aggregate of one."""
    found = []
    for path in sorted((DATA / "capture").glob(f"{symbol.lower()}_*.jsonl.gz")):
        with gzip.open(path, "rb") as lines:
            for line in lines:
                if b"@trade" in line[:60]:
                    told = orjson.loads(line.partition(b" ")[2])["data"]
                    amounts = Decimal(told["p"]), Decimal(told["q"])
                    number = told["t"]
                    found.append(
                        AggregateTrade(number, *amounts, number, number, told["T"], told["m"])
                    )
    return found


def recorded_candles(folder: Path, symbol: str) -> Path:
    """Cut the shipped candles to the hour around the capture, of another source than it."""
    (source,) = (DATA / "candles").glob(f"{symbol}-5m-*.csv.gz")
    path = folder / f"{symbol}-5m-2024-08-09.csv"
    with gzip.open(source, "rt") as lines:
        near = (line for line in lines if line[:10].isdecimal())
        chosen = (line for line in near if abs(int(line[:13]) - MIDNIGHT) < 60 * MINUTE)
        path.write_text("".join(islice(chosen, 24)))
    return path


Spoil = Callable[[list[AggregateTrade]], list[AggregateTrade]]
SPOILT: dict[str, Spoil] = {
    "one is missing": lambda told: [each for each in told if each.id != told[5_000].id],
    "a digit is wrong": lambda told: [
        replace(each, quantity=each.quantity + Decimal("0.00001")) if each is told[5_000] else each
        for each in told
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_recorded_trades_rebuild_recorded_candles_to_the_last_digit(
    tmp_path: Path, symbol: str
) -> None:
    assert rebuilt(tmp_path, symbol, captured_trades(symbol)) == (2, 0)


@pytest.mark.slow
@pytest.mark.parametrize("how", SPOILT)
def test_a_recorded_trade_that_is_wrong_or_missing_is_found(tmp_path: Path, how: str) -> None:
    compared, wrong = rebuilt(tmp_path, "BTCUSDT", SPOILT[how](captured_trades("BTCUSDT")))

    assert compared == 2
    assert wrong == 1


def rebuilt(folder: Path, symbol: str, told: list[AggregateTrade]) -> tuple[int, int]:
    """Keep trades beside candles; answer how many candles were compared, and how many wrong."""
    path = folder / "m.sqlite"
    series = Series(Kind.TRADES, symbol)
    store = MarketStore(path, origin="live")
    store.add([Piece(series, tuple(told), (Span(told[0].id, told[-1].id + 1),))])
    import_file(store, recorded_candles(folder, symbol))
    store.close()
    found = verified(path)[f"{symbol} 5m from trades"]
    return found.compared, found.wrong


def test_a_candle_is_made_of_its_trades(tmp_path: Path) -> None:
    told = [
        AggregateTrade(1, Decimal(10), Decimal("0.5"), 1, 3, FIRST, True),
        AggregateTrade(2, Decimal(12), Decimal("0.25"), 4, 4, FIRST + 1, False),
        AggregateTrade(3, Decimal(9), Decimal(1), 5, 6, FIRST + 2, True),
    ]

    assert bar_of_trades(told, FIRST) == Bar(
        FIRST,
        *(Decimal(10), Decimal(12), Decimal(9), Decimal(9), Decimal("1.75"), Decimal(17)),
        6,
        *(Decimal("0.25"), Decimal(3)),
    )
