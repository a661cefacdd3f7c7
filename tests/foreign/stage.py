"""A paper exchange on a socket with a small market that a test moves by hand."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from lib.simulator.paper.accounts_file import AccountGrant
from lib.simulator.paper.paper import Paper, PaperSettings, machine_time, open_paper

SYMBOL = "BTCUSDT"
PAIR = "BTC/USDT"  # as ccxt writes it
KEY = SECRET = "paper"
GRANT = {"BTC": Decimal(10), "USDT": Decimal(1_000_000), "BNB": Decimal(10)}

Levels = Iterable[tuple[str, str]]


@dataclass
class Stage:
    """What a client is put in front of: prices around 60 000, five steps on each side."""

    paper: Paper
    sockets: str = field(init=False)  # ws://host:port

    def __post_init__(self) -> None:
        self.sockets = self.address.replace("http", "ws", 1)

    @property
    def address(self) -> str:
        return self.paper.address

    def show(self, bids: Levels, asks: Levels, symbol: str = SYMBOL) -> None:
        """Replace the book of all others."""
        self.paper.exchange.set_book(symbol, bids, asks, machine_time())

    def print(self, price: str, quantity: str = "0.01", symbol: str = SYMBOL) -> None:
        """Let others trade at a price."""
        self.paper.exchange.market_trade(
            symbol, price, quantity, buyer_is_maker=False, time=machine_time()
        )

    def settle(self) -> None:
        """Put the market where every story begins: 59 999 to 60 001, last price 60 000."""
        self.print("60000")
        self.show(
            [(str(59_999 - step), "2") for step in range(5)],
            [(str(60_001 + step), "2") for step in range(5)],
        )

    def orders(self) -> list[tuple[str, str]]:
        """Tell (client order id, status) of all orders in the books."""
        held = self.paper.state["orders"]
        return [(order["clientOrderId"], order["status"]) for order in held]


@asynccontextmanager
async def stage(accounts: tuple[AccountGrant, ...] = ()) -> AsyncIterator[Stage]:
    """Open an exchange, its faults off, its market standing still."""
    settings = PaperSettings(market="none", balances=GRANT, accounts=accounts)
    paper = await open_paper(settings)
    try:
        scene = Stage(paper)
        scene.settle()
        yield scene
    finally:
        await paper.close()
