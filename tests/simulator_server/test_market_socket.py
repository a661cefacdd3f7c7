import random
from typing import Any

import orjson
import pytest

from tests.simulator.test_local_book import LocalBook, levels
from tests.simulator_server.client import Client, Socket, paper_client

pytestmark = pytest.mark.asyncio

JSON = "Invalid JSON: expected value at"
TRADE = {"price": "2500", "quantity": "0.1", "buyer_is_maker": True}


async def test_a_raw_stream_sends_bare_events_and_a_combined_one_names_them() -> None:
    async with (
        paper_client() as (_, client),
        client.socket("/ws/btcusdt@trade") as raw,
        client.socket("/stream?streams=btcusdt@trade/btcusdt@bookTicker") as combined,
    ):
        await client.trade("60000")

        bare, wrapped = await raw.receive(), await combined.receive()

        assert (bare["e"], bare["s"], bare["p"]) == ("trade", "BTCUSDT", "60000.00000000")
        assert wrapped == {"stream": "btcusdt@trade", "data": bare}


async def test_best_prices_are_sent_as_they_change() -> None:
    async with paper_client() as (_, client), client.socket("/ws/btcusdt@bookTicker") as socket:
        await client.set_book("59000", "59000.01")

        frame = await socket.receive()

        assert (frame["b"], frame["a"]) == ("59000.00000000", "59000.01000000")
        assert "e" not in frame


async def test_a_stream_one_subscribes_to_later_is_sent_until_one_leaves_it() -> None:
    async with paper_client() as (_, client), client.socket("/ws") as socket:
        names = ["btcusdt@trade"]
        assert await socket.ask(method="SUBSCRIBE", params=names, id=1) == {"result": None, "id": 1}
        assert await socket.ask(method="LIST_SUBSCRIPTIONS", id="x") == {"result": names, "id": "x"}
        await client.trade("60000")
        assert (await socket.receive())["e"] == "trade"

        assert await socket.ask(method="UNSUBSCRIBE", params=names, id=2) == {
            "result": None,
            "id": 2,
        }
        await client.trade("60001")
        assert await socket.silent()


async def test_a_socket_may_switch_to_named_events() -> None:
    async with paper_client() as (_, client), client.socket("/ws/btcusdt@trade") as socket:
        assert (await socket.ask(method="GET_PROPERTY", params=["combined"], id=1))[
            "result"
        ] is False
        await socket.ask(method="SET_PROPERTY", params=["combined", True], id=2)
        await client.trade("60000")

        assert (await socket.receive())["stream"] == "btcusdt@trade"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (
            "nonsense",
            {"error": {"code": 3, "msg": f"{JSON} line 1 column 1"}, "id": None},
        ),
        (
            '{"method":"SET_PROPERTY","params":["other",1],"id":1}',
            {"error": {"code": 0, "msg": "Unknown property"}, "id": 1},
        ),
    ],
)
async def test_a_frame_that_means_nothing_is_answered_with_an_error(
    text: str, answer: object
) -> None:
    async with paper_client() as (_, client), client.socket("/ws") as socket:
        await socket.raw.send_str(text)

        assert await socket.receive() == answer
        assert (await socket.ask(method="LIST_SUBSCRIPTIONS", id=1))["result"] == []


async def test_more_streams_than_allowed_are_refused() -> None:
    async with paper_client() as (_, client), client.socket("/ws") as socket:
        names = [f"s{number}@trade" for number in range(1_025)]
        too_many = {"error": {"code": 4, "msg": "Too many subscriptions"}, "id": 1}

        assert await socket.ask(method="SUBSCRIBE", params=names, id=1) == too_many
        assert (await socket.ask(method="SUBSCRIBE", params=names[:1_024], id=2))["result"] is None
        assert (await socket.ask(method="SUBSCRIBE", params=names[:9], id=3))["result"] is None
        assert (await socket.ask(method="SUBSCRIBE", params=names[-1:], id=1)) == too_many


async def test_a_url_with_more_streams_than_allowed_ends_the_connection() -> None:
    names = "/".join(f"s{number}@trade" for number in range(1_025))
    async with paper_client() as (_, client), client.socket(f"/stream?streams={names}") as socket:
        assert await socket.ended()


@pytest.mark.slow
async def test_streams_that_do_not_exist_disturb_no_other() -> None:
    odd = "btcusdt@kline_7m/xxx@kline_1m/btcusdt@kline_1m@+08:00/!x/xxx@depth5@100ms/@/btcusdt@no"
    async with (
        paper_client() as (_, client),
        client.socket(f"/stream?streams={odd}"),
        client.socket("/ws/btcusdt@miniTicker") as socket,
    ):
        for _ in range(3):
            assert (await socket.receive())["e"] == "24hrMiniTicker"


async def test_a_numbered_socket_is_a_plain_one() -> None:
    async with paper_client() as (_, client), client.socket("/ws/7") as socket:
        assert (await socket.ask(method="LIST_SUBSCRIPTIONS", id=1))["result"] == []


@pytest.mark.slow
async def test_changes_of_the_book_join_the_snapshot_without_a_gap() -> None:
    async with paper_client() as (_, client), client.socket("/ws/btcusdt@depth@100ms") as socket:
        await client.set_book("59000", "59000.01")
        first = await socket.receive()
        _, snapshot = await client.get("depth?symbol=BTCUSDT")
        await client.set_book("58000", "58000.01")
        second = await socket.receive()

        assert first["e"] == "depthUpdate"
        assert first["u"] == snapshot["lastUpdateId"]
        assert second["U"] == first["u"] + 1
        assert ["58000.00000000", "5.00000000"] in second["b"]
        assert ["59000.00000000", "0.00000000"] in second["b"]


@pytest.mark.slow
@pytest.mark.parametrize("levels", [5, 10, 20])
async def test_a_partial_book_shows_the_best_levels_as_rest_does(levels: int) -> None:
    async with paper_client() as (_, client):
        book = {
            "symbol": "BTCUSDT",
            "bids": [[str(price), "1"] for price in range(59_000, 59_030)],
            "asks": [[str(price), "1"] for price in range(59_100, 59_130)],
        }
        await client.command("POST", "book", book)
        async with client.socket(f"/ws/btcusdt@depth{levels}@100ms") as socket:
            frame = await socket.receive()
        _, rest = await client.get(f"depth?symbol=BTCUSDT&limit={levels}")

        assert frame == rest
        assert len(frame["bids"]) == levels


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stream", "kind"), [("btcusdt@ticker", "24hrTicker"), ("btcusdt@miniTicker", "24hrMiniTicker")]
)
async def test_tickers_show_the_day(stream: str, kind: str) -> None:
    async with paper_client() as (_, client), client.socket(f"/ws/{stream}") as socket:
        await client.trade("61000")
        await client.trade("59000")

        frame = await socket.receive()

        assert (frame["e"], frame["o"], frame["h"], frame["l"], frame["c"]) == (
            kind,
            "60000.00000000",
            "61000.00000000",
            "59000.00000000",
            "59000.00000000",
        )


@pytest.mark.slow
async def test_all_mini_tickers_come_in_one_list() -> None:
    async with paper_client() as (_, client), client.socket("/ws/!miniTicker@arr@1000ms") as socket:
        await client.trade("61000")
        await client.command("POST", "trade", {**TRADE, "symbol": "ETHUSDT"})

        frame = await socket.receive()

        assert {ticker["s"] for ticker in frame} == {"BTCUSDT", "ETHUSDT"}


@pytest.mark.slow
async def test_the_growing_candle_is_the_one_that_rest_shows_last() -> None:
    async with paper_client() as (_, client), client.socket("/ws/btcusdt@kline_1d") as socket:
        await client.trade("61234")

        candle = (await _receive(socket, "kline"))["k"]
        rows = await _klines(client, "1d")

        assert (candle["x"], candle["i"], candle["c"]) == (False, "1d", "61234.00000000")
        assert (rows[-1][0], rows[-1][4]) == (candle["t"], candle["c"])


@pytest.mark.parametrize(
    "path",
    [
        "/ws/btcusdt%40trade",
        "/stream?streams=btcusdt%40trade%2Fethusdt%40trade",
        "/stream?timeUnit=millisecond&streams=btcusdt@trade",
    ],
)
async def test_a_percent_encoded_url_means_the_same(path: str) -> None:
    async with paper_client() as (_, client), client.raw_socket(path) as socket:
        await client.trade("60000")

        frame = await socket.receive()

        assert frame.get("data", frame)["p"] == "60000.00000000"


@pytest.mark.parametrize(
    "path", ["/stream?streams=btcusdt@kline_1d@+08:00", "/ws/btcusdt@kline_1d@%2B08:00"]
)
async def test_the_plus_of_a_time_zone_in_a_url_is_a_plus(path: str) -> None:
    async with paper_client() as (_, client), client.raw_socket(path) as socket:
        listed = await socket.ask(method="LIST_SUBSCRIPTIONS", id=1)

        assert listed["result"] == ["btcusdt@kline_1d@+08:00"]


async def test_times_come_in_microseconds_if_the_url_says_so() -> None:
    async with (
        paper_client() as (_, client),
        client.socket("/ws/btcusdt@trade?timeUnit=MICROSECOND") as fine,
        client.socket("/ws/btcusdt@trade") as coarse,
    ):
        await client.trade("60000")

        assert (await fine.receive())["T"] == (await coarse.receive())["T"] * 1_000


async def test_a_unit_of_time_that_does_not_exist_is_refused() -> None:
    async with paper_client() as (_, client):
        url = f"{client.address}/ws/btcusdt@trade?timeUnit=FORTNIGHT"
        async with client.session.get(url) as response:
            assert (response.status, (await response.json())["code"]) == (400, -1194)


@pytest.mark.slow
async def test_a_book_kept_over_a_socket_is_the_engines() -> None:
    chance, book = random.Random(4), LocalBook()
    async with paper_client() as (paper, client):
        stream = "btcusdt@depth@100ms"
        async with client.socket(f"/ws/{stream}") as socket:
            for turn in range(12):
                for _ in range(chance.randint(1, 5)):
                    middle = chance.randint(59_000, 61_000)
                    bids = [(str(middle - far), "1") for far in chance.sample(range(1, 30), 8)]
                    asks = [(str(middle + far), "2") for far in chance.sample(range(1, 30), 8)]
                    paper.exchange.apply_depth("BTCUSDT", bids, asks, paper.clock())
                if book.sides is None:
                    book.deliver(stream, orjson.dumps(await socket.receive()))
                _, engine = await client.get("depth?symbol=BTCUSDT&limit=5000")
                if book.sides is None:
                    assert book.join(engine) or turn < 3
                while book.sides is not None and book.last < engine["lastUpdateId"]:
                    book.deliver(stream, orjson.dumps(await socket.receive()))
                if book.sides is not None:
                    assert book.sides == {side: levels(engine[side]) for side in ("bids", "asks")}
        assert book.sides is not None


async def _receive(socket: Socket, kind: str) -> Any:
    frame = await socket.receive()
    assert frame["e"] == kind
    return frame


async def _klines(client: Client, interval: str) -> Any:
    status, rows = await client.get(f"klines?symbol=BTCUSDT&interval={interval}")
    assert status == 200
    return rows
