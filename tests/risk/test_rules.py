"""What each limit refuses, and that what is at its edge passes; exits always do."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from lib.errors import NotSent, Unavailable
from lib.exchange import OrderStatus
from lib.money import SymbolRules
from lib.oco import plan_otoco
from lib.order_lists import OrderList
from lib.orders import Order, OrderState
from lib.results import Position
from lib.risk.worth import Unvalued
from tests.risk.limited_office import Limited, buy, limited, sell, story
from tests.scripted_venue import RULES, Office, market_buy, play

BY_QUOTE = Order(symbol="BTCUSDT", side="BUY", type="MARKET", quote_quantity=Decimal(500))

EDGES: list[tuple[str, Any, Any, Order]] = [
    ("order_value", 590, 589, buy()),
    ("order_value", 500, 499, BY_QUOTE),
    ("order_value", 612, 611, market_buy("0.01")),  # at worst two percent above the market
    ("order_value", 610, 609, sell()),
    ("exposure", 590, 589, buy()),
    ("exposure_per_asset", 590, 589, buy()),
    ("exposure_per_asset", {"BTC": 590}, {"BTC": 589}, buy()),
    ("exposure_per_asset", {"ETH": 1}, {"BTC": 1}, buy()),
    ("funds", 590, 589, buy()),
    ("at_work", 590, 589, buy()),
    ("price_distance", "1.67%", "1.66%", buy()),
    ("price_distance", "10%", "9.99%", buy(price="66000")),
    ("allowed_symbols", ["ETHUSDT", "BTCUSDT"], ["ETHUSDT"], buy()),
    ("risk_per_trade", 590, 589, buy()),
    ("risk_per_trade", 10, 9, buy(loss_at=Decimal(58_000))),
    ("risk_per_trade", 10, 9, buy(loss_at=Decimal(60_000)).model_copy(update={"side": "SELL"})),
]


@pytest.mark.parametrize(("key", "fits", "too_small", "order"), EDGES)
@pytest.mark.parametrize("whose", ["of all bots", "of the bot"])
def test_an_entry_at_the_edge_passes_and_one_beyond_is_rejected_by_the_rules_name(
    key: str, fits: Any, too_small: Any, order: Order, whose: str
) -> None:
    def limits(value: Any) -> dict[str, Any]:
        return {"of_all": {key: value}} if whose == "of all bots" else {"bot": {key: value}}

    passed = story(lambda limited: ended(limited, order), **limits(fits))
    refused = story(lambda limited: ended(limited, order), **limits(too_small))

    assert passed.state is not OrderState.REJECTED
    assert passed.id
    assert refused.state is OrderState.REJECTED
    assert refused.reason.endswith(f"(limits.{key})")
    assert refused.id == ""


async def ended(limited: Limited, order: Order) -> Order:
    """Let an order begin; answer how it stands a moment later."""
    order = order.model_copy(deep=True)
    await limited.office.begin(order)
    return order


@pytest.mark.parametrize(
    "limits",
    [
        {"order_value": "0.01", "exposure": "0.01", "funds": "0.01", "risk_per_trade": "0.01"},
        {"exposure_per_asset": "0.01", "price_distance": "0.01%", "allowed_symbols": []},
        {"open_orders": 1, "orders_per_minute": 1, "cool_down": "9d"},
        {"daily_loss": "0.01", "drawdown": "0.01"},
        {"daily_loss": "0.01", "daily_loss_then": "refuse"},
        {"valued_in": "GOLD", "exposure": 1, "daily_loss": 1, "daily_loss_then": "refuse"},
    ],
)
def test_an_exit_passes_whatever_is_limited_and_however_much_was_lost(
    limits: Mapping[str, Any],
) -> None:
    async def tale(limited: Limited) -> list[OrderState]:
        memory = limited.office.memory
        limited.holds("0.05", "9000")
        memory.losses, memory.lost_at, memory.entries_at = 9, limited.office.now(), [0]
        limited.office.venue.failing["quote"] = Unavailable("no price can be had")
        exits = [sell("0.02"), sell("0.03", "59000")]
        for order in exits:
            await limited.office.begin(order)
        return [order.state for order in exits]

    assert story(tale, limits) == [OrderState.OPEN, OrderState.OPEN]


def test_what_is_held_and_what_is_open_counts_with_the_entry() -> None:
    async def tale(limited: Limited) -> list[str]:
        limited.holds("0.01", "580")
        orders = [buy(), buy(), buy("0.001")]
        for order in orders:
            await limited.office.begin(order)
        return [order.reason for order in orders]

    first, second, third = story(tale, {"exposure": 1_200})
    assert first == ""
    assert "all bots would have 1780 USDT in the market, 1200 USDT are the most" in second
    assert "1249 USDT in the market" in third


def test_at_work_counts_what_was_paid_and_exposure_what_it_is_worth() -> None:
    async def tale(limited: Limited) -> str:
        limited.holds("0.01", "100")
        return (await ended(limited, buy())).reason

    assert story(tale, {"at_work": 690}) == ""
    assert "690 USDT at work, 689 USDT are the most (limits.at_work)" in story(
        tale, {"at_work": 689}
    )
    assert "1190 USDT in the market" in story(tale, {"exposure": 1_189})


def test_what_was_bought_in_part_counts_once() -> None:
    async def tale(limited: Limited) -> list[str]:
        office, first = limited.office, buy()
        await office.begin(first)
        office.tell(office.venue.execute(first.id, Decimal("0.004"), price=Decimal(59_000)))
        second, third = buy("0.0099", "59000"), buy("0.0101", "59000")
        await office.begin(second)
        await office.begin(third)
        return [second.reason, third.reason]

    fits, beyond = story(tale, {"at_work": 1_175})
    assert fits == ""
    assert "limits.at_work" in beyond


def test_what_the_exchange_says_was_executed_counts_before_its_trades_are_known() -> None:
    async def tale(limited: Limited) -> str:
        office, first = limited.office, buy()
        await office.begin(first)
        office.venue.failing["fills"] = Unavailable("no trades can be had")
        office.tell(
            office.venue.change(
                first.id,
                status=OrderStatus.FILLED,
                executed=Decimal("0.01"),
                executed_quote=Decimal(590),
            )
        )
        return (await ended(limited, buy("0.001"))).reason

    assert "649 USDT at work" in story(tale, {"at_work": 640})


def test_two_bots_cannot_pass_together_what_only_one_may() -> None:
    async def tale(limited: Limited) -> list[Order]:
        orders = [buy(), buy()]
        hands = [limited.bot("lisa"), limited.bot("bart")]
        pairs = zip(hands, orders, strict=True)
        tasks = [asyncio.ensure_future(limited.run(*pair)) for pair in pairs]
        await asyncio.sleep(5)
        for task in tasks:
            task.cancel()
        return orders

    states = [order.state for order in story(tale, {"exposure": 600})]
    assert sorted(states) == [OrderState.OPEN, OrderState.REJECTED]
    states = [order.state for order in story(tale, lisa={"exposure": 600}, bart={"exposure": 600})]
    assert states == [OrderState.OPEN, OrderState.OPEN]


def test_every_limit_that_is_passed_is_named() -> None:
    async def tale(limited: Limited) -> str:
        return (await ended(limited, buy())).reason

    reason = story(tale, {"order_value": 1}, bot={"exposure": 2})
    assert "(limits.order_value)" in reason
    assert "the bot would have 590 USDT in the market, 2 USDT are the most" in reason


def test_open_orders_of_all_kinds_count_and_only_an_entry_is_refused() -> None:
    async def tale(limited: Limited) -> list[OrderState]:
        limited.holds("0.03", "1800")
        orders = [sell(), buy(), sell(), buy()]
        for order in orders:
            await limited.office.begin(order)
        return [order.state for order in orders]

    assert story(tale, {"open_orders": 2}) == [
        OrderState.OPEN,
        OrderState.OPEN,
        OrderState.OPEN,
        OrderState.REJECTED,
    ]


def test_entries_per_minute_count_anew_once_the_minute_is_over() -> None:
    async def tale(limited: Limited) -> list[OrderState]:
        orders = [buy("0.001"), buy("0.001"), buy("0.001"), buy("0.001")]
        for order, seconds in zip(orders, (5, 5, 60, 1), strict=True):
            await limited.office.begin(order, seconds=seconds)
        return [order.state for order in orders]

    states = story(tale, {"orders_per_minute": 2})
    assert states == [OrderState.OPEN, OrderState.OPEN, OrderState.REJECTED, OrderState.OPEN]


def test_entries_per_minute_are_counted_beyond_a_restart() -> None:
    def of(limits: Mapping[str, Any]) -> list[OrderState]:
        async def tale(office: Office) -> list[OrderState]:
            limited(office, limits)
            first, second, third = (market_buy("0.001") for _ in range(3))
            await office.begin(first)
            await office.begin(second)
            office.begin_life()
            limited(office, limits)
            await asyncio.sleep(1)
            await office.begin(third)
            return [first.state, second.state, third.state]

        return play(tale)

    filled = OrderState.FILLED
    assert of({"orders_per_minute": 2}) == [filled, filled, OrderState.REJECTED]
    assert of({"orders_per_minute": 3}) == [filled, filled, filled]


def test_an_entry_that_was_not_sent_and_is_announced_again_counts_once() -> None:
    async def tale(limited: Limited) -> tuple[Order, list[int]]:
        def unsent(_: object) -> Any:
            raise NotSent("no connection")

        limited.office.venue.placings = [unsent, unsent, limited.office.venue.accept]
        order = await ended(limited, buy())
        await asyncio.sleep(5)
        return order, limited.office.memory.entries_at

    order, entries_at = story(tale, {"orders_per_minute": 1})
    assert order.state is OrderState.OPEN
    assert order.sends == 3
    assert entries_at == [order.sent_at]


def test_after_a_loss_an_entry_waits_unsaved_until_it_has_cooled_down() -> None:
    async def tale(limited: Limited) -> tuple[int, int, list[tuple[str, str]]]:
        limited.office.memory.losses, limited.office.memory.lost_at = 2, limited.office.now()
        order = buy(valid_for=3_600_000)
        await limited.office.begin(order, seconds=290)
        early = len(limited.office.venue.placed)
        assert bool(limited.office.saved) == bool(early)
        await asyncio.sleep(20)
        return early, len(limited.office.venue.placed), limited.told

    early, late, told = story(tale, bot={"cool_down": "5m", "cool_down_after": 2})
    assert (early, late) == (0, 1)
    assert told == [("bot", "limits.cool_down of bot: no entry for 300 s after losses")]
    early, late, told = story(tale, bot={"cool_down": "5m", "cool_down_after": 3})
    assert (early, late, told) == (1, 1, [])


# --- lists


def bracket(rules: SymbolRules, stop: str) -> OrderList:
    return plan_otoco(
        rules,
        side="BUY",
        quantity=Decimal("0.01"),
        price=Decimal(59_000),
        take_profit=Decimal(62_000),
        stop=Decimal(stop),
    )


@pytest.mark.parametrize(
    ("limits", "stop", "reason"),
    [
        ({"risk_per_trade": 10}, "58000", ""),
        ({"risk_per_trade": 10}, "57999", "limits.risk_per_trade"),
        ({"order_value": 589}, "58000", "limits.order_value"),
        ({"open_orders": 3}, "58000", ""),
        ({"open_orders": 2}, "58000", "limits.open_orders"),
    ],
)
def test_a_list_is_judged_by_the_order_that_begins_and_by_its_stop(
    limits: Mapping[str, Any], stop: str, reason: str
) -> None:
    async def tale(limited: Limited) -> tuple[OrderList, int]:
        order_list = bracket(RULES["BTCUSDT"], stop)
        await limited.office.begin_list(order_list)
        return order_list, len(limited.office.venue.placed_lists)

    order_list, placed = story(tale, limits)
    if reason:
        assert order_list.state is OrderState.REJECTED
        assert reason in order_list.reason
    assert placed == (0 if reason else 1)


# --- what has no price


def test_what_cannot_be_valued_is_refused_for_that_reason() -> None:
    async def tale(limited: Limited) -> Order:
        limited.office.memory.net = {"OLDCOIN": Decimal(5)}
        position = Position(quantity=Decimal(5), cost=Decimal(1))
        limited.office.memory.positions["OLDUSDT"] = position
        limited.office.memory.assets["OLDUSDT"] = ("OLDCOIN", "USDT")
        return await ended(limited, buy())

    order = story(tale, {"exposure": 100_000})
    assert order.state is OrderState.REJECTED
    assert "no symbol values OLDCOIN in USDT, and exposure of all bots cannot be counted" in (
        order.reason
    )
    assert story(tale, {"order_value": 1_000}).state is OrderState.OPEN
    reason = story(tale, {"daily_loss": 5}).reason
    assert "so it is not known what was lost (limits.daily_loss)" in reason


def test_amounts_are_valued_over_one_asset_between_and_upside_down() -> None:
    async def tale(office: Office) -> list[Decimal]:
        office.floor.rules["ETHBTC"] = SymbolRules("ETHBTC", "ETH", "BTC")
        office.floor.rules["EURUSDT"] = SymbolRules("EURUSDT", "EUR", "USDT")
        office.venue.last = Decimal(2)
        there = limited(office, {"valued_in": "EUR", "exposure": 1})
        await there.worth.learn(["ETH", "BTC", "USDT", "EUR"])
        return [there.worth.of(asset, Decimal(3)) for asset in ("EUR", "USDT", "BTC", "ETH")]

    assert play(tale) == [Decimal(3), Decimal("1.5"), Decimal(3), Decimal(3)]


def test_a_price_of_more_than_a_minute_ago_values_nothing() -> None:
    async def tale(limited: Limited) -> Decimal:
        await limited.worth.ask("ETHUSDT")
        await asyncio.sleep(59)
        worth = limited.worth.of("ETH", Decimal(2))
        await asyncio.sleep(2)
        with pytest.raises(Unvalued, match="the price of ETHUSDT is not known"):
            limited.worth.of("ETH", Decimal(2))
        return worth

    assert story(tale, {"exposure": 1}) == Decimal(120_000)


# --- what the person hears


def test_the_person_is_told_once_until_an_entry_passes() -> None:
    async def tale(limited: Limited) -> list[tuple[str, str]]:
        for quantity in ("1", "2", "0.001", "1"):
            await ended(limited, buy(quantity))
        return limited.told

    told = story(tale, {"order_value": 100})
    assert [bot for bot, _ in told] == ["bot", "bot"]
    assert all(text.startswith("an entry was refused: it is worth 59000 USDT") for _, text in told)
