"""A green campaign proves something only if a broken program turns it red.

Each mutant takes one safeguard away. The campaign that the real program passes must catch it.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lib.dealing.dealer
import lib.dealing.doubt
import lib.dealing.lookout
import lib.mirror
import lib.orders
from lib.context_file.generation import stamped
from lib.dealing.dealer import Dealer
from lib.errors import OutcomeUnknown, Refused, UnknownOrder
from lib.exchange import OrderRecord
from lib.floor import Floor
from lib.life import Life, Standing
from lib.machine import Context
from lib.orders import Exchange, Order, OrderState
from tests.world import Luck, World, every_life, pairs_of_cuts

Patch = pytest.MonkeyPatch
MARKET_BUYS = {
    "soak": {
        "function": "infinite",
        "bot": "add_order",
        "conf": {
            "order": {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"},
            "valid_for": "1h",
        },
        "loop": 3,
    }
}
DIPS = {
    "dip": {
        "function": "dip_buyer",
        "symbol": "BTCUSDT",
        "quantity": "0.01",
        "dip": "0.001",
        "rebound": "0.001",
        "stop": "0.002",
        "patience": "5s",
        "laps": 2,
    }
}
ROUGH = Luck(requests=2, events=3, stream_loss=60, query_lag_ms=2_500)


def campaign(seeds: range) -> Iterator[World]:
    """The lives in which every mutant has to show itself, and the real program does well."""
    for seed in seeds:
        for bots in (MARKET_BUYS, DIPS):
            make = lambda bots=bots, seed=seed: World(seed, bots, ROUGH)  # noqa: E731
            yield from every_life(make, stride=7)
            yield from pairs_of_cuts(make, seed, many=6)


def breach(seeds: range) -> str:
    """Answer the first thing that is not as it must be; empty if all is well."""
    try:
        for world in campaign(seeds):
            world.check()
            if Standing.PARKED in world.standings.values():
                parked = [world.generation(name).parked for name in world.standings]
                return "; ".join(f"{p.kind}: {p.reason}" for p in parked if p)
    except AssertionError as wrong:
        return f"{type(wrong).__name__}: {wrong}"
    return ""


def nothing_is_saved_before_an_order_leaves(patch: Patch) -> None:
    real = Life._save

    async def save(life: Life, dealer: Dealer, context: Context) -> None:
        orders = lib.orders.orders_inside(context.model_dump(mode="json"))
        if all(order.state is not OrderState.SUBMITTING for order in orders):
            await real(life, dealer, context)

    patch.setattr(Life, "_save", save)
    patch.setattr(Dealer, "_tripwire", lambda *_: None)


def a_save_is_taken_for_done_before_it_is(patch: Patch) -> None:
    async def store(life: Life, fields: bytes) -> int:
        asyncio.get_running_loop().call_later(3.0, life.file.save, stamped(fields, 0))
        return 0

    patch.setattr(Life, "_store", store)
    patch.setattr(Dealer, "_tripwire", lambda *_: None)


def a_lost_reply_is_taken_for_a_refusal(patch: Patch) -> None:
    real = Dealer.place

    async def place(dealer: Dealer, order: Order) -> OrderRecord:
        try:
            return await real(dealer, order)
        except OutcomeUnknown as unknown:
            raise Refused(str(unknown)) from unknown

    patch.setattr(Dealer, "place", place)


def an_order_in_doubt_is_sent_again_at_once(patch: Patch) -> None:
    async def resolve(exchange: Exchange, order: Order) -> bool:
        exchange.give_id_up(order)
        return False

    patch.setattr(lib.orders, "_resolve", resolve)
    patch.setattr("lib.ownership.witness._contradiction", lambda *_: "")


def an_order_in_doubt_is_sent_again_under_its_id(patch: Patch) -> None:
    async def resolve(exchange: Exchange, order: Order) -> bool:
        order.state = OrderState.PLANNED
        return False

    patch.setattr(lib.orders, "_resolve", resolve)


def one_answer_that_it_does_not_exist_is_believed(patch: Patch) -> None:
    async def look_for(floor: Floor, order: Order) -> OrderRecord | None:
        return await lib.dealing.doubt._look_once(floor, order, lib.dealing.doubt._Look())

    patch.setattr(lib.dealing.dealer, "look_for", look_for)
    patch.setattr(Order, "can_rest", property(lambda _: False))
    patch.setattr("lib.ownership.witness._contradiction", lambda *_: "")


def an_unknown_order_is_taken_for_a_canceled_one(patch: Patch) -> None:
    async def cancel(exchange: Exchange, order: Order) -> None:
        try:
            lib.orders.absorb(order, await exchange.cancel(order))
        except UnknownOrder:
            order.state = OrderState.CANCELED
        except (Refused, OutcomeUnknown):
            return

    patch.setattr(lib.orders, "_cancel", cancel)


def an_order_is_final_before_all_its_trades_are_known(patch: Patch) -> None:
    for module in (lib.orders, lib.dealing.lookout, lib.mirror):
        patch.setattr(module, "all_trades_known", lambda *_: True)


def a_finished_order_is_booked_at_every_look(patch: Patch) -> None:
    def close(exchange: Exchange, order: Order) -> None:
        if order.final:
            exchange.close(order)

    real = lib.orders.add_order

    async def add_order(exchange: Exchange, order: Order) -> Any:
        if order.final:
            exchange.close(order)
        async for step in real(exchange, order):
            yield step

    patch.setattr(lib.orders, "_close", close)
    patch.setattr("bots.add_order.add_order", add_order)
    patch.setattr("bots.dip_buyer.add_order", add_order)


def ids_begin_anew_in_every_life(patch: Patch) -> None:
    real = Life._live

    async def live(life: Life) -> None:
        life.file._newest.decoded()
        await real(life)

    original = Dealer.__init__

    def init(dealer: Dealer, *args: Any, **kwargs: Any) -> None:
        original(dealer, *args, **kwargs)
        dealer._memory.ids_given = 0

    patch.setattr(Life, "_live", live)
    patch.setattr(Dealer, "__init__", init)
    patch.setattr("lib.ownership.witness._contradiction", lambda *_: "")


MUTANTS: list[Callable[[Patch], None]] = [
    nothing_is_saved_before_an_order_leaves,
    a_save_is_taken_for_done_before_it_is,
    a_lost_reply_is_taken_for_a_refusal,
    an_order_in_doubt_is_sent_again_at_once,
    an_order_in_doubt_is_sent_again_under_its_id,
    one_answer_that_it_does_not_exist_is_believed,
    an_unknown_order_is_taken_for_a_canceled_one,
    an_order_is_final_before_all_its_trades_are_known,
    a_finished_order_is_booked_at_every_look,
    ids_begin_anew_in_every_life,
]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_real_program_passes_the_campaign(seed: int) -> None:
    assert breach(range(seed, seed + 1)) == ""


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_the_campaign_catches(mutant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutant(monkeypatch)

    found = breach(range(4))

    assert found.startswith(("AssertionError", "BooksDisagree", "Halt")), found or "not caught"
