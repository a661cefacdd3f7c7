"""Worlds in which all comes together: any bots, limits, words of a person, an edited conf.json.

A story is drawn by the seed: who trades, how the market moves, what is limited, what is said and
when. At its end everything is let go on and then flattened, so that nothing may be left anywhere.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from lib.control.office import Verb
from lib.control.reload import Reload
from lib.control.request import Removed
from lib.control.request import Request as Asked
from lib.shelf import Shelf
from lib.supervisor import Supervisor
from tests import bots_of_lines as lines
from tests.plans import DCA, RANGE, REBALANCE, RECURRING, TWAP
from tests.reloaded_world import Edited, ReloadedLife, ReloadedWorld, Signs
from tests.risk.limited_world import LimitedLife, LimitedWorld, Moment
from tests.swinging import swing
from tests.told_world import Said
from tests.weather import CALM, Luck
from tests.world import world_conf

Section = Mapping[str, Any]

END: Final = 900  # seconds; from then on everything is ended
ABSENT: Final = "does not run"  # what a bot is told that comes back later counts for nobody
FENCE: Final = 7_000  # ms between announcing an order and the last moment at which it can come in
BITCOIN: Final = {"symbol": "BTCUSDT"}
HOLDER: Final = {"function": "holder", **BITCOIN, "quantity": "0.01", "close_after": "400s"}
TRADE: Final = {
    "function": "smart_trade",
    **BITCOIN,
    "unit": "0.01",
    "take_profit": [
        {"price": "0.4%", "share": "50%", "mode_sell": "LIMIT"},
        {"price": "0.9%", "trailing": "-0.2%"},
    ],
    "stop_loss": {"price": "-0.5%", "break_even": "0.2%"},
}
SECTIONS: Final[Mapping[str, Section]] = {
    "dips": {
        "function": "dip_buyer",
        **BITCOIN,
        "quantity": "0.01",
        "dip": "0.002",
        "rebound": "0.002",
        "stop": "0.01",
        "patience": "60s",
        "laps": 3,
    },
    "ladder": {
        "function": "ladder",
        **BITCOIN,
        "quantity": "0.01",
        "step": "0.001",
        "rungs": 3,
        "fills": 3,
    },
    "mover": {**HOLDER, "by": "LIMIT", "away": "0.001", "trail": "0.003", "on_trail": "move"},
    "bracket": {**HOLDER, "by": "OTOCO", "away": "0.001"},
    "eager": {"function": "eager", **BITCOIN},
    "grid": lines.GRID,
    "following": lines.FOLLOWING,
    "endless": lines.ENDLESS,
    "dca": {**DCA, "stop_loss": "0.03", "deals": 2},
    "trailing dca": {**DCA, "trailing": "0.002", "stop_loss": "0.0095", "safety_orders": 2},
    "twap": TWAP,
    "rebalance": REBALANCE,
    "range": RANGE,
    "long": TRADE,
    "short": {
        **TRADE,
        "type": "short",
        "take_profit": {"price": "0.4%"},
        "stop_loss": {"price": "-0.5%", "trailing": True},
        "may_sell_your_coins": True,
    },
    "winter": lines.WINTER,
    "strategy": lines.STRATEGY,
    "averages": lines.CROSS,
    "recurring": {**RECURRING, "schedule": {"every": "day", "at": "00:07"}},
    "bracketed": {
        "function": "smart_trade",
        **BITCOIN,
        "unit": "0.01",
        "mode": "LIMIT",
        "price": 60_900,
        "take_profit": {"price": "0.5%"},
        "stop_loss": {"price": "-1%"},
    },
}
NUMBERS: Final = ("quantity", "unit", "base_order", "safety_order")
LIMITS: Final[Sequence[Section]] = (
    {},
    {"daily_loss": 3},
    {"daily_loss": 3, "daily_loss_then": "flatten"},
    {"daily_loss": 4, "daily_loss_then": "refuse"},
    {"drawdown": 4, "drawdown_then": "flatten"},
    {"cool_down": "60s", "exposure": 2_500},
    {"funds": 3_000, "at_work": "60%", "orders_per_minute": 6},
    {"open_orders": 6, "order_value": 1_200, "price_distance": "3%"},
)
WEATHERS: Final = (
    CALM,
    CALM,
    Luck(query_lag_ms=500),
    Luck(10, 5, 150, 500),
    Luck(requests=0, events=0, stream_loss=0, turns=5),
    Luck(requests=6, events=4, stream_loss=80, query_lag_ms=2_000, flushes=40, stragglers=3),
)
WORDS: Final = (
    Verb.PAUSE,
    Verb.STOP,
    Verb.RESUME,
    Verb.START,
    Verb.FLATTEN,
    Verb.CANCEL,
    Verb.RELEASE,
    Verb.KILL,
    Verb.UNKILL,
    Verb.RELOAD,
    Verb.RELOAD,
)


@dataclass
class MixedWorld(LimitedWorld, ReloadedWorld):
    """Limited, told and reloaded."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.begin_life = MixedLife

    def forbidden(self) -> Iterator[tuple[str, Moment]]:
        """Answer what came in while the person forbade it: what is of no doubt, and nothing else.

        A word holds from its answer until the next word that could let the bot go on.
        """
        for number, said in enumerate(self.said):
            if str(number) not in self.answered or said.verb not in HOLDING:
                continue
            if ABSENT in self.answer(number):
                continue
            begin = self.answered_at(number)
            for name in said.bots or tuple(self.all_bots):
                end = self._until(number, name)
                for entry in self.moments:
                    if entry.bot == name and begin + FENCE < entry.at <= end:
                        yield f"{said.verb} of {number}", entry

    def beyond_limits(self) -> Iterator[tuple[str, Moment]]:
        """Answer the entries of bots that a limit had ended, until the person said anything."""
        for at, text in self.heard_at:
            if not text.startswith("limits.") or " lost since " not in text:
                continue
            whose = text.split(": ")[1]
            words = [
                self.answered_at(n) for n, _ in enumerate(self.said) if str(n) in self.answered
            ]
            begun = [int((self.begun + said.after) * 1000) for said in self.said]
            until = min((each for each in [*words, *begun] if each > at), default=0)
            for entry in self.moments:
                if whose in {"all bots", entry.bot} and at + FENCE < entry.at < until:
                    yield text, entry

    def _until(self, number: int, name: str) -> int:
        """Answer when the next thing was said that might concern a bot."""
        later = [
            self.answered_at(after)
            for after, said in enumerate(self.said)
            if after > number
            and str(after) in self.answered
            and said.verb in LETTING
            and (not said.bots or name in said.bots)
        ]
        at = [word.after * 1000 for word in self.said[number + 1 :] if word.verb in LETTING]
        return min([*later, *(int(self.begun * 1000 + each) for each in at)], default=0)


HOLDING: Final = frozenset({Verb.PAUSE, Verb.STOP, Verb.FLATTEN, Verb.KILL})
LETTING: Final = frozenset({Verb.RESUME, Verb.START, Verb.UNKILL})


class MixedLife(LimitedLife, ReloadedLife):
    """A life that has all of it."""

    def furnish(self, supervisor: Supervisor, shelf: Shelf) -> None:
        super().furnish(supervisor, shelf)
        conf, world = world_conf(self.world), self._world
        reload = Reload(supervisor, conf, self._read, world.hear, Signs(world.signs))
        reload.on_conf = self.limiting.take

        async def reload_as_said(request: Asked) -> str:
            removed = self._removed(request.id)
            again = Asked(request.id, request.verb, (), request.by, request.asked_at)
            return await reload(_with(again, removed))

        self.office.reload = reload_as_said


def _with(request: Asked, removed: Removed) -> Asked:
    return Asked(
        request.id, request.verb, request.bots, request.by, request.asked_at, removed=removed
    )


# --- a story


def mixed(seed: int, names: Sequence[str] = ()) -> MixedWorld:
    """Draw a world; `names` are those of SECTIONS that are to be in it."""
    chance = random.Random(f"mixed {seed}")
    drawn = list(names) or chance.sample(sorted(SECTIONS), chance.randint(1, 3))
    bots = {f"bot{number}": limited(SECTIONS[name], chance) for number, name in enumerate(drawn)}
    slope, depth = chance.choice((0, 0, -0.00006, 0.00004)), chance.choice((0.006, 0.01, 0.02))
    wave = swing(depth, chance.choice((90, 150, 300)))
    return MixedWorld(
        seed,
        bots,
        chance.choice(WEATHERS),
        {"limits": chance.choice(LIMITS)},
        shape=lambda at: wave(at) * (1 + slope * min(at, END)),
        depth=chance.choice((Decimal(1), Decimal("0.004"))),
        said=[*words(bots, chance), *endings(bots)],
    )


def limited(section: Section, chance: random.Random) -> Section:
    limits = chance.choice(LIMITS) if chance.random() < 0.4 else {}
    return {**section, "limits": limits} if limits else section


def words(bots: Mapping[str, Section], chance: random.Random) -> list[Said]:
    """Say some things at some times; what is edited is edited again later."""
    times = sorted(chance.uniform(5, END - 100) for _ in range(chance.randint(2, 7)))
    said: list[Said] = []
    conf: Mapping[str, Section] = bots
    for at in times:
        verb = chance.choice(WORDS)
        if verb is Verb.RELOAD:
            conf = edited(bots, conf, chance)
            said.append(Edited(at, verb, conf=conf, removed=chance.choice(list(Removed))))
            continue
        whose = () if verb in {Verb.KILL, Verb.UNKILL} else chance.choice(((), ("bot0",)))
        sells = verb is Verb.KILL and chance.random() < 0.5
        said.append(Said(at, verb, whose, flatten=sells))
    return said


def edited(
    first: Mapping[str, Section], conf: Mapping[str, Section], chance: random.Random
) -> Mapping[str, Section]:
    """Take one out, put one back, or change one."""
    name = chance.choice(sorted(first))
    if name not in conf:
        return {**conf, name: first[name]}
    if chance.random() < 0.4:
        return {each: section for each, section in conf.items() if each != name}
    changed = dict(conf[name])
    for key in NUMBERS:
        if isinstance(changed.get(key), str) and changed[key].replace(".", "").isdigit():
            changed[key] = str(Decimal(changed[key]) * chance.choice((1, 2)))
    changed["limits"] = chance.choice(LIMITS)
    return {**conf, name: changed}


def endings(bots: Mapping[str, Section]) -> list[Said]:
    """Have all bots back, let everything go on for a moment, then end it."""
    return [
        Edited(END - 60, Verb.RELOAD, conf=bots),
        Said(END, Verb.UNKILL),
        Said(END + 5, Verb.RELEASE),
        Said(END + 10, Verb.RESUME),
        Said(END + 60, Verb.FLATTEN),
        Said(END + 120, Verb.RELEASE),
        Said(END + 121, Verb.FLATTEN),
    ]
