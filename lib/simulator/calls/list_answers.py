"""Order lists as answers show them."""

from collections.abc import Callable, Iterable, Sequence

from lib.simulator.books.change import Change
from lib.simulator.books.orders import Order, OrderList
from lib.simulator.calls import answers
from lib.simulator.calls.answers import Body


def listed(order_list: OrderList, name: Callable[[Order], str]) -> Body:
    """A list as the queries show it: which orders it has, not how they are."""
    return _list(order_list, order_list.update_time, name, done=order_list.done)


def placed(
    order_list: OrderList, shown: Sequence[Order], response: str, change: Change, now: int
) -> Body:
    """A list just placed; `shown` are its orders before any pending one began."""
    done = not any(order.open for order in shown)
    body = _list(order_list, now, _own_name, done=done)
    body["orderReports"] = [_report(order, response, change) for order in shown]
    return body


def canceled(order_list: OrderList, ended: Iterable[Order], now: int) -> Body:
    """A list just canceled, with a report of every order that this has ended."""
    body = _list(order_list, now, _own_name, done=order_list.done)
    body["orderReports"] = [
        _without_unknown(answers.canceled(order, now), order) for order in ended
    ]
    return body


def amended_list(order_list: OrderList) -> Body:
    """A list of which an order was just amended."""
    return {
        "orderListId": order_list.id,
        "contingencyType": order_list.contingency,
        "listOrderStatus": "ALL_DONE" if order_list.done else "EXECUTING",
        "listClientOrderId": order_list.client_list_id,
        "symbol": order_list.symbol,
        "orders": _named(order_list, _own_name),
    }


def _list(order_list: OrderList, time: int, name: Callable[[Order], str], *, done: bool) -> Body:
    return {
        "orderListId": order_list.id,
        "contingencyType": order_list.contingency,
        "listStatusType": "ALL_DONE" if done else "EXEC_STARTED",
        "listOrderStatus": "ALL_DONE" if done else "EXECUTING",
        "listClientOrderId": order_list.client_list_id,
        "transactionTime": time,
        "symbol": order_list.symbol,
        "orders": _named(order_list, name),
    }


def _named(order_list: OrderList, name: Callable[[Order], str]) -> list[Body]:
    return [
        {"symbol": order.symbol, "orderId": order.id, "clientOrderId": name(order)}
        for order in order_list.orders
    ]


def _own_name(order: Order) -> str:
    return order.client_order_id


def _report(order: Order, response: str, change: Change) -> Body:
    if response == "ACK":
        return answers.acknowledged(order)
    preventions = [found for found in change.preventions if found.taker is order]
    if response == "RESULT":
        return _without_unknown(answers.result(order, preventions), order)
    return _without_unknown(answers.full(order, change.fills, preventions), order)


def _without_unknown(body: Body, order: Order) -> Body:
    """Leave out the quantity that depends on what the working order will receive."""
    if not order.quantity:
        del body["origQty"]
    return body
