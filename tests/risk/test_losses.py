"""What was lost, by day and from the best: what counts, what follows, and what lets it go on."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from lib.context_file.generation import Memory
from lib.exchange import Side
from lib.instructions import Instruction
from lib.limits import Then
from lib.orders import Order, OrderState
from lib.risk.keeper import Keeper
from lib.risk.page import FILE, PageFile
from lib.wallet import book
from tests.announcement import durable_files
from tests.disk import Cut, SimulatedDisk
from tests.risk.limited_office import CTX, Limited, buy, limited, new_disk, story
from tests.scripted_venue import Office, made_fill, play

DAY = 86_400_000
LOSING = {"daily_loss": 50}


class Band:
    """Bots that obey at once, and note what they were told."""

    def __init__(self, office: Office, *names: str) -> None:
        self.office = office
        self.disk: SimulatedDisk | None = None
        self.bots = [*names] or ["bot"]
        self.told: list[tuple[str, Then, list[str]]] = []
        self.numbers: set[str] = set()
        self.slow = 0  # seconds until it hears
        self.deaf = False  # to a flatten, as a bot whose context cannot be read
        self.faults = 0  # how often telling it goes wrong

    def names(self) -> Sequence[str]:
        return self.bots

    def lets(self, bot: str) -> bool:
        return self.office.floor.instructions.of(bot) is Instruction.TRADE

    async def tell(self, number: str, then: Then, bots: Sequence[str], by: str) -> None:
        if self.faults:
            self.faults -= 1
            raise LookupError("lost my way")
        if number in self.numbers:
            pytest.fail("a number is used once")  # no keeper takes this for a fault of its own
        if self.disk is not None:
            wanted = number.removesuffix(" paused")
            kept = durable_files(self.disk.root)
            if not any(wanted.encode() in content for content in kept):
                pytest.fail("told before it was saved")
        self.numbers.add(number)
        self.told.append((by, then, [*bots]))
        await asyncio.sleep(self.slow)
        if then is Then.FLATTEN and self.deaf:
            return
        word = Instruction.FLATTEN if then is Then.FLATTEN else Instruction.PAUSE
        for bot in bots:
            self.office.floor.instructions.give(bot, word)

    def resume(self, bot: str = "bot") -> None:
        self.office.floor.instructions.give(bot, Instruction.TRADE)


def keep(limited: Limited, band: Band) -> "asyncio.Task[None]":
    """Have a keeper look beside the story."""
    limited.office.floor.quotes.open("BTCUSDT")
    keeper = Keeper(
        limited.guard,
        limited.file,
        band,
        lambda bot, _, text: limited.told.append((bot, text)),
        look_seconds=5,
    )

    async def all_along() -> None:
        await keeper.begin()
        await keeper.keep_on()

    return limited.office.loop.create_task(all_along())


async def price(limited: Limited, last: int, seconds: float = 6) -> None:
    """Bring a price, and let the keeper see it."""
    limited.office.venue.last = Decimal(last)
    limited.office.quote(str(last))
    await asyncio.sleep(seconds)
    limited.office.quote(str(last))


# --- what counts


def test_a_result_is_what_fills_moved_at_prices_of_now_less_fees_in_any_asset() -> None:
    async def tale(limited: Limited) -> Decimal:
        memory = limited.office.memory
        limited.holds("0.01", "590")
        memory.fees = {"BTC": Decimal("0.001"), "ETH": Decimal("0.0001"), "USDT": Decimal(2)}
        await limited.guard.learn_assets([""])
        return limited.guard.losses.result("")

    # 0.009 BTC and -0.0001 ETH at 60000, 590 and 2 USDT paid
    assert story(tale, LOSING) == Decimal(540) - 6 - 592


def test_trades_of_an_order_that_is_still_open_count() -> None:
    async def tale(limited: Limited) -> Decimal:
        office, order = limited.office, buy(price="61000")
        await office.begin(order)
        record = office.venue.execute(order.id, Decimal("0.004"), price=Decimal(61_000))
        office.tell(office.venue.full(record))
        await asyncio.sleep(1)
        return limited.guard.losses.result("bot")

    fee = Decimal("0.000004") * 60_000
    assert story(tale, bot=LOSING) == Decimal("0.004") * (60_000 - 61_000) - fee


def test_all_bots_count_together_and_each_alone() -> None:
    async def tale(limited: Limited) -> list[Decimal]:
        limited.holds("0.01", "700")
        limited.bot("lisa")
        lisa = limited.office.floor.wallets.of("lisa").memory
        lisa.net, lisa.assets["BTCUSDT"] = {"USDT": Decimal(30)}, ("BTC", "USDT")
        await limited.guard.learn_assets([""])
        return [limited.guard.losses.result(scope) for scope in ("", "bot", "lisa")]

    assert story(tale, LOSING) == [Decimal(-70), Decimal(-100), Decimal(30)]


# --- losses in a row


def closed(memory: Memory, quantity: str, price: str, at: int, side: Side = "SELL") -> None:
    """Book an order that was filled at once."""
    amount, worth = Decimal(quantity), Decimal(quantity) * Decimal(price)
    fill = made_fill(at, amount, Decimal(price), at).model_copy(update={"commission": Decimal(0)})
    facts = {"executed": amount, "executed_quote": worth, "fills": [fill], "ended_at": at}
    order = buy(quantity, price).model_copy(update={"side": side, **facts})
    book(memory, order, ("BTC", "USDT"))


def test_orders_that_close_at_a_loss_are_counted_until_one_closes_at_a_gain() -> None:
    memory, seen = Memory(), []

    for at, (side, quantity, price) in enumerate([
        ("BUY", "4", "100"),
        ("SELL", "1", "99"),
        ("SELL", "1", "98"),
        ("BUY", "1", "200"),
        ("SELL", "1", "300"),
        ("SELL", "1", "1"),
    ]):
        closed(memory, quantity, price, at, "BUY" if side == "BUY" else "SELL")
        seen.append((memory.losses, memory.lost_at))

    assert seen == [(0, 0), (1, 1), (2, 2), (2, 2), (0, 2), (1, 5)]


# --- what follows


@pytest.mark.parametrize(
    ("limits", "last", "rule"),
    [
        ({"daily_loss": 50}, 55_000, "daily_loss"),
        ({"daily_loss": 50}, 55_001, ""),
        ({"drawdown": 100}, 60_000, "drawdown"),
        ({"drawdown": 100}, 60_001, ""),
        ({"drawdown": 100, "daily_loss": 1}, 60_000, "drawdown"),
    ],
)
def test_a_loss_that_reaches_its_limit_is_followed_by_a_pause(
    limits: Mapping[str, Any], last: int, rule: str
) -> None:
    async def tale(limited: Limited) -> tuple[Band, list[tuple[str, str]]]:
        limited.holds("0.01", "600")
        band = Band(limited.office)
        keep(limited, band)
        best = 60_000 if rule != "drawdown" and "drawdown" not in limits else 70_000
        for each in (60_000, best, last):
            await price(limited, each)
        return band, limited.told

    band, told = story(tale, limits)
    expected = [(f"limits.{rule}", Then.PAUSE, ["bot"])] if rule else []
    assert band.told == expected
    assert len(told) == len(expected)
    assert all("all bots: " in text and "paused until you say `resume`" in text for _, text in told)


def test_a_limit_of_one_bot_concerns_that_bot_alone() -> None:
    async def tale(limited: Limited) -> tuple[Band, list[OrderState]]:
        limited.holds("0.01", "600")
        band, lisa = Band(limited.office, "bot", "lisa"), limited.bot("lisa")
        keep(limited, band)
        await price(limited, 60_000)
        await price(limited, 50_000)
        mine, hers = buy("0.001", "40000"), buy("0.001", "40000")
        await limited.office.begin(mine)
        task = asyncio.ensure_future(limited.run(lisa, hers))
        await asyncio.sleep(2)
        task.cancel()
        return band, [mine.state, hers.state]

    band, states = story(tale, bot=LOSING)
    assert band.told == [("limits.daily_loss", Then.PAUSE, ["bot"])]
    assert states == [OrderState.PLANNED, OrderState.OPEN]


def test_an_entry_that_sees_the_loss_first_waits_before_anybody_is_told() -> None:
    async def tale(limited: Limited) -> tuple[OrderState, int, list[str]]:
        limited.holds("0.01", "600")
        await limited.guard.learn("bot", "BTCUSDT")
        limited.office.floor.quotes.open("BTCUSDT")
        await price(limited, 50_000, seconds=0)
        order = buy("0.001", "40000")
        await limited.office.begin(order, seconds=60)
        words = [trip.words for trip in limited.file.page.trips]
        return order.state, len(limited.office.venue.placed), words

    state, placed, words = story(tale, LOSING)
    assert (state, placed) == (OrderState.PLANNED, 0)
    assert words == [
        "limits.daily_loss: all bots: 100 USDT lost since 0:00 UTC, 50 USDT are the most; "
        "paused until you say `resume`"
    ]


def test_no_entry_leaves_while_the_bots_are_being_told() -> None:
    async def tale(limited: Limited) -> tuple[OrderState, int]:
        limited.holds("0.01", "600")
        band = Band(limited.office)
        band.slow = 30
        keep(limited, band)
        await price(limited, 60_000)
        await price(limited, 50_000)
        order = buy("0.001", "40000")
        await limited.office.begin(order, seconds=60)
        return order.state, len(limited.file.page.trips)

    assert story(tale, LOSING) == (OrderState.PLANNED, 1)


def test_entries_are_refused_only_as_long_as_so_much_is_lost_where_that_is_wanted() -> None:
    async def tale(limited: Limited) -> tuple[list[Order], Band]:
        limited.holds("0.01", "600")
        band = Band(limited.office)
        keep(limited, band)
        orders = [buy("0.001", "40000") for _ in range(3)]
        for order, last in zip(orders, (60_000, 50_000, 58_000), strict=True):
            await price(limited, last)
            await limited.office.begin(order)
        return orders, band

    orders, band = story(tale, {**LOSING, "daily_loss_then": "refuse"})
    assert [o.state for o in orders] == [OrderState.OPEN, OrderState.REJECTED, OrderState.OPEN]
    assert orders[1].reason == (
        "all bots: 100 USDT lost since 0:00 UTC, 50 USDT are the most (limits.daily_loss)"
    )
    assert band.told == []


def test_a_keeper_that_breaks_says_so_and_carries_out_what_it_had_begun() -> None:
    async def tale(limited: Limited) -> tuple[Band, list[tuple[str, str]]]:
        limited.holds("0.01", "600")
        band = Band(limited.office)
        band.faults = 2
        keep(limited, band)
        await price(limited, 60_000)
        await price(limited, 50_000, seconds=100)
        return band, limited.told

    band, told = story(tale, LOSING)
    assert band.told == [("limits.daily_loss", Then.PAUSE, ["bot"])]
    broke = [text for bot, text in told if bot == "" and "LookupError: lost my way" in text]
    assert len(broke) == 1


def test_what_cannot_be_flattened_is_paused() -> None:
    async def tale(limited: Limited) -> list[Then]:
        limited.holds("0.01", "600")
        band = Band(limited.office)
        band.deaf, band.disk = True, limited.disk
        keep(limited, band)
        await price(limited, 60_000)
        await price(limited, 50_000)
        return [then for _, then, _ in band.told]

    assert story(tale, {**LOSING, "daily_loss_then": "flatten"}) == [Then.FLATTEN, Then.PAUSE]


def test_a_larger_loss_flattens_what_a_smaller_one_paused() -> None:
    async def tale(limited: Limited) -> list[tuple[str, Then]]:
        limited.holds("0.01", "600")
        band = Band(limited.office)
        keep(limited, band)
        for last in (60_000, 54_000, 49_000, 40_000):
            await price(limited, last)
        return [(by, then) for by, then, _ in band.told]

    limits = {**LOSING, "drawdown": 100, "drawdown_then": "flatten"}
    assert story(tale, limits) == [
        ("limits.daily_loss", Then.PAUSE),
        ("limits.drawdown", Then.FLATTEN),
    ]


def test_a_bot_that_comes_while_a_limit_stands_is_told_as_well() -> None:
    async def tale(limited: Limited) -> list[list[str]]:
        limited.holds("0.01", "600")
        band = Band(limited.office)
        keep(limited, band)
        await price(limited, 60_000)
        await price(limited, 50_000)
        band.bots.append("lisa")
        await price(limited, 50_000, seconds=12)
        return [bots for *_, bots in band.told]

    assert story(tale, LOSING) == [["bot"], ["lisa"]]


@pytest.mark.parametrize("word", [Instruction.STOP, Instruction.PAUSE, Instruction.FLATTEN])
def test_a_pause_loosens_nothing_that_the_person_had_said(word: Instruction) -> None:
    async def tale(limited: Limited) -> tuple[Instruction, list[list[str]]]:
        limited.holds("0.01", "600")
        band, instructions = Band(limited.office, "bot", "lisa"), limited.office.floor.instructions
        instructions.give("bot", word)
        keep(limited, band)
        await price(limited, 60_000)
        await price(limited, 50_000)
        return instructions.of("bot"), [bots for *_, bots in band.told]

    assert story(tale, LOSING) == (word, [["lisa"]])


# --- what lets it go on


def test_the_persons_resume_lifts_it_and_it_does_not_come_back_on_the_same_loss() -> None:
    async def tale(limited: Limited) -> tuple[Band, list[str], OrderState]:
        limited.holds("0.01", "600")
        band = Band(limited.office)
        keep(limited, band)
        await price(limited, 60_000)
        await price(limited, 50_000)
        band.resume()
        order = buy("0.001", "40000")
        await limited.office.begin(order)
        await price(limited, 46_000)
        told = [text for _, text in limited.told]
        first = len(band.told)
        await price(limited, 44_000)
        assert len(band.told) == first + 1
        return band, told, order.state

    band, told, state = story(tale, LOSING)
    assert state is OrderState.OPEN
    assert [by for by, *_ in band.told] == ["limits.daily_loss", "limits.daily_loss"]
    assert told[1] == (
        "limits.daily_loss of all bots: you let go on, so losses are counted anew from now"
    )


def test_it_stands_until_somebody_is_let_go_on_whatever_prices_and_days_do() -> None:
    async def tale(limited: Limited) -> tuple[OrderState, int]:
        limited.holds("0.01", "600")
        band = Band(limited.office)
        keep(limited, band)
        await price(limited, 60_000)
        await price(limited, 50_000)
        limited.office.jumped += 3 * DAY
        await price(limited, 90_000, seconds=60)
        order = buy("0.001", "40000")
        await limited.office.begin(order)
        return order.state, len(band.told)

    assert story(tale, LOSING) == (OrderState.PLANNED, 1)


def test_a_new_day_begins_with_the_last_result_of_the_one_before() -> None:
    async def tale(limited: Limited) -> list[int]:
        limited.holds("0.01", "600")
        band = Band(limited.office)
        keep(limited, band)
        told = []
        for last, days in ((60_000, 0), (56_000, 1), (52_000, 0), (50_999, 0)):
            await price(limited, last)
            told.append(len(band.told))
            limited.office.jumped += days * DAY
        return told

    assert story(tale, LOSING) == [0, 0, 0, 1]


# --- beyond a restart


def test_the_days_start_the_best_and_what_stands_survive_a_power_cut() -> None:
    disk = new_disk()

    async def before(office: Office) -> None:
        there = limited(office, {"drawdown": 60}, disk=disk)
        there.holds("0.01", "600")
        keep(there, Band(office))
        await price(there, 60_000)
        await price(there, 65_000, seconds=70)

    play(before)
    after = disk.after(Cut.POWER)

    async def afterwards(office: Office) -> list[tuple[str, Then, list[str]]]:
        there, band = limited(office, {"drawdown": 60}, disk=after), Band(office)
        there.holds("0.01", "600")
        keep(there, band)
        await price(there, 59_001)
        assert band.told == []
        await price(there, 59_000)
        return band.told

    told = play(afterwards)
    assert told == [("limits.drawdown", Then.PAUSE, ["bot"])]
    again = after.after(Cut.POWER)

    async def at_last(office: Office) -> tuple[list[Any], OrderState]:
        there, band = limited(office, {"drawdown": 60}, disk=again), Band(office)
        office.floor.instructions.give("bot", Instruction.PAUSE)
        there.holds("0.01", "600")
        keep(there, band)
        await price(there, 70_000)
        order = buy("0.001", "40000")
        await office.begin(order)
        return band.told, order.state

    assert play(at_last) == ([], OrderState.PLANNED)


def test_the_first_entry_leaves_only_once_what_losses_are_counted_from_is_on_disk() -> None:
    async def tale(limited: Limited) -> tuple[int, bool]:
        await limited.office.begin(buy())
        return len(limited.office.venue.placed), FILE in limited.disk.after(Cut.POWER).names(CTX)

    assert story(tale, LOSING) == (1, True)


def test_a_file_that_cannot_be_read_pauses_all_until_the_person_lets_go_on() -> None:
    disk = new_disk()
    disk.put(CTX / FILE, b"rubbish")

    async def tale(office: Office) -> tuple[Band, list[tuple[str, str]], OrderState]:
        there, band = limited(office, LOSING, disk=disk), Band(office)
        keep(there, band)
        await asyncio.sleep(3)
        band.resume()
        order = buy()
        await office.begin(order)
        return band, there.told, order.state

    band, told, state = play(tale)
    assert band.told == [("limits.file", Then.PAUSE, ["bot"])]
    assert "all bots are paused until you let one go on" in told[0][1]
    assert state is OrderState.OPEN
    assert disk.content(CTX / "installation.limits.broken-1.json") == b"rubbish"


@pytest.mark.parametrize(("venue", "unit"), [("live", "USDT"), ("scripted", "EUR")])
def test_what_another_venue_or_asset_left_is_no_measure(venue: str, unit: str) -> None:
    disk = new_disk()

    async def before(office: Office) -> None:
        there = limited(office, LOSING, disk=disk)
        there.holds("0.01", "600")
        keep(there, Band(office))
        await price(there, 60_000)
        await price(there, 50_000)

    play(before)

    assert PageFile.open(
        CTX, venue="scripted", valued_in="USDT", disk=disk.after(Cut.POWER)
    ).page.trips
    page = PageFile.open(CTX, venue=venue, valued_in=unit, disk=disk.after(Cut.POWER)).page
    assert (page.marks, page.trips) == ({}, [])
