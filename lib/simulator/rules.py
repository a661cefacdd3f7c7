"""What exchangeInfo says of one symbol, read once: precisions, filters, abilities."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lib.simulator.units import units

SUPPORTED_MODES: Final = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
DEFAULT_MODE: Final = "EXPIRE_MAKER"

# Abilities that this venue does not have; what exchangeInfo promises, it keeps.
ABSENT: Final = (
    "icebergAllowed",
    "ocoAllowed",
    "otoAllowed",
    "opoAllowed",
    "allowTrailingStop",
    "cancelReplaceAllowed",
    "amendAllowed",
    "pegInstructionsAllowed",
)


@dataclass(frozen=True, slots=True)
class Steps:
    """A range of amounts in units; a zero switches its part off."""

    name: str
    low: int = 0
    high: int = 0
    step: int = 0

    def admits(self, amount: int) -> bool:
        if amount < self.low:
            return False
        if self.high and amount > self.high:
            return False
        return not (self.step and amount % self.step)


@dataclass(frozen=True, slots=True)
class PercentPrice:
    """How far a price may lie from the average: multipliers in units, (down, up)."""

    name: str
    bid: tuple[int, int]
    ask: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Notional:
    name: str
    low: int
    low_for_market: bool
    high: int = 0
    high_for_market: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SymbolRules:
    symbol: str
    base: str
    quote: str
    status: str
    base_precision: int
    quote_precision: int
    order_types: frozenset[str]
    quote_market_orders: bool
    stp_default: str
    stp_allowed: frozenset[str]
    average_minutes: int
    prices: Steps
    lots: Steps
    market_lots: Steps
    percent_price: PercentPrice | None
    notional: Notional | None
    counts: Mapping[str, int]  # MAX_NUM_ORDERS and their kin
    max_position: int | None
    listed: tuple[str, ...]  # filter names in the order of exchangeInfo


def read_rules(entry: Mapping[str, Any]) -> SymbolRules:
    """Read one entry of exchangeInfo's `symbols`."""
    filters = {found["filterType"]: found for found in entry["filters"]}
    return SymbolRules(
        symbol=entry["symbol"],
        base=entry["baseAsset"],
        quote=entry["quoteAsset"],
        status=entry["status"],
        base_precision=int(entry["baseAssetPrecision"]),
        quote_precision=int(entry.get("quoteAssetPrecision", entry["quotePrecision"])),
        order_types=frozenset(entry["orderTypes"]),
        quote_market_orders=bool(entry.get("quoteOrderQtyMarketAllowed", True)),
        stp_default=_default_mode(entry),
        stp_allowed=frozenset(_modes(entry)),
        average_minutes=_average_minutes(filters.values()),
        prices=_steps("PRICE_FILTER", filters, "Price", "tickSize"),
        lots=_steps("LOT_SIZE", filters, "Qty", "stepSize"),
        market_lots=_steps("MARKET_LOT_SIZE", filters, "Qty", "stepSize"),
        percent_price=_percent_price(filters),
        notional=_notional(filters),
        counts=_counts(entry["filters"]),
        max_position=_max_position(filters),
        listed=tuple(filters),
    )


def exchange_counts(filters: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Read the counts that hold for the whole account, from `exchangeFilters`."""
    return _counts(filters)


def kept_promises(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Show an entry with only those abilities that this venue has."""
    absent = {name: False for name in ABSENT if name in entry}
    modes = {
        "defaultSelfTradePreventionMode": _default_mode(entry),
        "allowedSelfTradePreventionModes": list(_modes(entry)),
    }
    return {**entry, **absent, **modes}


def _modes(entry: Mapping[str, Any]) -> tuple[str, ...]:
    allowed = entry.get("allowedSelfTradePreventionModes", SUPPORTED_MODES)
    return tuple(mode for mode in allowed if mode in SUPPORTED_MODES)


def _default_mode(entry: Mapping[str, Any]) -> str:
    mode = str(entry.get("defaultSelfTradePreventionMode", DEFAULT_MODE))
    return mode if mode in SUPPORTED_MODES else DEFAULT_MODE


def _average_minutes(filters: Iterable[Mapping[str, Any]]) -> int:
    return next((int(found["avgPriceMins"]) for found in filters if "avgPriceMins" in found), 5)


def _steps(name: str, filters: Mapping[str, Mapping[str, Any]], noun: str, step: str) -> Steps:
    found = filters.get(name)
    if found is None:
        return Steps(name)
    return Steps(name, units(found["min" + noun]), units(found["max" + noun]), units(found[step]))


def _percent_price(filters: Mapping[str, Mapping[str, Any]]) -> PercentPrice | None:
    if found := filters.get("PERCENT_PRICE_BY_SIDE"):
        return PercentPrice(
            "PERCENT_PRICE_BY_SIDE",
            (units(found["bidMultiplierDown"]), units(found["bidMultiplierUp"])),
            (units(found["askMultiplierDown"]), units(found["askMultiplierUp"])),
        )
    if found := filters.get("PERCENT_PRICE"):
        both = (units(found["multiplierDown"]), units(found["multiplierUp"]))
        return PercentPrice("PERCENT_PRICE", both, both)
    return None


def _notional(filters: Mapping[str, Mapping[str, Any]]) -> Notional | None:
    if found := filters.get("NOTIONAL"):
        return Notional(
            "NOTIONAL",
            units(found["minNotional"]),
            bool(found["applyMinToMarket"]),
            units(found["maxNotional"]),
            bool(found["applyMaxToMarket"]),
        )
    if found := filters.get("MIN_NOTIONAL"):
        return Notional("MIN_NOTIONAL", units(found["minNotional"]), bool(found["applyToMarket"]))
    return None


def _counts(filters: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Read every filter whose one number limits how many there may be."""
    counts: dict[str, int] = {}
    for found in filters:
        numbers = [int(value) for key, value in found.items() if key.startswith("maxNum")]
        if "NUM" in found["filterType"] and numbers:
            counts[found["filterType"]] = numbers[0]
    return counts


def _max_position(filters: Mapping[str, Mapping[str, Any]]) -> int | None:
    found = filters.get("MAX_POSITION")
    return units(found["maxPosition"]) if found else None
