"""What a person hears of a bot's orders: in the book, filled, ended, in doubt."""

from collections.abc import Callable

from lib.exchange import OrderRecord
from lib.money import SymbolRules, plain
from lib.news import Kind, Tell, readable
from lib.order_words import describe
from lib.orders import Order, OrderState


class Voice:
    """Tells of one bot's orders."""

    def __init__(self, tell: Tell, rules: Callable[[str], SymbolRules]) -> None:
        self._tell = tell
        self._rules = rules

    def placed(self, order: Order, record: OrderRecord) -> None:
        """Say that an order rests, or what of it was filled at once."""
        if not record.executed:
            self._tell(Kind.ORDER, f"{describe(order)} is in the book", order.id)
        self.filled(order, record)

    def filled(self, order: Order, record: OrderRecord) -> None:
        """Say what a record shows beyond the fills that the order knows."""
        new = record.executed - order.executed
        if new > 0:
            quote = record.executed_quote - order.executed_quote
            rules = self._rules(order.symbol)
            verb = "bought" if order.side == "BUY" else "sold"
            self._tell(
                Kind.FILL,
                f"{verb} {plain(new)} {rules.base_asset} at {readable(quote / new)} "
                f"for {readable(quote)} {rules.quote_asset}",
                order.id,
            )

    def amended(self, order: Order, record: OrderRecord) -> None:
        """Say how large an order is now."""
        self._tell(Kind.ORDER, f"{describe(order)} is now of {plain(record.quantity)}", order.id)

    def refused(self, order: Order, why: Exception) -> None:
        """Say that the exchange did not take an order."""
        self._tell(Kind.ORDER, f"{describe(order)} was refused: {why}", order.id)

    def ended(self, order: Order) -> None:
        """Say how an order ended otherwise than filled."""
        if order.state is not OrderState.FILLED:
            why = f": {order.reason}" if order.reason else ""
            self._tell(Kind.ORDER, f"{describe(order)} {order.state}{why}", order.id)

    def doubted(self, what: str, why: Exception, order: str = "") -> None:
        """Say that a request went unanswered."""
        self._tell(Kind.DOUBT, f"{what}: no answer ({why}); looking for it", order)

    def found(self, what: str, how: str = "", order: str = "") -> None:
        """Say that the search for what was in doubt is over, and how it stands."""
        self._tell(Kind.DOUBT, f"{what} was found" + (f": {how}" if how else ""), order)

    def never_arrived(self, client_order_id: str) -> None:
        """Say that an order is presumed absent."""
        self._tell(
            Kind.DOUBT, f"order {client_order_id} never reached the exchange", client_order_id
        )
