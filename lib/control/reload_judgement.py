"""Whether a conf.json may be taken over while bots run: judged as by `check`, asking nobody."""

from collections.abc import Collection, Iterator, Mapping

from lib.conf import BotConf, RunnerConf
from lib.control.plans import complaints
from lib.control.promises import unclear_budget
from lib.control.verdict import Verdict
from lib.money import SymbolRules
from lib.roster import twins


def judge(
    conf: RunnerConf, begun: Collection[BotConf], rules: Mapping[str, SymbolRules]
) -> list[Verdict]:
    """Answer a verdict for each bot that is not right; `begun` are those that would begin anew."""
    found: dict[str, Verdict] = {}
    for name, why in _stops(conf, begun, rules):
        found.setdefault(name, Verdict(name)).stops.append(why)
    return list(found.values())


def _stops(
    conf: RunnerConf, begun: Collection[BotConf], rules: Mapping[str, SymbolRules]
) -> Iterator[tuple[str, str]]:
    for held in conf.held_back:
        yield from ((held.name, str(mistake)) for mistake in held.mistakes)
    for name, other in twins(bot.name for bot in conf.bots):
        yield name, f"its orders could not be told from those of {other}: rename it"
    for bot in begun:
        yield from ((bot.name, text) for text in complaints(bot.conf, rules, {}))
        yield from ((bot.name, text) for text in unclear_budget(bot, rules))
