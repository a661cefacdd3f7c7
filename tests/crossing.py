"""A world in which another order of the same account meets a bot's: the exchange ends it."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from tests.swinging import swing
from tests.told_world import ToldWorld
from tests.world import CALM

SWING = swing(0.01, 120)


def crossed(
    section: Mapping[str, Any],
    after: float,
    price: str,
    side: str = "BUY",
    shape: Callable[[float], float] = SWING,
) -> ToldWorld:
    """Have a person trade through the book of a bot, once, after so many seconds."""

    def trade(world: ToldWorld) -> None:
        wanted = {"type": "LIMIT", "timeInForce": "IOC", "quantity": "0.1", "price": price}
        mode = {"selfTradePreventionMode": "EXPIRE_MAKER"}
        answer = world.ask("POST", "order", side=side, **wanted, **mode)
        assert answer["status"] == "EXPIRED", answer

    thin = Decimal("0.004")
    return ToldWorld(1, {"bot": section}, CALM, deeds=[(after, trade)], shape=shape, depth=thin)
