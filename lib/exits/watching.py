"""What only this program can see of a lot: other prices than the last, trails, the time.

Nothing is done here. What is decided is written into the lot, and is in force with the save. What
the exchange stands for is left to it for a while first; what it did not do is done from here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from lib.desk import Desk
from lib.exchange import ZERO, Quote
from lib.exits.cover import stands, why_outdated
from lib.exits.looking import look, spoken, stir
from lib.exits.lot import OVERDUE, Lot, Mini, Rule, Way, beyond, raise_mini
from lib.exits.protection import Ending, lost_its_stop
from lib.machine import Machine
from lib.money import SymbolRules, plain
from lib.news import Kind
from lib.quotes import ANY, Base, Bounds, price_of, tick_of
from lib.trailing import PAUSE, Trail, bounds_of, moved_enough, take_price, turns

NEVER: Final = 1 << 60  # ms


async def watch(desk: Desk, lot: Lot) -> Machine[Lot]:
    """Decide what only this program can see, until the lot is over."""
    pause, saved = 0, _marks(lot)
    while not lot.over:
        before, said = decisions(lot), list[str]()
        if _is_watched(lot):
            quote = await look_at(desk, lot)
            await _follow_trails(desk, lot, quote, pause)
            said = judge(desk.rules(lot.symbol), lot, quote, desk.now())
            review(desk.rules(lot.symbol), lot, quote.last)
            pause = PAUSE
        if decisions(lot) != before or _trails_moved(lot, saved):
            saved = _marks(lot)
            yield lot
            say(desk, lot, said)
        else:
            await await_news(desk, lot)


def say(desk: Desk, lot: Lot, words: Iterable[str]) -> None:
    """Tell the person what was decided."""
    for each in words:
        desk.tell(Kind.PLAN, f"{lot.symbol}: {each}")


def close(lot: Lot, ending: Ending, because: str, *, at: Decimal, way: Way, now: int) -> str:
    """Decide to close a lot, unless that was decided before; answer the words for it."""
    if lot.ending is not None or lot.over:
        return ""
    lot.ending, lot.because, lot.at, lot.way, lot.way_at = ending, because, at, way, now
    for what in (lot.pair, lot.single):
        if what is not None:
            what.give_up = what.give_up or because
    return f"{because}; closing {plain(lot.left)}"


def judge(rules: SymbolRules, lot: Lot, quote: Quote, now: int) -> list[str]:
    """Decide by prices and the time; answer what is to be said of it."""
    if lot.ending is not None or not lot.left:
        return []
    said = []
    if lot.close_at is not None and now >= lot.close_at:
        words = "its time is over"
        said.append(close(lot, Ending.DEADLINE, words, at=quote.last, way=Way(), now=now))
    if lot.profit is not None:
        said.append(_judge_profit(lot, lot.profit, quote, now))
        if lot.mini is not None:
            said.append(_judge_mini(rules, lot, lot.mini, quote, now))
    if lot.stop is not None:
        said.append(_judge_stop(lot, lot.stop, quote, now))
    return [each for each in said if each]


def review(rules: SymbolRules, lot: Lot, last: Decimal) -> None:
    """Decide whether what stands is to be replaced."""
    what = lot.pair or lot.single
    if what is None or not lot.standing or not lot.begun or lot.ending is not None or not lot.left:
        return
    if lot.pair is not None and len(lot.exits) > 1 and lost_its_stop(lot.pair):
        what.give_up = "its take profit was executed in part, which ended its stop"
    else:
        what.give_up = why_outdated(rules, lot, last)


def decisions(lot: Lot) -> object:
    """Answer all that prices and the time decide, to see whether something was."""
    rules = [each for each in (lot.profit, lot.stop) if each is not None]
    what = lot.pair or lot.single
    return (
        lot.ending,
        what and what.give_up,
        lot.mini and (lot.mini.kept, lot.mini.since, lot.mini.lost_since, lot.mini.counted),
        [(rule.price, rule.since, rule.counted) for rule in rules],
    )


# --- the prices that count


def _judge_profit(lot: Lot, rule: Rule, quote: Quote, now: int) -> str:
    price = price_of(quote, rule.base)
    if not price or rule.price is None:
        return ""
    if rule.trail is not None:
        is_there = turns(rule.trail, price)
        at, ending, words = rule.trail.line or ZERO, Ending.TRAIL, "turned at"
    else:
        is_there = not beyond(lot.sign, rule.price, price)
        at, ending, words = rule.price, Ending.TAKE_PROFIT, "reached the take profit"
    by_exchange = stands(lot, guard=False) and rule.fits_exchange
    if not _lasted(rule, quote, now, is_there=is_there, by_exchange=by_exchange):
        return ""
    because = f"the {spoken(rule.base)} {words} {plain(at)}"
    way = Way() if by_exchange else rule.way
    return close(lot, ending, because, at=at, way=way, now=now)


def _judge_stop(lot: Lot, rule: Rule, quote: Quote, now: int) -> str:
    price = price_of(quote, rule.base)
    if not price or rule.price is None:
        return ""
    line = None if rule.trail is None else rule.trail.line
    at = rule.price if line is None or beyond(lot.sign, rule.price, line) else line
    is_there = not beyond(lot.sign, price, at)
    by_exchange = stands(lot, guard=True) and rule.fits_exchange
    if not _lasted(rule, quote, now, is_there=is_there, by_exchange=by_exchange):
        return ""
    because = f"the {spoken(rule.base)} is {plain(price)}, at or beyond the stop {plain(at)}"
    way = Way() if by_exchange else rule.way
    return close(lot, Ending.STOP, because, at=at, way=way, now=now)


def _lasted(rule: Rule, quote: Quote, now: int, *, is_there: bool, by_exchange: bool) -> bool:
    """Say whether a price was there for as long as it must; note since when and how often it is."""
    if not is_there:
        rule.since, rule.counted = None, 0
        return False
    rule.since = now if rule.since is None else rule.since
    if not (_counted(rule, rule.ticks, tick_of(quote, rule.base)) or by_exchange):
        return False
    return now - rule.since >= _wait(rule, by_exchange=by_exchange)


def _counted(what: Rule | Mini, ticks: int, tick: int) -> bool:
    """Count a tick that was not counted yet; say whether so many were."""
    if what.counted < ticks and what.tick != tick:
        what.counted, what.tick = what.counted + 1, tick
    return what.counted >= ticks


def _wait(rule: Rule, *, by_exchange: bool) -> int:
    """Answer for how long the price must be there, ms; or the exchange has to act."""
    if not by_exchange:
        return rule.confirm
    if not rule.way.is_limit:
        return OVERDUE
    return NEVER if rule.way.patience is None else rule.way.patience


def _judge_mini(rules: SymbolRules, lot: Lot, mini: Mini, quote: Quote, now: int) -> str:
    profit = lot.profit
    price = ZERO if profit is None else price_of(quote, profit.base)
    if not price or mini.level is None or profit is None:
        return ""
    if mini.kept is not None and beyond(lot.sign, mini.kept, price):
        mini.lost_since = now if mini.lost_since is None else mini.lost_since
        by_exchange = stands(lot, guard=True) and profit.fits_exchange
        enough = _counted(mini, profit.ticks, tick_of(quote, profit.base))
        if enough and now - mini.lost_since >= _wait(profit, by_exchange=by_exchange):
            because = f"the price fell back below {plain(mini.kept)}, the profit to be kept"
            way = Way() if by_exchange else profit.way
            return close(lot, Ending.TAKE_PROFIT, because, at=mini.kept, way=way, now=now)
        return ""
    mini.lost_since, mini.counted = None, 0
    if beyond(lot.sign, mini.level, price):
        mini.since = None
    elif mini.kept != mini.level:
        mini.since = now if mini.since is None else mini.since
        if now - mini.since >= mini.timeout:
            raise_mini(rules, lot, mini)
            return f"a profit at {plain(mini.kept or ZERO)} is kept from now on"
    return ""


async def _follow_trails(desk: Desk, lot: Lot, quote: Quote, pause: int) -> None:
    """Move the marks. What turns a trail is judged by its line, and leaves the mark alone."""
    for trail in _trails(lot):
        price = price_of(quote, trail.base)
        if price and not turns(trail, price):
            await take_price(desk, trail, price, pause=pause)


# --- what was decided


def _trails(lot: Lot) -> list[Trail]:
    rules = [each for each in (lot.profit, lot.stop) if each is not None]
    return [rule.trail for rule in rules if rule.trail is not None]


def _marks(lot: Lot) -> list[Decimal | None]:
    return [trail.mark for trail in _trails(lot)]


def _trails_moved(lot: Lot, saved: list[Decimal | None]) -> bool:
    trails = _trails(lot)
    if len(trails) != len(saved):
        return True
    return any(moved_enough(trail, mark) for trail, mark in zip(trails, saved, strict=True))


def _is_watched(lot: Lot) -> bool:
    return bool(lot.left) and not lot.stopped and lot.ending is None


# --- waiting


async def look_at(desk: Desk, lot: Lot) -> Quote:
    """Answer the prices that a lot asks for; zero for what cannot be had now."""
    rules = [each for each in (lot.profit, lot.stop) if each is not None]
    return await look(desk, lot.symbol, ["last", *(rule.base for rule in rules)])


async def await_news(desk: Desk, lot: Lot) -> None:
    """Wait until something was saved, the time or a price matters; ten seconds at most."""
    await stir(desk, lot.symbol, _times(lot), _bounds(desk.rules(lot.symbol), lot))


def _times(lot: Lot) -> Iterator[int]:
    """Answer when something may be due; exchange ms."""
    yield from (lot.retry_at, lot.sell_at, lot.close_at or 0)
    for rule, guard in ((lot.profit, False), (lot.stop, True)):
        if rule is not None and rule.since is not None:
            by_exchange = stands(lot, guard=guard) and rule.fits_exchange
            yield rule.since + _wait(rule, by_exchange=by_exchange)
    if lot.mini is not None and lot.mini.since is not None:
        yield lot.mini.since + lot.mini.timeout
    if lot.mini is not None and lot.mini.lost_since is not None:
        yield lot.mini.lost_since + OVERDUE


def _bounds(rules: SymbolRules, lot: Lot) -> Iterator[Bounds]:
    """Answer the prices at which there is something to decide."""
    if not _is_watched(lot):
        return
    tick = rules.tick
    profit, stop, mini = lot.profit, lot.stop, lot.mini
    for rule in (profit, stop):
        lost = rule is profit and mini is not None and mini.lost_since is not None
        if rule is not None and rule.ticks and (lost or rule.since is not None):
            yield replace(ANY, base=rule.base)  # each tick counts
    if profit is not None and profit.price is not None:
        if profit.trail is not None:
            yield bounds_of(profit.trail, tick)
        else:
            yield _bound(lot, profit, profit.price, tick, rising=True)
        if mini is not None and mini.level is not None:
            yield _at(lot, mini.level, profit.base, worse=mini.since is not None, tick=tick)
            if mini.kept is not None:
                yield _at(lot, mini.kept, profit.base, worse=True, tick=tick)
    if stop is not None and stop.price is not None:
        yield _bound(lot, stop, stop.price, tick, rising=False)
        if stop.trail is not None:
            yield bounds_of(stop.trail, tick)


def _bound(lot: Lot, rule: Rule, price: Decimal, tick: Decimal, *, rising: bool) -> Bounds:
    """Answer where a price that is waited for is; or left, while it is there."""
    is_there = rule.since is not None
    if rising is not is_there:
        at = price + lot.sign * tick if is_there else price
        return _beyond(lot.sign, at, rule.base)
    at = price - lot.sign * tick if is_there else price
    return _beyond(-lot.sign, at, rule.base)


def _at(lot: Lot, level: Decimal, base: Base, *, worse: bool, tick: Decimal) -> Bounds:
    return (
        _beyond(-lot.sign, level - lot.sign * tick, base)
        if worse
        else _beyond(lot.sign, level, base)
    )


def _beyond(sign: int, price: Decimal, base: Base) -> Bounds:
    return Bounds(above=price, base=base) if sign > 0 else Bounds(below=price, base=base)
