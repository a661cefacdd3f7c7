"""The limits of conf.json in plain words, for `check`."""

from collections.abc import Iterator
from typing import Final

from lib.amounts import plain
from lib.conf import BotConf, RunnerConf
from lib.limits import AllLimits, BotLimits, Bound, Then

THEN: Final = {
    Then.REFUSE: "entries are refused as long as so much is lost",
    Then.PAUSE: "paused, until `resume`",
    Then.FLATTEN: "flattened, until `start`",
}


def limits_of_all(conf: RunnerConf) -> list[str]:
    """Say what limits all bots together, a line each; nothing without limits."""
    limits = conf.settings.limits
    zone = conf.settings.timezone
    said = [] if limits is None else list(sentences(limits, limits.valued_in, zone))
    return [f"limits of all bots together: {text}" for text in said]


def limits_of_bot(bot: BotConf, conf: RunnerConf) -> list[str]:
    """Say what limits one bot, and what of it can open nothing."""
    unit = (conf.settings.limits or AllLimits()).valued_in
    limits, zone = bot.terms.limits, conf.settings.timezone
    said = [] if limits is None else list(sentences(limits, unit, zone))
    return [*(f"limit: {text}" for text in said), *_shut_out(bot, conf)]


def sentences(limits: BotLimits, unit: str, zone: str = "UTC") -> Iterator[str]:
    """Say each limit in a sentence."""
    yield from _amounts(limits, unit)
    yield from _counts(limits)
    yield from _losses(limits, unit, zone)


def _amounts(limits: BotLimits, unit: str) -> Iterator[str]:
    def said(bound: Bound) -> str:
        amount = f"{plain(bound.of(limits.funds))} {unit}"
        return f"{amount} ({bound} of the funds)" if bound.is_part else amount

    if limits.funds is not None:
        yield f"no more than {plain(limits.funds)} {unit} at work, at cost"
    if limits.at_work is not None:
        yield f"no more than {said(limits.at_work)} in trades at the same time, at cost"
    if limits.exposure is not None:
        yield f"no more than {said(limits.exposure)} in the market, at its price"
    if isinstance(limits.exposure_per_asset, dict):
        for asset, bound in limits.exposure_per_asset.items():
            yield f"no more than {said(bound)} in {asset}"
    elif limits.exposure_per_asset is not None:
        yield f"no more than {said(limits.exposure_per_asset)} in any one asset"
    if limits.order_value is not None:
        yield f"no entry of more than {said(limits.order_value)}"
    if limits.risk_per_trade is not None:
        yield f"no trade that may lose more than {said(limits.risk_per_trade)} down to its stop"


def _counts(limits: BotLimits) -> Iterator[str]:
    if limits.price_distance is not None:
        yield f"no entry further than {limits.price_distance} from the last price"
    if limits.open_orders is not None:
        yield f"no entry that would make more than {limits.open_orders} open orders"
    if limits.orders_per_minute is not None:
        yield f"no more than {limits.orders_per_minute} entries a minute"
    if limits.allowed_symbols is not None:
        yield f"nothing is opened but in {', '.join(limits.allowed_symbols) or 'no symbol at all'}"
    if limits.cool_down is not None:
        times = limits.cool_down_after
        losses = "a loss" if times == 1 else f"{times} losses of a bot in a row"
        yield f"no entry for {_seconds(limits.cool_down)} after {losses}"


def _losses(limits: BotLimits, unit: str, zone: str) -> Iterator[str]:
    for words, bound, then in (
        (f"lost on a day ({zone})", limits.daily_loss, limits.daily_loss_then),
        ("below the best result", limits.drawdown, limits.drawdown_then),
    ):
        if bound is not None:
            part = f" ({bound} of the funds)" if bound.is_part else ""
            yield f"once {plain(bound.of(limits.funds))} {unit}{part} are {words}: {THEN[then]}"


def _shut_out(bot: BotConf, conf: RunnerConf) -> Iterator[str]:
    """Say which symbols of a bot the limits shut out."""
    for whose, limits in (("its", bot.terms.limits), ("all bots'", conf.settings.limits)):
        if limits is None or limits.allowed_symbols is None:
            continue
        for symbol in bot.conf.symbols:
            if symbol not in limits.allowed_symbols:
                yield f"it can open nothing in {symbol}: {whose} limits.allowed_symbols lack it"


def _seconds(ms: int) -> str:
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms"
