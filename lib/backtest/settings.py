"""What a back-test is to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from lib.backtest.bar_path import PathModel
from lib.backtest.latency import Latency
from lib.backtest.liquidity import Costs, MakeLiquidity
from lib.simulator.options import Options
from lib.simulator.paper.paper_settings import DATA

MarketKind: TypeAlias = Literal["candles", "trades"]

BALANCES: Final[Mapping[str, Decimal]] = MappingProxyType({"USDT": Decimal(10_000)})


@dataclass(frozen=True, slots=True)
class BacktestSettings:
    """What a back-test is to be. Times are exchange ms; None is as far as the recording goes."""

    begins: int | None = None
    ends: int | None = None
    market: MarketKind = "candles"
    path: PathModel = PathModel.PESSIMISTIC
    costs: Costs = field(default_factory=Costs)
    liquidity: MakeLiquidity | None = None  # None: a ladder, as dear as `costs` say
    model: str | None = None  # FILE.py:NAME, a model of one's own: goes before both above
    latency: Latency = field(default_factory=Latency)
    balances: Mapping[str, Decimal] = field(default_factory=lambda: BALANCES)
    options: Options = field(default_factory=Options)  # fees, and what Binance leaves open
    seed: int = 1
    cuts: int = 0  # how often the power fails
    data: Path = DATA  # a folder with candles/ and capture/, or an SQLite file
    info: Path | None = None  # another exchangeInfo than the one of the recordings
    ctx: Path | None = None  # where contexts are kept; None: in memory
    thorough: bool = False  # plays what nobody looks at, too: slower, and the same

    def __post_init__(self) -> None:
        if self.begins is not None and self.ends is not None and self.begins >= self.ends:
            raise ValueError(f"it begins at {self.begins} and ends at {self.ends}, not after")
        if self.cuts and self.ctx is not None:
            raise ValueError("the power fails in memory only: --cuts and --ctx do not go together")
        if not 0 < self.costs.volume_share <= 1:
            raise ValueError(f"the volume share is {self.costs.volume_share}, not above 0 up to 1")
