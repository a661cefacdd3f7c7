"""The command `check`: what the next start would do, without starting anything."""

from collections.abc import Iterable, Iterator

import click

from lib.conf import BotConf, OnOrphan, PaperMarket, RunnerConf
from lib.control.conf_changes import changes, refusal, since_when
from lib.control.ctx_folder import Page, installation_of, read_pages, runner_at_work
from lib.control.exits import Exit
from lib.control.intake import Intake, take_in
from lib.control.limit_words import limits_of_all, limits_of_bot
from lib.control.options import PAPER, Options, with_places, with_venue
from lib.control.paper_choice import paper_market
from lib.control.plans import complaints, plan_text
from lib.control.promises import excesses, unclear_budget
from lib.control.rulebook import Rulebook, read_live_rulebook, read_rulebook
from lib.control.spoken import complain, say
from lib.control.standing import is_out
from lib.control.verdict import Verdict
from lib.dealing.dealer import describe
from lib.errors import BadCredentials, Halt, Unavailable
from lib.ids import parse_id
from lib.instructions import BY_YOU, Instruction
from lib.mistakes import ConfError
from lib.modes import mode_of
from lib.ownership.orphans import describe_orphan, may_be_known, open_for_long


@click.command()
@with_places
@with_venue
def check(options: Options) -> Exit:
    """Say what the next start would do, and every mistake there is. Starts nothing.

    Reads conf.json, .env and the ctx folder; asks the venue for its rules and what the key may do
    (paper on a recorded market needs no network). Names for each bot its plan, what changed since
    it last ran, and from when that counts.
    """
    try:
        intake = take_in(options)
    except ConfError as wrong:
        complain(str(wrong))
        return Exit.NOTHING_STARTS
    say("\n".join([head(intake), *limits_of_all(intake.conf)]))
    rulebook, doubts = None, []
    try:
        rulebook = _rulebook(intake)
        doubts = [*_account_doubts(rulebook, intake.venue), *_too_much_promised(intake, rulebook)]
        doubts += orphans(intake, rulebook)
    except Halt as wrong:
        complain(f"{type(wrong).__name__}: {wrong}")
        return Exit.NOTHING_STARTS
    except Unavailable as weather:
        doubts = [f"the venue's rules and the key could not be checked: {weather}"]
    verdicts = list(judge_all(intake, rulebook))
    say("\n".join(map(str, verdicts)))
    for doubt in doubts:
        complain(doubt)
    return exit_code(intake.conf, verdicts, doubts)


def exit_code(conf: RunnerConf, verdicts: Iterable[Verdict], doubts: Iterable[str]) -> Exit:
    """Choose the exit code: do all run, some, or none."""
    stopped = {verdict.name for verdict in verdicts if verdict.stops}
    if all(bot.name in stopped for bot in conf.bots):
        return Exit.NOTHING_STARTS
    return Exit.ATTENTION if stopped or list(doubts) else Exit.FINE


def judge_all(intake: Intake, rulebook: Rulebook | None) -> Iterator[Verdict]:
    """Judge every bot of conf.json, then those that have a context and are not in it."""
    ctx, conf = intake.options.ctx, intake.conf
    pages = {page.name: page for page in read_pages(ctx, installation_of(ctx))}
    for held in conf.held_back:
        yield Verdict(held.name, stops=[str(mistake) for mistake in held.mistakes])
    for bot in conf.bots:
        verdict = _judged(bot, pages.get(bot.name), intake.venue, rulebook)
        verdict.remarks += limits_of_bot(bot, conf)
        yield verdict
    known = {bot.name for bot in conf.bots} | {held.name for held in conf.held_back}
    yield from (_removed(page) for name, page in pages.items() if name not in known)


def _judged(bot: BotConf, page: Page | None, venue: str, rulebook: Rulebook | None) -> Verdict:
    verdict = Verdict(bot.name, plan_text(bot))
    if rulebook is not None:
        verdict.stops += complaints(bot.conf, rulebook.rules, rulebook.prices)
        verdict.stops += unclear_budget(bot, rulebook.rules)
    if page is None:
        verdict.remarks.append("new: it begins with the next start")
        return verdict
    _judge_context(verdict, bot, page, venue)
    return verdict


def _judge_context(verdict: Verdict, bot: BotConf, page: Page, venue: str) -> None:
    """Add what a bot's file says to its verdict."""
    generation = page.generation
    if generation is None or page.problem:
        verdict.stops.append(page.problem)
        return
    if generation.venue and generation.venue != venue:
        verdict.stops.append(f"its context belongs to venue {generation.venue}, not to {venue}")
        return
    if generation.parked is not None:
        reason = f"{generation.parked.kind}: {generation.parked.reason}"
        verdict.stops.append(f"it stopped itself: {reason}; `release {bot.name}` lets it go on")
    try:
        refused = refusal(bot, page)
        changed = changes(bot, generation)
        when = since_when(bot, page) if changed else ""
    except Halt as wrong:
        verdict.stops.append(f"{type(wrong).__name__}: {wrong}")
        return
    verdict.stops += [refused] if refused else []
    if generation.instruction is not Instruction.TRADE:
        by = generation.told_by if generation.told_by.startswith("limits.") else "you"
        verdict.remarks.append(f"it is {BY_YOU[generation.instruction].replace('you', by)}")
    verdict.remarks += [f"changed: {text}" for text in changed]
    if when:
        verdict.remarks.append(when)
    elif generation.finished:
        verdict.remarks.append("it is finished; `afresh` lets it begin anew")


def _removed(page: Page) -> Verdict:
    verdict = Verdict(page.name, "it is not in conf.json and does not run")
    if page.problem:
        verdict.remarks.append(page.problem)
    for order in filter(is_out, page.orders):
        text = f"{describe(order)}, id {order.id}"
        verdict.stops.append(f"it leaves {text}: cancel it at the exchange, or put the bot back")
    return verdict


def head(intake: Intake) -> str:
    """Say in which mode and where the next start would trade."""
    ctx = intake.options.ctx
    mode = mode_of(intake.venue)
    said = f"mode {mode}, venue {intake.venue}: {'REAL MONEY' if mode.is_real else 'no real money'}"
    if runner_at_work(ctx):
        return f"{said}; a runner is at work on {ctx}, and what follows is of its next start"
    return said


def _account_doubts(rulebook: Rulebook, venue: str) -> Iterator[str]:
    """Say what is wrong with the key. Raises BadCredentials for one that cannot trade at all."""
    if rulebook.account is None:
        return
    if not rulebook.account.can_trade:
        raise BadCredentials("this key may not trade: allow spot trading for it at Binance")
    if rulebook.account.can_withdraw and venue == "live":
        yield "this key may withdraw: make one that may only trade"


def _too_much_promised(intake: Intake, rulebook: Rulebook) -> list[str]:
    """Compare all budgets with the account, where there is one to ask."""
    if rulebook.account is None:
        return []
    ctx = intake.options.ctx
    pages = {page.name: page for page in read_pages(ctx, installation_of(ctx))}
    return excesses(intake.conf.bots, pages, rulebook.rules, rulebook.account)


def orphans(intake: Intake, rulebook: Rulebook) -> Iterator[str]:
    """Name every open order of this installation that no context knows."""
    installation = installation_of(intake.options.ctx)
    pages = list(read_pages(intake.options.ctx, installation))
    known = {order.id for page in pages for order in page.orders}
    readable = [(page.name, None if page.problem else page.generation) for page in pages]
    for record in rulebook.open_orders:
        own = parse_id(record.client_order_id)
        if own is None or own.installation != installation or record.client_order_id in known:
            continue
        if open_for_long(record, rulebook.asked_at):
            cancels = intake.conf.settings.orphans is OnOrphan.CANCEL
            willing = cancels and not may_be_known(own, readable)
            what = (
                "the runner will cancel it" if willing else "cancel it there if you do not want it"
            )
            yield f"{describe_orphan(record)}: {what}"


def _rulebook(intake: Intake) -> Rulebook:
    conf = intake.conf
    live = intake.venue == PAPER and paper_market(intake.options, conf) is PaperMarket.LIVE
    if live:
        return read_live_rulebook(conf)
    return read_rulebook(intake.venue, intake.credentials, _symbols(conf))


def _symbols(conf: RunnerConf) -> Iterator[str]:
    for bot in conf.bots:
        yield from bot.conf.symbols
