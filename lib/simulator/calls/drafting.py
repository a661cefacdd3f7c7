"""From the parameters of POST /order to an order, or to the refusal Binance would send."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Final, NamedTuple

from lib.simulator.books.account import Account
from lib.simulator.books.orders import STOPS, TYPES, Order
from lib.simulator.calls.parameters import amount, client_id, integer, small_integer
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.options import Options
from lib.simulator.refusals import (
    Refusal,
    both_missing,
    empty,
    invalid,
    invalid_side,
    invalid_time_in_force,
    invalid_type,
    missing,
    mode_not_allowed,
    rejected,
    superfluous,
)

TIMES_IN_FORCE: Final = frozenset({"GTC", "IOC", "FOK"})
MODES: Final = frozenset({
    "NONE",
    "EXPIRE_TAKER",
    "EXPIRE_MAKER",
    "EXPIRE_BOTH",
    "DECREMENT",
    "TRANSFER",
})
RESPONSES: Final = frozenset({"ACK", "RESULT", "FULL"})
LEAST_STRATEGY_TYPE: Final = 1_000_000
MOST_FORMS: Final = 256  # each with a few hundred shapes at most

# What an order type must bring; what it must not bring is the rest of these names.
MANDATORY: Final = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "MARKET": (),
    "STOP_LOSS": ("quantity", "stopPrice"),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
    "TAKE_PROFIT": ("quantity", "stopPrice"),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
}
WORDS: Final = ("side", "type", "timeInForce", "selfTradePreventionMode", "newOrderRespType")
PARTICULAR: Final = (
    "timeInForce",
    "quantity",
    "quoteOrderQty",
    "price",
    "stopPrice",
    "icebergQty",
    "trailingDelta",
)
ICEBERG_TYPES: Final = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})

# Abilities of Binance that this venue refuses in Binance's words.
ABSENT: Final = {
    "pegPriceType": "Pegged orders are not supported for this symbol.",
    "pegOffsetType": "Pegged orders are not supported for this symbol.",
    "pegOffsetValue": "Pegged orders are not supported for this symbol.",
}

UNSUPPORTED_TYPE: Final = {
    "LIMIT": "Limit orders are not supported for this symbol.",
    "LIMIT_MAKER": "Limit maker orders are not supported for this symbol.",
    "MARKET": "Market orders are not supported for this symbol.",
    "STOP_LOSS": "Stop loss orders are not supported for this symbol.",
    "STOP_LOSS_LIMIT": "Stop loss limit orders are not supported for this symbol.",
    "TAKE_PROFIT": "Take profit orders are not supported for this symbol.",
    "TAKE_PROFIT_LIMIT": "Take profit limit orders are not supported for this symbol.",
}

ORDER_NAMES: Final = frozenset({
    "symbol",
    "side",
    "type",
    "newClientOrderId",
    "newOrderRespType",
    "selfTradePreventionMode",
    "strategyId",
    "strategyType",
    *PARTICULAR,
    *ABSENT,
})


class Shape(NamedTuple):
    """What kind of order it is."""

    is_buy: bool
    type: str
    time_in_force: str
    stp_mode: str
    response: str  # ACK, RESULT, FULL
    is_stop: bool
    is_market: bool
    has_strategy: bool
    is_special: bool  # an iceberg or a trailing stop


class Form:
    """The orders that bring the same parameters in the same order; few clients have more than one.

    What depends on words alone is worked out once for each choice of words.
    """

    __slots__ = ("pick", "shapes")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.pick = itemgetter("symbol", *(name for name in WORDS if name in names))
        self.shapes: dict[Any, Shape] = {}


class Drafting:
    """Reads the orders of one symbol."""

    def __init__(self, rules: SymbolRules, options: Options) -> None:
        self._rules = rules
        self._options = options
        self._forms: dict[tuple[str, ...], Form] = {}

    def draft(
        self, params: Mapping[str, str], names: tuple[str, ...], account: Account, now: int
    ) -> tuple[Order, str]:
        """Read an order and how much its sender wants to hear of it.

        Raise for parameters that are missing, superfluous, illegal or unknown. The client order
        id stays empty if none was sent.
        """
        form = self._forms.get(names) or self._new_form(names)
        words = form.pick(params)
        shape = form.shapes.get(words)
        if shape is None:
            shape = form.shapes[words] = self._shape(params, names)
        rules = self._rules
        order = Order(
            rules.symbol,
            account,
            client_id(params, "newClientOrderId"),
            shape.is_buy,
            shape.type,
            shape.time_in_force,
            amount(params, "quantity", rules.base_precision),
            amount(params, "price", rules.quote_precision),
            amount(params, "stopPrice", rules.quote_precision) if shape.is_stop else 0,
            amount(params, "quoteOrderQty", rules.quote_precision) if shape.is_market else 0,
            shape.stp_mode,
            now,
        )
        if shape.has_strategy:
            order.strategy_id = integer(params, "strategyId")
            order.strategy_type = _strategy_type(params)
        if shape.is_special:
            order.iceberg = amount(params, "icebergQty", rules.base_precision)
            order.trailing_delta = _trailing_delta(params)
        return order, shape.response

    def _new_form(self, names: tuple[str, ...]) -> Form:
        if len(self._forms) >= MOST_FORMS:
            self._forms.clear()
        form = self._forms[names] = Form(names)
        return form

    def _shape(self, params: Mapping[str, str], names: tuple[str, ...]) -> Shape:
        """Check all that does not depend on amounts and ids."""
        side, kind, time_in_force, mode, response = map(params.get, WORDS)
        is_buy, kind = _is_buy(side), _type(kind)
        shape = Shape(
            is_buy=is_buy,
            type=kind,
            time_in_force=_time_in_force(time_in_force),
            stp_mode=_mode(mode, self._rules),
            response=_response(response, kind),
            is_stop=kind in STOPS,
            is_market=kind == "MARKET",
            has_strategy=not {"strategyId", "strategyType"}.isdisjoint(names),
            is_special=not {"icebergQty", "trailingDelta"}.isdisjoint(names),
        )
        _check_belonging(kind, names)
        _check_abilities(kind, names, self._rules, self._options.unsupported_type_code)
        if "icebergQty" in names and shape.time_in_force != "GTC":
            raise self._iceberg_not_gtc()
        return shape

    def _iceberg_not_gtc(self) -> Refusal:
        if self._options.iceberg_not_gtc_code == -1014:
            return Refusal(-1014, "Unsupported order combination.")
        return superfluous("icebergQty")


def _response(wanted: str | None, kind: str) -> str:
    if wanted is None:
        return "FULL" if kind in {"MARKET", "LIMIT"} else "ACK"
    if wanted not in RESPONSES:
        raise Refusal(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    return wanted


def _is_buy(side: str | None) -> bool:
    if side == "BUY":
        return True
    if side == "SELL":
        return False
    if not side:
        raise missing("side")
    raise invalid_side()


def _type(kind: str | None) -> str:
    if not kind:
        raise missing("type")
    if kind not in TYPES:
        raise invalid_type()
    return kind


def _time_in_force(text: str | None) -> str:
    if text is None:
        return "GTC"
    if not text:
        raise empty("timeInForce")
    if text not in TIMES_IN_FORCE:
        raise invalid_time_in_force()
    return text


def _check_belonging(kind: str, names: tuple[str, ...]) -> None:
    """Refuse a set of names that does not belong to the order type."""
    for name in MANDATORY[kind]:
        if name in names or (name == "stopPrice" and "trailingDelta" in names):
            continue
        raise missing(name) if name != "stopPrice" else both_missing(name, "trailingDelta")
    allowed = {*MANDATORY[kind]} if kind != "MARKET" else {*_market_amounts(names)}
    if kind in ICEBERG_TYPES:
        allowed.add("icebergQty")
    if kind in STOPS:
        allowed.add("trailingDelta")
    for name in PARTICULAR:
        if name in names and name not in allowed:
            raise superfluous(name)


def _market_amounts(names: tuple[str, ...]) -> tuple[str, ...]:
    if "quantity" in names:
        return ("quantity",)
    if "quoteOrderQty" in names:
        return ("quoteOrderQty",)
    raise both_missing("quantity", "quoteOrderQty")


def _mode(mode: str | None, rules: SymbolRules) -> str:
    if mode is None:
        return rules.stp_default
    if mode not in MODES:
        raise Refusal(-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.")
    if mode not in rules.stp_allowed:
        raise mode_not_allowed()
    return mode


def _strategy_type(params: Mapping[str, str]) -> int | None:
    number = integer(params, "strategyType")
    if number is not None and number < LEAST_STRATEGY_TYPE:
        raise Refusal(-1134, f"strategyType was less than {LEAST_STRATEGY_TYPE}.")
    return number


def _trailing_delta(params: Mapping[str, str]) -> int:
    delta = small_integer(params, "trailingDelta")
    if delta == 0:
        raise invalid("trailingDelta")
    return delta or 0


def _check_abilities(
    kind: str, names: tuple[str, ...], rules: SymbolRules, unsupported_type_code: int
) -> None:
    if kind not in rules.order_types:
        raise Refusal(unsupported_type_code, UNSUPPORTED_TYPE[kind])
    if "quoteOrderQty" in names and not rules.quote_market_orders:
        raise rejected("Quote order qty market orders are not support for this symbol.")
    if "icebergQty" in names and not rules.icebergs:
        raise rejected("Iceberg orders are not supported for this symbol.")
    if "trailingDelta" in names and not rules.trailing_stops:
        raise rejected("Trailing stop orders are not supported for this symbol.")
    for name, text in ABSENT.items():
        if name in names:
            raise rejected(text)
