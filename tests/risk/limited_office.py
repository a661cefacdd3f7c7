"""A scripted venue whose bots are limited: one guard, one page, several dealers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from lib.context_file.generation import Memory
from lib.context_file.reading import sync_folder
from lib.dealing.list_dealer import ListDealer
from lib.instructions import Instruction
from lib.limits import AllLimits, BotLimits
from lib.news import Kind
from lib.orders import Order, add_order
from lib.results import Position
from lib.risk.limit_guard import LimitGuard
from lib.risk.page import PageFile
from lib.risk.worth import Worth
from tests.disk import HOME, SimulatedDisk
from tests.scripted_venue import Office, limit_buy, play

Answer = TypeVar("Answer")
CTX = HOME / "ctx"


@dataclass
class Limited:
    """What a story about limits has at hand."""

    office: Office
    guard: LimitGuard
    worth: Worth
    file: PageFile
    disk: SimulatedDisk
    told: list[tuple[str, str]] = field(default_factory=list)  # to whom in the name of which bot

    def bot(self, name: str) -> ListDealer:
        """Answer the hand of another bot."""
        self.office.floor.wallets.open(name, None, sells_your_coins=True)
        memory = Memory()
        self.office.floor.wallets.begin(name, memory, symbols=["BTCUSDT", "ETHUSDT"])
        return self.office.dealer_of(name, memory)

    async def run(self, dealer: ListDealer, order: Order) -> Order:
        """Drive an order of another bot to its end."""
        async for order in add_order(dealer, order):
            await self.office.save(order)
        return order

    def holds(self, quantity: str, cost: str, symbol: str = "BTCUSDT") -> None:
        """Let the bot hold what it bought at some cost."""
        base, memory = symbol.removesuffix("USDT"), self.office.memory
        memory.positions[symbol] = Position(quantity=Decimal(quantity), cost=Decimal(cost))
        memory.net = {base: Decimal(quantity), "USDT": -Decimal(cost)}
        memory.assets[symbol] = (base, "USDT")


def limited(
    office: Office,
    of_all: Mapping[str, Any] | None = None,
    of_bots: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    disk: SimulatedDisk | None = None,
) -> Limited:
    """Post a guard that knows these limits; bots by name, the office's own is `bot`."""
    disk = disk or new_disk()
    conf = AllLimits.model_validate(of_all or {})
    limits: dict[str, BotLimits] = {"": conf} if conf.is_on else {}
    limits |= {name: BotLimits.model_validate(each) for name, each in (of_bots or {}).items()}
    file = PageFile.open(CTX, venue="scripted", valued_in=conf.valued_in, disk=disk)
    worth = Worth(office.floor, conf.valued_in)
    told: list[tuple[str, str]] = []

    def tell(bot: str, kind: Kind, text: str) -> None:
        told.append((bot, text))

    def lets(bot: str) -> bool:
        return office.floor.instructions.of(bot) is Instruction.TRADE

    guard = LimitGuard(office.floor, limits, worth, file, lets=lets, tell=tell)
    office.floor.post(guard)
    return Limited(office, guard, worth, file, disk, told)


def new_disk() -> SimulatedDisk:
    disk = SimulatedDisk(1)
    disk.mkdir(CTX)
    sync_folder(HOME, disk)
    return disk


def story(
    tell: Callable[[Limited], Awaitable[Answer]],
    of_all: Mapping[str, Any] | None = None,
    **of_bots: Mapping[str, Any],
) -> Answer:
    """Play a story with these limits."""
    return play(lambda office: tell(limited(office, of_all, of_bots)))


def buy(quantity: str = "0.01", price: str = "59000", **more: Any) -> Order:
    """Plan to buy for 590 USDT a little below the market, which is at 60000."""
    return limit_buy(quantity, price, **more)


def sell(quantity: str = "0.01", price: str = "61000") -> Order:
    """Plan to sell what a bot holds."""
    return buy(quantity, price).model_copy(update={"side": "SELL"})


__all__ = ["CTX", "Limited", "buy", "limited", "new_disk", "sell", "story"]
