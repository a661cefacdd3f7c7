"""An account kept from its user events alone, and held against what the venue answers."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from tests.simulator.venue import Venue

Event: TypeAlias = dict[str, Any]
Held: TypeAlias = tuple[Decimal, Decimal]  # free, locked
Effect: TypeAlias = Callable[[str, int], str]  # the mode of a prevented match, by symbol and id

ZERO: Final = Decimal(0)
FINAL: Final = frozenset({"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"})
STATUSES: Final = {
    "NEW": {"NEW", "PENDING_NEW"},
    "REPLACED": {"NEW", "PENDING_NEW", "PARTIALLY_FILLED"},
    "TRADE": {"PARTIALLY_FILLED", "FILLED"},
    "TRADE_PREVENTION": {"NEW", "PARTIALLY_FILLED", "FILLED", "EXPIRED_IN_MATCH"},
    "CANCELED": {"CANCELED"},
    "EXPIRED": {"EXPIRED", "EXPIRED_IN_MATCH"},
}
CONSTANT: Final = ("s", "S", "o", "f", "p", "g", "O", "V", "Q")
AFTER: Final = {  # what a status may become
    "PENDING_NEW": {"PENDING_NEW", "NEW"} | FINAL,
    "NEW": {"NEW", "PARTIALLY_FILLED"} | FINAL,
    "PARTIALLY_FILLED": {"PARTIALLY_FILLED"} | FINAL,
}


class Shadow:
    """What an account knows of itself who hears its user stream and asks nothing.

    One thing the stream does not tell: whether a prevented match between two accounts moved
    assets. `effect` says it.
    """

    def __init__(
        self,
        name: str,
        grant: Mapping[str, str],
        assets: Mapping[str, tuple[str, str]],
        effect: Effect,
    ) -> None:
        self.name = name
        self.owned = {asset: Decimal(amount) for asset, amount in grant.items()}  # by the fills
        self.balances: dict[str, Held] = {asset: (held, ZERO) for asset, held in self.owned.items()}
        self.orders: dict[int, Event] = {}  # the last report of each
        self.prevented: dict[int, Decimal] = {}
        self.lists: dict[int, Event] = {}
        self.trades: list[Event] = []
        self.heard: set[int] = set()  # orders told of since somebody looked
        self._assets = assets
        self._effect = effect
        self._executed: dict[int, Held] = {}  # base and quote, as the fills add up
        self._last_execution = 0

    @property
    def open_orders(self) -> set[int]:
        return {number for number, told in self.orders.items() if told["X"] not in FINAL}

    @property
    def open_lists(self) -> set[int]:
        return {number for number, told in self.lists.items() if told["L"] != "ALL_DONE"}

    def hear(self, event: Event) -> None:
        """Learn from an event, which must follow from those before."""
        if event["e"] == "executionReport":
            self._hear_report(event)
        elif event["e"] == "listStatus":
            self._hear_list(event)
        else:
            assert event["e"] == "outboundAccountPosition"
            for row in event["B"]:
                self.balances[row["a"]] = (Decimal(row["f"]), Decimal(row["l"]))

    def _hear_list(self, event: Event) -> None:
        if event["L"] == "REJECT":
            assert event["g"] == -1
            return
        before = self.lists.get(event["g"])
        if before is None:
            assert event["l"] == "EXEC_STARTED" or event["L"] == "ALL_DONE"
        else:
            assert before["L"] != "ALL_DONE" or event["l"] == "UPDATED"
            assert [row["i"] for row in before["O"]] == [row["i"] for row in event["O"]]
        self.lists[event["g"]] = event

    def _hear_report(self, event: Event) -> None:
        assert event["I"] > self._last_execution
        self._last_execution = event["I"]
        if event["x"] == "REJECTED":
            assert (event["X"], event["i"]) == ("REJECTED", -1)
            return
        before = self.orders.get(event["i"])
        if before is None:
            assert event["x"] == "NEW"
            assert Decimal(event["z"]) == 0
        else:
            check_succession(before, event)
        self._settle(event)
        self._check_amounts(event)
        self.orders[event["i"]] = event
        self.heard.add(event["i"])

    def _settle(self, event: Event) -> None:
        """Book what an execution moved."""
        if event["x"] == "TRADE":
            executed = self._executed.get(event["i"], (ZERO, ZERO))
            filled, quote = Decimal(event["l"]), Decimal(event["Y"])
            self._executed[event["i"]] = (executed[0] + filled, executed[1] + quote)
            self._exchange(event, filled, quote)
            self.owned[event["N"]] -= Decimal(event["n"])
            self.trades.append(event)
            return
        assert event["t"] == -1
        assert Decimal(event["l"]) == Decimal(event["Y"]) == Decimal(event["n"]) == 0
        if event["x"] == "TRADE_PREVENTION":
            before = self.prevented.get(event["i"], ZERO)
            assert Decimal(event["A"]) in {before, before + Decimal(event["B"])}
            self.prevented[event["i"]] = Decimal(event["A"])
            if self._moves(event):
                self._exchange(event, Decimal(event["pl"]), Decimal(event["pY"]))

    def _moves(self, event: Event) -> bool:
        """Tell whether a prevented match gave to one account what another had."""
        if event["V"] != "TRANSFER" or event["U"] in self.orders:
            return False
        return self._effect(event["s"], event["v"]) == "TRANSFER"

    def _exchange(self, event: Event, amount: Decimal, quote: Decimal) -> None:
        base_asset, quote_asset = self._assets[event["s"]]
        sign = 1 if event["S"] == "BUY" else -1
        self.owned[base_asset] += sign * amount
        self.owned[quote_asset] -= sign * quote

    def _check_amounts(self, event: Event) -> None:
        executed = self._executed.get(event["i"], (ZERO, ZERO))
        assert executed == (Decimal(event["z"]), Decimal(event["Z"]))
        gone = executed[0] + self.prevented.get(event["i"], ZERO)
        assert gone <= Decimal(event["q"])
        assert event["X"] != "FILLED" or gone == Decimal(event["q"])
        assert event["X"] in STATUSES[event["x"]]
        assert event["X"] != "EXPIRED" or event["eR"]


def check_succession(before: Event, event: Event) -> None:
    """Assert that one report of an order may come after another."""
    assert event["X"] in AFTER.get(before["X"], set())
    assert {name: event[name] for name in CONSTANT} == {name: before[name] for name in CONSTANT}
    known_as = event["C"] if event["x"] in {"CANCELED", "REPLACED"} else event["c"]
    assert known_as == before["c"]
    assert Decimal(event["z"]) >= Decimal(before["z"])
    assert event["T"] >= before["T"]
    assert Decimal(event["q"]) <= Decimal(before["q"]) or before["X"] == "PENDING_NEW"


# --- held against the venue


def check_account(shadow: Shadow, venue: Venue) -> None:
    """Assert that the venue answers what its events have told."""
    name = shadow.name
    balances = venue.balances(name)
    assert balances == shadow.balances
    for asset, held in balances.items():
        assert min(held) >= 0
        assert sum(held) == shadow.owned[asset]
    found = venue.ask("GET openOrders", name).body
    assert {order["orderId"] for order in found} == shadow.open_orders
    lists = venue.ask("GET openOrderList", name).body
    assert {one["orderListId"] for one in lists} == shadow.open_lists
    for number in sorted(shadow.heard):
        check_order(shadow, venue, number)
    shadow.heard.clear()


def check_order(shadow: Shadow, venue: Venue, number: int) -> None:
    """Assert that GET order shows an order as its last report told it."""
    event = shadow.orders[number]
    asked = {"symbol": event["s"], "orderId": number}
    order = venue.ask("GET order", shadow.name, **asked).body
    told = reported(event)
    if event["x"] == "CANCELED" and venue.options.canceled_id == "cancel":
        told["clientOrderId"] = event["c"]
    if "W" not in event and not venue.options.announce_trigger:
        del told["workingTime"], told["updateTime"]  # a stop may have begun to work in silence
    found = {field: order.get(field) for field in told}
    assert found == told, f"{found} was told as {told}"
    prevented = Decimal(order.get("preventedQuantity", "0"))
    assert prevented == shadow.prevented.get(number, ZERO)
    if event["X"] not in FINAL and event["x"] != "TRADE" and venue.options.announce_trigger:
        assert order["isWorking"] is event["w"]
    assert event.get("D", -1) in {-1, order.get("trailingTime")}


def check_trades(shadow: Shadow, venue: Venue) -> None:
    """Assert that myTrades lists the fills that were told, and no others."""
    for symbol in venue.exchange.symbols:
        rows = venue.ask("GET myTrades", shadow.name, symbol=symbol, limit=1000).body
        assert rows == [_trade(event) for event in shadow.trades if event["s"] == symbol]


def reported(event: Event) -> dict[str, Any]:
    """Read an executionReport as what it says of the order."""
    told = {
        "clientOrderId": event["C"] if event["x"] == "CANCELED" else event["c"],
        "side": event["S"],
        "type": event["o"],
        "timeInForce": event["f"],
        "status": event["X"],
        "price": event["p"],
        "stopPrice": event["P"],
        "icebergQty": event["F"],
        "origQty": event["q"],
        "origQuoteOrderQty": event["Q"],
        "executedQty": event["z"],
        "cummulativeQuoteQty": event["Z"],
        "orderListId": event["g"],
        "workingTime": event.get("W", -1),
        "time": event["O"],
        "updateTime": event["T"],
        "selfTradePreventionMode": event["V"],
    }
    perhaps = {"trailingDelta": event.get("d"), "expiryReason": event.get("eR")}
    return told | {name: value for name, value in perhaps.items() if value is not None}


def _trade(event: Event) -> dict[str, Any]:
    return {
        "symbol": event["s"],
        "id": event["t"],
        "orderId": event["i"],
        "orderListId": event["g"],
        "price": event["L"],
        "qty": event["l"],
        "quoteQty": event["Y"],
        "commission": event["n"],
        "commissionAsset": event["N"],
        "time": event["T"],
        "isBuyer": event["S"] == "BUY",
        "isMaker": event["m"],
        "isBestMatch": True,
    }
