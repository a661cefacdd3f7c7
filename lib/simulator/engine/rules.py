"""What exchangeInfo says of one symbol, read once: precisions, filters, abilities."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lib.simulator.engine.execution_rules import FIELDS, ExecutionRules, read_execution_rules
from lib.simulator.units import units

NEVER_CHANGED: Final = ("symbol", "baseAsset", "quoteAsset")
SUPPORTED_MODES: Final = (
    "NONE",
    "EXPIRE_TAKER",
    "EXPIRE_MAKER",
    "EXPIRE_BOTH",
    "DECREMENT",
    "TRANSFER",
)
DEFAULT_MODE: Final = "EXPIRE_MAKER"

# Abilities that this venue does not have; what exchangeInfo promises, it keeps.
ABSENT: Final = ("pegInstructionsAllowed",)


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


@dataclass(frozen=True, slots=True)
class TrailingDelta:
    """How far a stop may trail, in basis points, by the side of the market it waits on."""

    above: tuple[int, int]
    below: tuple[int, int]


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
    pairs: bool  # OCO
    pending_orders: bool  # OTO
    paid_orders: bool  # OPO
    icebergs: bool
    trailing_stops: bool
    amendable: bool
    iceberg_parts: int | None
    trailing: TrailingDelta | None
    execution: ExecutionRules
    replaceable: bool = True  # cancel-replace
    permission_sets: tuple[frozenset[str], ...] = ()  # an account needs one of each
    for_spot: bool = True  # whether SPOT alone is enough


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
        pairs=bool(entry.get("ocoAllowed", True)),
        pending_orders=bool(entry.get("otoAllowed", True)),
        paid_orders=bool(entry.get("opoAllowed", True)),
        icebergs=bool(entry.get("icebergAllowed", True)),
        trailing_stops=bool(entry.get("allowTrailingStop", True)),
        amendable=bool(entry.get("amendAllowed", True)),
        replaceable=bool(entry.get("cancelReplaceAllowed", True)),
        permission_sets=_permission_sets(entry),
        for_spot=all("SPOT" in found for found in _permission_sets(entry)),
        iceberg_parts=_iceberg_parts(filters),
        trailing=_trailing(filters),
        execution=read_execution_rules(entry),
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
    told = {name: value for name, value in entry.items() if name not in FIELDS}
    return {**told, **absent, **modes}


def changed_entry(entry: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change an entry of exchangeInfo; filters given replace those of the same type.

    Raises ValueError for another symbol or asset: what has been booked could not follow.
    """
    for name in NEVER_CHANGED:
        if name in changes and changes[name] != entry[name]:
            raise ValueError(f"the {name} of {entry['symbol']} cannot become {changes[name]}")
    filters = {found["filterType"]: found for found in entry["filters"]}
    for found in changes.get("filters", ()):
        filters[found["filterType"]] = {**filters.get(found["filterType"], {}), **found}
    return {**entry, **changes, "filters": list(filters.values())}


def _permission_sets(entry: Mapping[str, Any]) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(found) for found in entry.get("permissionSets", ()))


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


def _iceberg_parts(filters: Mapping[str, Mapping[str, Any]]) -> int | None:
    found = filters.get("ICEBERG_PARTS")
    return int(found["limit"]) if found else None


def _trailing(filters: Mapping[str, Mapping[str, Any]]) -> TrailingDelta | None:
    found = filters.get("TRAILING_DELTA")
    if found is None:
        return None
    above = (int(found["minTrailingAboveDelta"]), int(found["maxTrailingAboveDelta"]))
    below = (int(found["minTrailingBelowDelta"]), int(found["maxTrailingBelowDelta"]))
    return TrailingDelta(above, below)


def _max_position(filters: Mapping[str, Mapping[str, Any]]) -> int | None:
    found = filters.get("MAX_POSITION")
    return units(found["maxPosition"]) if found else None
