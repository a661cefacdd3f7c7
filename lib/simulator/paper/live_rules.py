"""The rules of a live market's symbols: exchangeInfo as the exchange tells it now."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from lib.errors import Unavailable

UNKNOWN_SYMBOL: Final = -1121
NAME: Final = re.compile(r"[A-Z0-9-_.]{1,20}", re.ASCII)


class Asking(Protocol):
    """Whoever can be asked public questions."""

    async def get(self, path: str, params: Mapping[str, str]) -> tuple[int, object]:
        """Answer HTTP status and JSON. Raises Unavailable."""
        ...


class NoSuchSymbol(ValueError):
    """The live market has no symbol of that name."""


async def read_rules_of(source: Asking, symbols: Iterable[str]) -> dict[str, Any]:
    """Ask for the exchangeInfo of these symbols. Raises NoSuchSymbol and Unavailable."""
    info: dict[str, Any] = {}
    entries: list[Any] = []
    for symbol in symbols:
        if not NAME.fullmatch(symbol):
            raise NoSuchSymbol(f"{symbol!r} is no name of a symbol, as in BTCUSDT")
        status, body = await source.get("exchangeInfo", {"symbol": symbol})
        if isinstance(body, dict) and body.get("code") == UNKNOWN_SYMBOL:
            raise NoSuchSymbol(f"the live market has no symbol {symbol}")
        if status != 200 or not isinstance(body, dict):
            raise Unavailable(f"the rules of {symbol} were answered with {status}")
        info = body
        entries += body["symbols"]
    return {**info, "symbols": entries}
