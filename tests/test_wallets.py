"""No bot spends another's coins, nor the person's own."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from lib.context_file.generation import Memory
from lib.exchange import ZERO, AccountState, Balance, OrderRecord, OrderStatus, Side
from lib.funds import Funds
from lib.orders import Order, OrderState
from lib.wallet import book
from lib.wallets import Wallets
from tests.scripted_venue import RULES, Office, limit_buy, made_fill, market_buy, play

AT = 1_000
BTC = ("BTC", "USDT")


@dataclass
class Bank:
    """An account as it was polled and as it was last heard of."""

    has: dict[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(1000)})
    polled: dict[str, Decimal] = field(default_factory=dict)
    records: dict[str, OrderRecord] = field(default_factory=dict)
    polled_at: int = AT

    @property
    def account(self) -> AccountState:
        figures = {**self.has, **self.polled}
        return AccountState({a: Balance(f, ZERO) for a, f in figures.items()}, self.polled_at)

    def balance(self, asset: str) -> Balance:
        return Balance(self.has.get(asset, ZERO), ZERO)

    def record(self, client_order_id: str) -> OrderRecord | None:
        return self.records.get(client_order_id)


def exact(*numbers: str | int) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, numbers))


class Desks:
    """Some bots' wallets on one account."""

    def __init__(self, bank: Bank, **budgets: Mapping[str, int] | None) -> None:
        self.bank = bank
        self.funds = Funds(bank.balance, lambda _: AT)
        self.wallets = Wallets(self.funds, bank, RULES)
        for bot, budget in budgets.items():
            amounts = None if budget is None else {a: Decimal(n) for a, n in budget.items()}
            self.wallets.open(bot, amounts, sells_your_coins=False)

    def may(self, bot: str, side: Side, asset: str) -> Decimal:
        return self.wallets.spendable(bot, side, asset)

    def bought(self, bot: str, quantity: str, price: str, *, side: Side = "BUY") -> None:
        """Book a trade, and have the account know of it."""
        amount = Decimal(quantity)
        fill = made_fill(1, amount, Decimal(price), AT).model_copy(update={"commission": ZERO})
        order = sent(bot, quantity, price, side=side).model_copy(
            update={"executed": amount, "executed_quote": fill.quote, "fills": [fill]}
        )
        book(self.wallets.of(bot).memory, order, BTC)
        sign = 1 if side == "BUY" else -1
        self.bank.has["BTC"] = self.bank.has.get("BTC", ZERO) + sign * amount
        self.bank.has["USDT"] -= sign * fill.quote

    def announced(self, bot: str, order: Order) -> Order:
        """Announce an order that the account's figure does not include yet."""
        order.state = OrderState.SUBMITTING
        self.wallets.follow(bot, order)
        asset = "USDT" if order.side == "BUY" else "BTC"
        self.funds.commit(order.id, asset, order.spends_at_most)
        return order

    def rests(self, bot: str, order: Order) -> Order:
        """Have an announced order accepted, and its money locked."""
        self.announced(bot, order).state = OrderState.OPEN
        asset = "USDT" if order.side == "BUY" else "BTC"
        self.bank.has[asset] -= order.spends_at_most
        self.funds.accepted(order.id, AT)
        return order


def sent(name: str, quantity: str, price: str, *, side: Side = "BUY", at: int = 1) -> Order:
    order = limit_buy(quantity, price, id=f"{name}{at}", sent_at=at)
    order.side = side
    amount = Decimal(quantity)
    order.spends_at_most = amount * Decimal(price) if side == "BUY" else amount
    return order


# --- with a budget


def test_a_bot_may_spend_its_budget_and_no_more() -> None:
    desks = Desks(Bank(), lisa={"USDT": 300})

    assert desks.may("lisa", "BUY", "USDT") == 300
    assert desks.may("lisa", "BUY", "EUR") == 0


def test_a_budget_grows_by_what_its_trades_brought_and_shrinks_by_what_they_cost() -> None:
    desks = Desks(Bank(), lisa={"USDT": 300})

    desks.bought("lisa", "0.002", "100000")
    holding = desks.may("lisa", "BUY", "USDT"), desks.may("lisa", "SELL", "BTC")
    desks.bought("lisa", "0.002", "110000", side="SELL")

    assert holding == exact(100, "0.002")
    assert (desks.may("lisa", "BUY", "USDT"), desks.may("lisa", "SELL", "BTC")) == exact(320, 0)


def test_orders_that_wait_or_rest_come_off_the_wallet() -> None:
    desks = Desks(Bank(), lisa={"USDT": 300})

    desks.announced("lisa", sent("lisa", "0.001", "100000"))
    desks.rests("lisa", sent("lisa", "0.001", "50000", at=2))

    assert desks.may("lisa", "BUY", "USDT") == 150


def test_a_budget_larger_than_the_account_is_limited_by_the_account() -> None:
    desks = Desks(Bank(), lisa={"USDT": 5000})

    assert desks.may("lisa", "BUY", "USDT") == 1000
    assert "needs 1200 USDT, free are 1000" in desks.wallets.shortage(
        "lisa", "BUY", "USDT", Decimal(1200)
    )


def test_a_refusal_names_the_wallet_and_its_budget() -> None:
    desks = Desks(Bank(), lisa={"USDT": 300})
    desks.bought("lisa", "0.001", "100000")

    text = desks.wallets.shortage("lisa", "BUY", "USDT", Decimal(250))

    assert text == "needs 250 USDT, its wallet has 200 free (budget 300)"


def test_a_loss_beyond_the_budget_leaves_nothing_to_spend() -> None:
    desks = Desks(Bank(), lisa={"USDT": 100})
    desks.bought("lisa", "0.002", "100000")

    assert desks.may("lisa", "BUY", "USDT") == 0


# --- without a budget


def test_bots_without_a_budget_share_what_no_budget_reserves() -> None:
    desks = Desks(Bank(), lisa={"USDT": 300}, bart=None, homer=None)

    assert desks.may("bart", "BUY", "USDT") == desks.may("homer", "BUY", "USDT") == 700
    desks.rests("bart", sent("bart", "0.005", "100000"))
    assert desks.may("homer", "BUY", "USDT") == 200
    assert desks.may("lisa", "BUY", "USDT") == 300


def test_a_budget_stays_reserved_while_its_orders_wait_rest_and_fill() -> None:
    desks = Desks(Bank(), lisa={"USDT": 300}, bart=None)

    order = desks.rests("lisa", sent("lisa", "0.002", "100000"))
    resting = desks.may("bart", "BUY", "USDT")
    desks.wallets.forget("lisa", order.id)
    fill = made_fill(1, Decimal("0.002"), Decimal(100_000), AT)
    order.executed, order.executed_quote, order.fills = fill.quantity, fill.quote, [fill]
    book(desks.wallets.of("lisa").memory, order, BTC)

    assert resting == desks.may("bart", "BUY", "USDT") == 700


def test_a_refusal_says_that_the_rest_belongs_to_others() -> None:
    desks = Desks(Bank(), lisa={"USDT": 300}, bart=None)

    text = desks.wallets.shortage("bart", "BUY", "USDT", Decimal(800))

    assert text == "needs 800 USDT, free are 1000, of which 700 belong to no other bot"


def test_what_a_bot_bought_is_its_own_to_sell_and_nobody_elses() -> None:
    desks = Desks(Bank(), bart=None, homer=None)
    desks.bought("bart", "0.003", "100000")

    assert desks.may("bart", "SELL", "BTC") == Decimal("0.003")
    assert desks.may("homer", "SELL", "BTC") == 0
    assert desks.may("homer", "BUY", "BTC") == 0


def test_coins_of_the_person_are_sold_by_no_bot_that_was_not_told_to() -> None:
    desks = Desks(Bank({"USDT": Decimal(1000), "BTC": Decimal(2)}), bart=None, lisa={"USDT": 9})

    refused = desks.wallets.shortage("bart", "SELL", "BTC", Decimal(1))

    assert desks.may("bart", "SELL", "BTC") == desks.may("lisa", "SELL", "BTC") == 0
    assert '"may_sell_your_coins": true' in refused


def test_a_bot_that_may_sell_your_coins_sells_none_that_another_bot_bought() -> None:
    desks = Desks(Bank({"USDT": Decimal(1000), "BTC": Decimal(2)}), bart=None)
    desks.wallets.open("seller", None, sells_your_coins=True)
    desks.bought("bart", "0.003", "100000")

    assert desks.may("seller", "SELL", "BTC") == 2
    assert desks.may("bart", "SELL", "BTC") == Decimal("0.003")


def test_what_came_in_since_the_last_poll_is_shared_only_after_the_next() -> None:
    bank = Bank(polled={"USDT": Decimal(1000)})
    desks = Desks(bank, bart=None)

    bank.has["USDT"] = Decimal(1600)  # another bot's proceeds, maybe
    before = desks.may("bart", "BUY", "USDT")
    bank.polled["USDT"] = Decimal(1600)

    assert (before, desks.may("bart", "BUY", "USDT")) == exact(1000, 1600)


def test_an_order_placed_since_the_last_poll_is_counted_against_its_figure() -> None:
    bank = Bank(polled={"USDT": Decimal(1000)}, polled_at=AT - 500)
    desks = Desks(bank, bart=None, homer=None)
    desks.rests("bart", sent("bart", "0.004", "100000"))
    bank.has["USDT"] += 500  # somebody's proceeds hide what was locked

    assert desks.may("homer", "BUY", "USDT") == 600


def test_a_fill_that_only_the_exchange_told_of_counts_at_once() -> None:
    desks = Desks(Bank(), parked={"USDT": 300}, bart=None)
    order = desks.rests("parked", sent("parked", "0.002", "100000"))
    desks.bank.records[order.id] = OrderRecord(
        symbol="BTCUSDT",
        order_id=1,
        client_order_id=order.id,
        side="BUY",
        type="LIMIT",
        status=OrderStatus.PARTIALLY_FILLED,
        executed=Decimal("0.001"),
        executed_quote=Decimal(100),
    )

    wallet = desks.wallets.of("parked")

    assert wallet.totals == {"USDT": 200, "BTC": Decimal("0.001")}
    assert (wallet.out("USDT"), wallet.free("USDT")) == exact(100, 100)


# --- order lists


def leg(side: Side, quantity: str, price: str, name: str, spends: str) -> Order:
    order = sent(name, quantity, price, side=side)
    order.spends_at_most, order.state = Decimal(spends), OrderState.OPEN
    return order


def test_two_orders_of_which_one_can_fill_lock_their_coins_once() -> None:
    desks = Desks(Bank(), bart=None)
    desks.bought("bart", "0.005", "100000")
    for each in (leg("SELL", "0.003", "110000", "a", "0.003"), leg("SELL", "0.003", "9", "b", "0")):
        desks.wallets.follow("bart", each)

    assert desks.wallets.of("bart").free("BTC") == Decimal("0.002")


def test_an_order_that_waits_for_a_buy_locks_coins_once_that_is_filled() -> None:
    desks = Desks(Bank(), bart={"USDT": 900})
    desks.bought("bart", "0.002", "100000")
    working = leg("BUY", "0.003", "100000", "a", "300")
    desks.wallets.follow("bart", working)
    desks.wallets.follow("bart", leg("SELL", "0.003", "110000", "b", "0"))
    wallet = desks.wallets.of("bart")

    before = wallet.free("BTC")
    desks.wallets.forget("bart", working.id)
    desks.bought("bart", "0.003", "100000")

    assert before == wallet.free("BTC") == Decimal("0.002")


# --- what is promised


def test_more_promised_than_there_is_names_the_sums() -> None:
    desks = Desks(Bank(), lisa={"USDT": 700}, bart={"USDT": 400}, homer=None)

    (text,) = desks.wallets.overpromised()

    assert "promise 1100 USDT (lisa 700, bart 400), the account has 1000" in text


def test_what_fits_the_account_is_no_news() -> None:
    desks = Desks(Bank(), lisa={"USDT": 600}, bart={"USDT": 400})
    desks.bought("lisa", "0.002", "100000")

    assert desks.wallets.overpromised() == []


# --- the way of an order


def with_budget(office: Office, amount: int) -> None:
    office.floor.wallets.open("bot", {"USDT": Decimal(amount)}, sells_your_coins=False)


def test_an_order_beyond_the_budget_is_refused_without_asking_anybody() -> None:
    async def story(office: Office) -> tuple[Order, int, int]:
        with_budget(office, 10_000)
        began = office.now()
        order = await office.run(limit_buy())
        return order, len(office.venue.placed), office.now() - began

    order, placed, took = play(story)

    assert (order.state, placed) == (OrderState.REJECTED, 0)
    assert order.reason == "needs 29500 USDT, its wallet has 10000 free (budget 10000)"
    assert took < 1_000


def test_what_was_bought_is_sold_again_and_the_wallet_shows_the_difference() -> None:
    async def story(office: Office) -> tuple[Mapping[str, Decimal], Mapping[str, Decimal]]:
        with_budget(office, 31_000)
        await office.run(market_buy())
        bought = office.desk.wallet.totals
        await office.begin(limit_buy("0.4995", "61000").model_copy(update={"side": "SELL"}))
        return bought, {"free": office.desk.wallet.free_to_sell("BTCUSDT")}

    bought, left = play(story)

    assert bought == {"BTC": Decimal("0.4995"), "USDT": Decimal(1_000)}
    assert left == {"free": 0}


def test_a_part_that_was_filled_counts_before_and_after_a_restart() -> None:
    async def story(office: Office) -> tuple[list[Mapping[str, Decimal]], list[Decimal]]:
        with_budget(office, 30_000)
        task = await office.begin(limit_buy())
        name = next(iter(office.venue.book))
        office.venue.execute(name, Decimal("0.2"), price=Decimal(59_000))
        office.tell(office.venue.full(office.venue.book[name]))
        await asyncio.sleep(1)
        totals, free = [office.desk.wallet.totals], [office.desk.wallet.free_to_buy("BTCUSDT")]
        task.cancel()
        order = office.recovered()
        with_budget(office, 30_000)
        office.floor.wallets.begin("bot", office.memory, [order])
        await asyncio.sleep(1)
        return [*totals, office.desk.wallet.totals], [
            *free,
            office.desk.wallet.free_to_buy("BTCUSDT"),
        ]

    totals, free = play(story)

    assert totals == [{"BTC": Decimal("0.1998"), "USDT": Decimal(18_200)}] * 2
    assert free == [500, 500]


def test_an_order_given_up_as_never_accepted_returns_to_the_wallet() -> None:
    async def story(office: Office) -> tuple[Decimal, Decimal]:
        with_budget(office, 30_000)
        order = limit_buy()
        await office.dealer.ready(order)
        office.dealer.announce(order)
        announced = office.desk.wallet.free_to_buy("BTCUSDT")
        office.dealer.give_id_up(order)
        return announced, office.desk.wallet.free_to_buy("BTCUSDT")

    assert play(story) == exact(500, 30_000)


def test_an_intent_that_was_never_saved_returns_to_the_wallet() -> None:
    async def story(office: Office) -> Decimal:
        with_budget(office, 30_000)
        order = limit_buy()
        await office.dealer.ready(order)
        office.dealer.announce(order)
        office.dealer.withdraw_unsaved(set())
        return office.desk.wallet.free_to_buy("BTCUSDT")

    assert play(story) == 30_000


def test_two_plans_of_one_bot_do_not_spend_its_budget_twice() -> None:
    async def story(office: Office) -> list[OrderState]:
        with_budget(office, 40_000)
        orders = [limit_buy(), limit_buy()]
        for order in orders:
            await office.dealer.ready(order)
        for order in orders:
            office.dealer.announce(order)
        return [order.state for order in orders]

    assert play(story) == [OrderState.SUBMITTING, OrderState.REJECTED]


# --- what a bot sees


def test_a_bot_sees_what_it_realised_and_paid() -> None:
    async def story(office: Office) -> tuple[Decimal, Mapping[str, Decimal], Mapping[str, Decimal]]:
        await office.run(market_buy())
        sale = market_buy("0.2").model_copy(update={"side": "SELL"})
        await office.run(sale)
        wallet = office.desk.wallet
        return wallet.position("BTCUSDT").quantity, wallet.realised, wallet.fees

    quantity, realised, fees = play(story)

    assert quantity == Decimal("0.2993")
    assert realised["USDT"] < 0
    assert fees == {"BTC": Decimal("0.0007")}


def test_a_memory_of_a_version_without_positions_keeps_its_worth() -> None:
    async def story(office: Office) -> Memory:
        former = '{"ids_given":4,"net":{"BTC":"0.5","USDT":"-30000"},"fees":{"BNB":"0.1"}}'
        office.memory = Memory.model_validate_json(former)
        office.dealer = office.dealer_of("bot", office.memory)
        await office.run(market_buy("0.1"))
        return office.memory

    position = play(story).positions["BTCUSDT"]

    assert position.quantity == Decimal("0.5999")
    assert position.realised - position.cost == -36_000
