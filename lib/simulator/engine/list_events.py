"""What the user stream tells of an order list."""

from lib.simulator.books.orders import OrderList
from lib.simulator.engine.events import Event


def list_status(order_list: OrderList, kind: str, status: str, time: int) -> Event:
    return {
        "e": "listStatus",
        "E": time,
        "s": order_list.symbol,
        "g": order_list.id,
        "c": order_list.contingency,
        "l": kind,
        "L": status,
        "r": "NONE",
        "C": order_list.client_list_id,
        "T": time,
        "O": [
            {"s": order.symbol, "i": order.id, "c": order.client_order_id}
            for order in order_list.orders
        ],
    }


def refused_list(order_list: OrderList, time: int) -> Event:
    """A listStatus for a list that was never accepted."""
    event = list_status(order_list, "RESPONSE", "REJECT", time)
    orders = [
        {"s": order.symbol, "i": -1, "c": order.client_order_id} for order in order_list.orders
    ]
    return event | {"g": -1, "O": orders}
