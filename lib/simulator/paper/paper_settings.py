"""What kind of paper exchange it shall be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from lib.simulator.options import Options
from lib.simulator.paper.accounts_file import AccountGrant

MarketKind: TypeAlias = Literal["candles", "capture", "live", "none"]

DATA: Final = Path(__file__).resolve().parents[3] / "data"
CANDLES_START: Final = 1_722_470_400_000  # 2024-08-01 00:00 UTC
BALANCES: Final[Mapping[str, Decimal]] = MappingProxyType({"USDT": Decimal(10_000)})
BNB_PRICE: Final = "BNBUSDT"


@dataclass(frozen=True, slots=True)
class PaperSettings:
    """What kind of paper exchange it shall be."""

    host: str = "127.0.0.1"
    port: int = 0  # 0 = any free one
    books: Path | None = None  # None = in memory
    market: MarketKind = "candles"
    symbols: tuple[str, ...] = ()  # none = those that have a recording
    info: Path | None = None  # another exchangeInfo than the one in data/
    speed: int = 60
    seed: int = 1
    start: int = CANDLES_START  # recorded ms, for candles
    balances: Mapping[str, Decimal] = field(default_factory=lambda: BALANCES)
    key: str = "paper"
    secret: str = field(default="paper", repr=False)
    accounts: tuple[AccountGrant, ...] = ()  # instead of the one with `balances` and `key`
    control: bool = False  # serve /simulator/
    options: Options = field(default_factory=Options)
    data: Path = DATA

    def __post_init__(self) -> None:
        if self.speed < 1:
            raise ValueError(f"the speed is {self.speed}, it must be at least 1")
        if self.market == "live" and self.info is not None:
            raise ValueError("the rules of a live market come from there, not from a file")
        if self.options.fees_in_bnb and self.market in {"candles", "capture"}:
            raise ValueError(
                f"fees in BNB need the price of {BNB_PRICE}, and no recording has it: "
                "a live market has, or set one yourself with market none"
            )

    @property
    def followed(self) -> tuple[str, ...]:
        """The symbols asked for, and the one that prices fees in BNB."""
        if not self.options.fees_in_bnb or BNB_PRICE in self.symbols:
            return self.symbols
        return (*self.symbols, BNB_PRICE)
