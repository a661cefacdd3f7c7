from collections import defaultdict
from decimal import Decimal
from itertools import groupby, pairwise

import pytest

from lib.market.candle_path import Grid
from lib.market.capture_replay import CaptureReplay
from lib.market.player import LAG_MAX, Player
from lib.market.recordings import (
    BrokenRecording,
    CandleTable,
    DepthDiff,
    RecordedBest,
    RecordedTrade,
    read_capture,
)
from lib.market.replay import CandleReplay, Tape, align_tapes, steps_per_candle
from tests.market.recorder import BTC_CANDLES, CAPTURE, ETH_CANDLES, FIVE_MINUTES, Recorder

GRIDS = {
    "BTCUSDT": Grid(Decimal("0.01"), Decimal("0.00001")),
    "ETHUSDT": Grid(Decimal("0.01"), Decimal("0.0001")),
}
HEADER = "open_time_ms,open,high,low,close,volume_base\n"


@pytest.fixture(scope="module")
def tapes() -> dict[str, Tape]:
    return align_tapes({
        "BTCUSDT": CandleTable.load(BTC_CANDLES, interval=FIVE_MINUTES),
        "ETHUSDT": CandleTable.load(ETH_CANDLES, interval=FIVE_MINUTES),
    })


def test_the_replayed_trades_rebuild_the_recorded_candles(tapes: dict[str, Tape]) -> None:
    market = Recorder()
    replay = _replay(tapes, position=62_500 * FIVE_MINUTES)

    for place in range(62_500, 62_530):
        market.trades.clear()
        replay.play(until=(place + 1) * FIVE_MINUTES - 1, market=market, time=0)
        for symbol, tape in tapes.items():
            candle, prices = tape.candle(place), market.prices(symbol)
            volume = sum(trade.quantity for trade in market.trades if trade.symbol == symbol)
            assert (prices[0], max(prices), min(prices), prices[-1], volume) == (
                candle.open,
                candle.high,
                candle.low,
                candle.close,
                candle.volume,
            )


def test_the_symbols_move_in_common_time_order(tapes: dict[str, Tape]) -> None:
    market = Recorder()

    _replay(tapes).play(until=FIVE_MINUTES, market=market, time=5)

    symbols = [trade.symbol for trade in market.trades]
    assert symbols == ["BTCUSDT", "ETHUSDT"] * (len(symbols) // 2)


def test_every_trade_happens_at_the_best_price_of_its_book(tapes: dict[str, Tape]) -> None:
    class Watching(Recorder):
        def market_trade(
            self, symbol: str, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool, time: int
        ) -> None:
            bid, _, ask, _ = self.best(symbol)
            assert price == (bid if buyer_is_maker else ask)
            super().market_trade(symbol, price, quantity, buyer_is_maker=buyer_is_maker, time=time)

    market = Watching()

    _replay(tapes).play(until=20 * FIVE_MINUTES, market=market, time=0)

    assert len(market.trades) > 400


def test_a_replay_cut_into_pieces_is_the_same_as_one_played_at_once(tapes: dict[str, Tape]) -> None:
    whole, pieces = Recorder(), Recorder()

    _replay(tapes).play(until=3 * FIVE_MINUTES, market=whole, time=0)
    replay = _replay(tapes)
    for until in range(0, 3 * FIVE_MINUTES + 1, 7_000):
        replay = _replay(tapes, position=replay.resume_at)
        replay.play(until=until, market=pieces, time=0)
    replay.play(until=3 * FIVE_MINUTES, market=pieces, time=0)

    assert pieces.trades == whole.trades


def test_at_the_end_of_the_recording_time_turns_around_without_a_jump() -> None:
    tape = _tape("0,10,12,9,11,1\n300000,11,14,10,13,2\n600000,13,13,8,9,3\n")

    candles = [tape.candle(place) for place in range(9)]

    assert [candle.volume for candle in candles] == [1, 2, 3, 3, 2, 1, 1, 2, 3]
    for before, after in pairwise(candles):
        assert before.close == after.open


def test_candles_that_cover_no_common_time_are_refused() -> None:
    early = CandleTable(f"{HEADER}0,1,1,1,1,1\n".encode(), interval=FIVE_MINUTES)
    late = CandleTable(f"{HEADER}900000,1,1,1,1,1\n".encode(), interval=FIVE_MINUTES)

    with pytest.raises(BrokenRecording):
        align_tapes({"A": early, "B": late})


def test_candles_are_cut_to_their_common_time() -> None:
    long = CandleTable(
        f"{HEADER}0,1,1,1,1,1\n300000,2,2,2,2,2\n600000,3,3,3,3,3\n".encode(), interval=FIVE_MINUTES
    )
    short = CandleTable(f"{HEADER}300000,7,7,7,7,7\n".encode(), interval=FIVE_MINUTES)

    tapes = align_tapes({"A": long, "B": short})

    assert [tapes[name].candle(0).open_time for name in "AB"] == [300_000, 300_000]
    assert tapes["A"].candle(1).open_time == 300_000


@pytest.mark.parametrize(("speed", "steps"), [(1, 300), (60, 20), (3_600, 4), (100_000, 4)])
def test_at_least_two_steps_happen_in_a_second_of_a_fast_replay(speed: int, steps: int) -> None:
    assert steps_per_candle(FIVE_MINUTES, speed) == steps


@pytest.mark.slow
def test_the_captured_book_is_the_one_whose_best_prices_were_recorded() -> None:
    market = Recorder()
    replay = CaptureReplay(lambda: read_capture(*CAPTURE))
    began: int | None = None
    bests: dict[tuple[str, int], RecordedBest] = {}
    agreed = 0

    for received_at, moment in groupby(read_capture(*CAPTURE), key=lambda seen: seen.received_at):
        began = received_at if began is None else began
        replay.play(until=received_at - began, market=market, time=0)
        updated: dict[str, int] = {}
        for captured in moment:
            if isinstance(captured, RecordedBest):
                bests[captured.symbol, captured.update_id] = captured
            elif isinstance(captured, DepthDiff):
                updated[captured.symbol] = captured.last_update_id
        for symbol, update_id in updated.items():
            best = bests.get((symbol, update_id))
            if best is not None and symbol in market.books:
                expected = (best.bid, best.bid_quantity, best.ask, best.ask_quantity)
                assert market.best(symbol) == expected
                agreed += 1

    assert agreed > 2_000


@pytest.mark.slow
def test_the_captured_trades_rebuild_the_recorded_candle() -> None:
    market = Recorder()
    minutes: dict[tuple[str, int], list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for captured in read_capture(*CAPTURE):
        if isinstance(captured, RecordedTrade):
            minute = captured.traded_at // FIVE_MINUTES
            minutes[captured.symbol, minute].append((captured.price, captured.quantity))

    CaptureReplay(lambda: read_capture(*CAPTURE)).play(until=649_000, market=market, time=0)

    assert len(market.trades) > 34_000
    for symbol, path in (("BTCUSDT", BTC_CANDLES), ("ETHUSDT", ETH_CANDLES)):
        table = CandleTable.load(path, interval=FIVE_MINUTES)
        candle = table[table.index_at(1_723_161_600_000)]
        traded = minutes[symbol, candle.open_time // FIVE_MINUTES]
        prices = [price for price, _ in traded]
        assert (prices[0], max(prices), min(prices), prices[-1]) == (
            candle.open,
            candle.high,
            candle.low,
            candle.close,
        )
        assert sum(quantity for _, quantity in traded) == candle.volume


@pytest.mark.slow
def test_a_capture_taken_up_in_the_middle_shows_the_book_of_that_moment() -> None:
    through, resumed = Recorder(), Recorder()
    replay = CaptureReplay(lambda: read_capture(*CAPTURE))
    replay.play(until=300_000, market=through, time=0)

    again = CaptureReplay(lambda: read_capture(*CAPTURE), position=replay.resume_at)
    again.play(until=again.next_at - 1, market=resumed, time=0)

    assert resumed.books == through.books
    assert resumed.trades == []


@pytest.mark.slow
def test_a_capture_starts_over_at_its_end() -> None:
    market = Recorder()
    replay = CaptureReplay(lambda: read_capture(*CAPTURE))
    replay.play(until=660_000, market=market, time=0)
    first_round = len(market.trades)

    replay.play(until=replay.next_at + 5_000, market=market, time=0)

    assert len(market.trades) > first_round
    assert replay.resume_at < replay.next_at


def test_a_player_keeps_the_pace_it_was_asked_for(tapes: dict[str, Tape]) -> None:
    played, real = _played_for(tapes, milliseconds=10_000, speed=60, pause=250)

    assert played.resume_at - 600_000 <= 15_000
    assert real.trades[-1].time == 10_000


def test_a_player_does_not_make_up_for_a_long_pause(tapes: dict[str, Tape]) -> None:
    played, _ = _played_for(tapes, milliseconds=3_600_000, speed=60, pause=3_600_000)

    assert played.resume_at <= LAG_MAX * 60 + 2 * 15_000


def test_the_position_is_kept_while_playing_so_that_a_killed_venue_loses_ten_seconds_at_most(
    tapes: dict[str, Tape],
) -> None:
    now, kept, lost = 0, [0], [0]
    replay = _replay(tapes)
    player = Player(
        replay,
        Recorder(),
        speed=60,
        clock=lambda: now,
        monotonic=lambda: now,
        remember=kept.append,
    )

    while now < 60_000:
        now += 250
        player.turn()
        lost.append(replay.resume_at - kept[-1])

    assert 5 <= len(kept) <= 8
    assert max(lost) <= 60 * 10_250


def _played_for(
    tapes: dict[str, Tape], *, milliseconds: int, speed: int, pause: int
) -> tuple[CandleReplay, Recorder]:
    now = 0
    market, replay = Recorder(), _replay(tapes)
    player = Player(
        replay,
        market,
        speed=speed,
        clock=lambda: now,
        monotonic=lambda: now,
        remember=lambda _position: None,
    )
    player.begin()
    while now < milliseconds:
        now += pause
        assert player.turn() > 0
    return replay, market


def _replay(tapes: dict[str, Tape], position: int = 0) -> CandleReplay:
    return CandleReplay(tapes, GRIDS, steps=20, seed=1, position=position)


def _tape(rows: str) -> Tape:
    table = CandleTable((HEADER + rows).encode(), interval=FIVE_MINUTES)
    return Tape(table, first=0, count=len(table))


def test_an_empty_capture_is_refused() -> None:
    with pytest.raises(BrokenRecording):
        CaptureReplay(lambda: iter(()))
