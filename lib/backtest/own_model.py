"""A model of one's own, from a file: what stands in the book, what it costs, how long things take.

`--model FILE.py:NAME` names a class or an object that has any of

    liquidity(symbol, grid) -> Liquidity        lib/backtest/liquidity.py
    fees(symbol) -> (maker, taker)              shares, Decimal
    latency(way, time) -> int                   ms; way is "there", "back" or "prices"

or something that is called as `liquidity` is. What it does wrong ends the back-test with the file
and the line, and never looks like a fault of a bot.
"""

import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NoReturn, ParamSpec, TypeVar

from lib.backtest.latency import OwnLatency, Way
from lib.backtest.liquidity import Book, Liquidity, MakeLiquidity
from lib.market.candle_path import Grid, Step
from lib.market.candles import Bar
from lib.simulator.options import Commission, Options, Rates

PARTS: Final = ("liquidity", "fees", "latency")
FORM: Final = "a model is written FILE.py:NAME"

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class BadModel(ValueError):
    """A model cannot be used. The text says where and why."""


class ModelBroke(KeyboardInterrupt):
    """A model failed while it was asked. Neither an event loop nor a supervisor swallows it."""


@contextmanager
def blamed() -> Iterator[None]:
    """Have what a model did wrong in here be a mistake of the person's. Raises BadModel."""
    try:
        yield
    except ModelBroke as broke:
        raise BadModel(str(broke)) from broke.__cause__


@dataclass(frozen=True, slots=True)
class OwnModel:
    """What a model answers; None where it leaves that to the program."""

    liquidity: MakeLiquidity | None = None
    fees: Callable[[str], tuple[Decimal, Decimal]] | None = None
    latency: OwnLatency | None = None

    def options(self, options: Options, symbols: Iterable[str]) -> Options:
        """Put the fees of the model into the exchange's options. Raises BadModel."""
        if self.fees is None:
            return options
        known = dict(options.symbol_commissions)
        for symbol in symbols:
            known[symbol] = Commission(Rates(*_shares(self.fees(symbol), symbol)))
        return replace(options, symbol_commissions=known)


@blamed()
def load_model(place: str) -> OwnModel:
    """Load FILE.py:NAME. Raises BadModel."""
    path, colon, name = place.rpartition(":")
    if not colon or not name.isidentifier():
        raise BadModel(f"{place!r}: {FORM}")
    file = Path(path)
    found = getattr(_module(file), name, None)
    if found is None:
        raise BadModel(f"{file} has no {name}")
    own = _Own(file, name)
    if not any(hasattr(found, part) for part in PARTS):
        if not callable(found):
            raise BadModel(f"{file}: {name} has none of {', '.join(PARTS)}, and is no function")
        return OwnModel(liquidity=own.liquidity(found))
    model = own.asked(found)() if isinstance(found, type) else found
    make, fees, latency = (getattr(model, part, None) for part in PARTS)
    return OwnModel(
        liquidity=own.liquidity(make) if make is not None else None,
        fees=own.asked(fees) if fees is not None else None,
        latency=own.latency(latency) if latency is not None else None,
    )


def _module(file: Path) -> ModuleType:
    spec = spec_from_file_location(f"own_model_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise BadModel(f"{file} is no Python file: {FORM}")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as wrong:
        raise BadModel(f"{wrong.filename}:{wrong.lineno}: {wrong.msg}") from wrong
    except Exception as wrong:
        raise BadModel(_said(file, wrong)) from wrong
    return module


class _Own:
    """Asks a model, and holds its answers against what they may be."""

    def __init__(self, file: Path, name: str) -> None:
        self.file = file
        self._name = name

    def asked(self, function: Callable[Given, Answer]) -> Callable[Given, Answer]:
        """Have whatever the model raises end the back-test."""

        def ask(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
            try:
                return function(*args, **kwargs)
            except Exception as wrong:
                raise ModelBroke(_said(self.file, wrong)) from wrong

        return ask

    def liquidity(self, make: Callable[[str, Grid], Any]) -> MakeLiquidity:
        """Have what it makes be asked in the same way."""
        return lambda symbol, grid: _CheckedLiquidity(self, self.asked(make)(symbol, grid), grid)

    def latency(self, function: Callable[[Way, int], object]) -> OwnLatency:
        """Have it answer whole milliseconds."""

        def ask(way: Way, time: int) -> int:
            found = self.asked(function)(way, time)
            if not isinstance(found, int) or found < 0:
                self.refuse(f"latency({way!r}, {time}) answered {found!r}, not whole ms from 0 on")
            return found

        return ask

    def refuse(self, words: str) -> NoReturn:
        """End the back-test because of an answer. Raises ModelBroke."""
        raise ModelBroke(f"{self.file}: {self._name}: {words}")


class _CheckedLiquidity:
    """A liquidity of one's own, whose books an exchange can have."""

    def __init__(self, own: _Own, model: Any, grid: Grid) -> None:
        self._own = own
        self._grid = grid
        for name in ("enter", "around"):
            if not callable(getattr(model, name, None)):
                own.refuse(f"what it makes has no {name}()")
        self.enter: Callable[[Bar], None] = own.asked(model.enter)
        self._around: Callable[[Step], Book] = own.asked(model.around)
        reach = getattr(model, "reach", None)
        self.reach: Callable[[Bar], Decimal] = own.asked(reach) if reach else _whole_price

    def around(self, step: Step) -> Book:
        """Answer its book. Raises ModelBroke for one that no exchange can have."""
        book = self._around(step)
        try:
            bids, asks = book
            wrong = next(_faults(bids, asks, self._grid), "")
        except (TypeError, ValueError, ArithmeticError) as odd:
            wrong = f"which are no levels of (price, quantity): {odd}"
        if wrong:
            self._own.refuse(f"around(a step at {step.price}) answered {book!r}, {wrong}")
        return book


def _faults(bids: Iterable[Any], asks: Iterable[Any], grid: Grid) -> Iterator[str]:
    """Say what is wrong with the sides of a book."""
    bought, sold = list(bids), list(asks)
    for price, quantity in (*bought, *sold):
        if not isinstance(price, Decimal) or not isinstance(quantity, Decimal):
            yield "which are not Decimals"
        elif price <= 0 or quantity <= 0:
            yield f"with {quantity} at {price}"
        elif price % grid.tick or quantity % grid.lot:
            yield f"off the ticks of {grid.tick} or the lots of {grid.lot}"
    prices = [price for price, _ in (*reversed(bought), *sold)]
    if any(after <= before for before, after in pairwise(prices)):
        yield "whose prices do not go outwards from the best, bids below asks"


def _whole_price(bar: Bar) -> Decimal:
    """Expect that a book may reach anywhere."""
    return bar.high


def _shares(found: Any, symbol: str) -> tuple[Decimal, Decimal]:
    shares = tuple(found) if isinstance(found, list | tuple) else ()
    fitting = [each for each in shares if isinstance(each, Decimal) and 0 <= each < 1]
    if len(shares) != 2 or len(fitting) != 2:
        raise BadModel(f"fees({symbol!r}) answered {found!r}, not (maker, taker) as Decimals")
    return fitting[0], fitting[1]


def _said(file: Path, wrong: Exception) -> str:
    """Say where in the file it happened: its last line that was running."""
    frames = traceback.extract_tb(wrong.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).resolve() == file.resolve()]
    place = f"{file}:{own[-1].lineno}: in {own[-1].name}" if own else str(file)
    return f"{place}: {type(wrong).__name__}: {wrong}"


__all__ = ["BadModel", "Liquidity", "ModelBroke", "OwnModel", "load_model"]
