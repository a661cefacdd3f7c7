"""Writes docs/faults.md, what becomes of each call when it fails: python -m tests.fault_table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fated import CHANGES, QUESTIONS, Fate

PAGE: Final = Path(__file__).parents[1] / "docs/faults.md"
INTRODUCTION: Final = """\
# What becomes of a call that fails

Each call that the program can make of the exchange, met by each way of failing: what is seen
afterwards, and a test that proves it. The methods are those of `lib/exchange.py: Venue`; where the
kind of order or list, or who asks, makes a difference, each has a row. `public_market` is what
`--market live` shows paper traders, without an account.

- *crash before*: the power fails, or the process is killed, as the request is about to leave.
- *crash after*: the exchange acted, and the power fails before its answer comes.
- *reply lost*: the exchange acted, and no answer comes in this life.
- *late*: a change reaches the exchange later and unanswered; an answer to a question comes when it
  is old; an event comes after younger ones.
- *repeated*: it arrives twice. aiohttp sends a `DELETE` or a `PUT` again by itself if a kept
  connection breaks under it; ours is told not to, and the network may do it all the same.
- *refused*: the exchange says no.

This page is written by `python -m tests.fault_table`; `tests/test_fault_table.py` fails as soon as
it says something else, a call has no row, or a test that it names is not there.
"""


@dataclass(frozen=True)
class Cell:
    """What is seen, and the tests that prove it: file below tests/, two colons, name."""

    outcome: str
    tests: tuple[str, ...]


def seen(outcome: str, *tests: str) -> Cell:
    return Cell(outcome, tests)


def _fated(name: str, fate: Fate) -> str:
    story = (
        "a_change_of_any_fate_happens_once"
        if name in CHANGES
        else "a_question_of_any_fate_delays_its_bot_and_changes_nothing"
    )
    return f"test_fates.py::test_{story}[{name}-{fate}]"


Row = Mapping[Fate, Cell]
ONCE: Final = "test_exactly_once.py::test_"
LIVES: Final = "test_add_order.py::test_"
LISTS: Final = "test_oco_lives.py::test_"
MOVES: Final = "test_moving_lives.py::test_"
ENDS: Final = "test_order_ends.py::test_"
CLIENT: Final = "binance/test_client.py::test_"
STREAM: Final = "binance/test_user_stream.py::test_"
MARKET: Final = "binance/test_market_stream.py::test_"

PLACE: Final[Row] = {
    Fate.CRASH_BEFORE: seen(
        "looked for by its id until it is presumed absent, then placed under a new one",
        _fated("place", Fate.CRASH_BEFORE),
        f"{LIVES}a_market_order_is_bought_once_whenever_the_power_fails",
    ),
    Fate.CRASH_AFTER: seen(
        "found by its id and adopted; never sent a second time",
        _fated("place", Fate.CRASH_AFTER),
        "dealing/test_doubt.py::test_a_crash_after_the_sending_is_the_same_as_a_lost_reply",
    ),
    Fate.REPLY_LOST: seen(
        "in doubt; adopted by an event, a poll or a question",
        _fated("place", Fate.REPLY_LOST),
        "dealing/test_doubt.py::test_an_accepted_order_whose_reply_was_lost_is_adopted_however_long_"
        "questions_lag",
    ),
    Fate.LATE: seen(
        "accepted within its fence and adopted, or refused by the exchange after it",
        _fated("place", Fate.LATE),
        f"{ONCE}a_request_that_arrives_around_the_end_of_its_fence_or_long_after_buys_once",
    ),
    Fate.REPEATED: seen(
        "a POST is sent once; a duplicate of what may have left before is adopted, of what never "
        "left it stops the bot",
        f"{CLIENT}a_connection_that_drops_under_a_change_is_unknown_and_sent_once",
        "dealing/test_doubt.py::test_a_duplicate_of_an_id_that_may_have_left_is_adopted",
        "dealing/test_doubt.py::test_a_duplicate_of_an_id_that_never_left_stops_the_bot",
    ),
    Fate.REFUSED: seen(
        "rejected for good with the reason, its money free; a limit, or a symbol that does not "
        "trade, only delays it",
        "test_orders.py::test_a_refusal_is_final_and_leaves_the_money_free",
        "binance/test_contract.py::test_a_limit_holds_back_what_comes_after",
        "test_market_rules.py::test_an_order_turned_away_because_nothing_trades_keeps_its_id_and_"
        "is_placed_later",
    ),
}
CANCEL: Final[Row] = {
    Fate.CRASH_BEFORE: seen(
        "asked how it stands; still open: canceled under a new intent",
        _fated("cancel", Fate.CRASH_BEFORE),
        "ownership/test_orphans.py::test_orphans_are_canceled_by_announced_cancels_whenever_the_power_fails",
        f"{ENDS}a_crash_around_a_cancel_ends_with_the_order_gone_and_counted",
    ),
    Fate.CRASH_AFTER: seen(
        "asked how it stands: canceled, with what it executed",
        _fated("cancel", Fate.CRASH_AFTER),
        f"{LIVES}a_limit_order_that_waited_is_canceled_once_and_nothing_stays_behind",
    ),
    Fate.REPLY_LOST: seen(
        "asked for until it is known to be gone",
        _fated("cancel", Fate.REPLY_LOST),
        f"{ENDS}a_cancel_of_unknown_outcome_is_asked_for_until_the_order_is_gone",
        "binance/test_contract.py::test_a_cancel_whose_reply_is_lost_is_sent_once_and_unknown",
    ),
    Fate.LATE: seen("canceled once, by it or by the cancel after it", _fated("cancel", Fate.LATE)),
    Fate.REPEATED: seen(
        '"Unknown order sent." is asked after and is canceled; ours is sent once',
        _fated("cancel", Fate.REPEATED),
        f"{CLIENT}a_connection_that_drops_under_a_change_is_unknown_and_sent_once",
    ),
    Fate.REFUSED: seen(
        "asked how it stands: filled meanwhile, or canceled again",
        _fated("cancel", Fate.REFUSED),
        f"{ENDS}a_cancel_that_comes_too_late_finds_the_order_filled",
    ),
}
PLACE_LIST: Final[Row] = {
    Fate.CRASH_BEFORE: seen(
        "every leg is looked for and probed, then the whole is placed under new ids",
        _fated("place_list", Fate.CRASH_BEFORE),
        f"{LISTS}the_books_agree_whenever_the_power_fails",
    ),
    Fate.CRASH_AFTER: seen(
        "any leg that is seen means that all of it was accepted",
        _fated("place_list", Fate.CRASH_AFTER),
        "test_order_lists.py::test_a_crash_after_the_announcement_looks_for_the_list_and_sends_it_"
        "no_second_time",
    ),
    Fate.REPLY_LOST: seen(
        "in doubt as a whole; adopted by any of its ids",
        _fated("place_list", Fate.REPLY_LOST),
        f"{LISTS}a_list_is_placed_once_whatever_its_request_meets_and_no_event_comes",
    ),
    Fate.LATE: seen(
        "adopted if its fence was open, else placed anew once",
        _fated("place_list", Fate.LATE),
        f"{LISTS}a_list_is_placed_once_whatever_its_request_meets_and_no_event_comes",
    ),
    Fate.REPEATED: seen(
        "one list: the exchange takes no second one under the same ids",
        f"{LISTS}a_list_whose_request_arrives_twice_is_one_list",
        "test_order_lists.py::test_a_duplicate_of_a_list_that_may_have_left_before_is_adopted",
    ),
    Fate.REFUSED: seen(
        "rejected whole, with the reason",
        "test_order_lists.py::test_a_refused_list_is_rejected_whole_with_the_reason",
    ),
}
AMEND: Final[Row] = {
    Fate.CRASH_BEFORE: seen(
        "asked until its fence has passed; then it is void and the bot decides anew",
        _fated("amend", Fate.CRASH_BEFORE),
        f"{MOVES}buys_the_smaller_quantity_whenever_the_power_fails",
    ),
    Fate.CRASH_AFTER: seen(
        "asked how it stands: smaller, with its id and its place",
        _fated("amend", Fate.CRASH_AFTER),
        f"{MOVES}buys_the_smaller_quantity_whenever_the_power_fails",
    ),
    Fate.REPLY_LOST: seen(
        "found by asking",
        _fated("amend", Fate.REPLY_LOST),
        "test_moving.py::test_an_amend_whose_reply_was_lost_is_found_by_asking",
    ),
    Fate.LATE: seen(
        "the quantity is absolute and only shrinks: late makes it what was wanted",
        _fated("amend", Fate.LATE),
        f"{MOVES}buys_the_smaller_quantity_whatever_becomes_of_the_amend",
    ),
    Fate.REPEATED: seen(
        "the second is refused and asked after: the first was accepted",
        _fated("amend", Fate.REPEATED),
        f"{MOVES}buys_the_smaller_quantity_when_the_amend_arrives_twice",
    ),
    Fate.REFUSED: seen(
        "void, with the reason: canceled, and a smaller order placed",
        _fated("amend", Fate.REFUSED),
        "test_moving.py::test_an_amend_that_comes_to_nothing_is_a_cancel_and_a_smaller_order",
    ),
}


def _as(usual: Row, name: str, **others: str) -> Row:
    """Answer a row of a kind of call: with a story of its own, and an outcome where it differs."""
    told = {fate: others.get(fate.name.lower(), usual[fate].outcome) for fate in Fate}
    return {fate: seen(told[fate], *_proven(usual, name, fate)) for fate in Fate}


def _proven(usual: Row, name: str, fate: Fate) -> tuple[str, ...]:
    untold = name.startswith("place") and fate in {Fate.REPEATED, Fate.REFUSED}
    return usual[fate].tests if untold else (_fated(name, fate),)


RESTS: Final = (
    "looked for, then canceled by its id to ask the matching engine itself, then placed under a "
    "new one"
)
PLACE_LIMIT: Final = _as(PLACE, "place LIMIT", crash_before=RESTS)
PLACE_STOP: Final = _as(PLACE, "place STOP_LOSS", crash_before=RESTS)
CANCEL_LIST: Final = _as(
    CANCEL,
    "cancel of a list",
    crash_after="asked how each of its orders stands: the exchange ended them all",
)
PLACE_OTO: Final = _as(PLACE_LIST, "place_list OTO")
PLACE_OTOCO: Final = _as(PLACE_LIST, "place_list OTOCO")
ORPHANS: Final = "ownership/test_orphans.py::test_orphans_are_canceled_"
ANY_FAULT: Final = f"{ORPHANS}whatever_becomes_of_the_first_cancels"
CANCEL_ORPHAN: Final[Row] = {
    Fate.CRASH_BEFORE: seen(
        "found again at the next start, and canceled under a new intent",
        f"{ORPHANS}by_announced_cancels_whenever_the_power_fails",
    ),
    Fate.CRASH_AFTER: seen(
        "found gone at the next start, and told with its end",
        f"{ORPHANS}by_announced_cancels_whenever_the_power_fails",
    ),
    Fate.REPLY_LOST: seen("asked for until it is known to be gone", ANY_FAULT),
    Fate.LATE: seen("canceled once, by it or by the cancel after it", ANY_FAULT),
    Fate.REPEATED: seen(
        'a cancel is sent once; another answers "Unknown order sent.", and its end is asked for',
        f"{CLIENT}a_connection_that_drops_under_a_change_is_unknown_and_sent_once",
        f"{ORPHANS}in_bad_weather_and_after_two_cuts",
    ),
    Fate.REFUSED: seen("canceled again later", ANY_FAULT),
}
USER_STREAM: Final[Row] = {
    Fate.CRASH_BEFORE: seen(
        "the snapshot of the next start has what the event would have said",
        "test_resumption.py::test_names_what_was_filled_meanwhile",
        f"{ENDS}a_stop_that_triggered_while_nobody_ran_is_found_as_it_ended",
    ),
    Fate.CRASH_AFTER: seen(
        "an event that was heard and not saved is asked for again",
        f"{LIVES}a_stop_that_triggers_sells_once_whenever_the_power_fails",
    ),
    Fate.REPLY_LOST: seen(
        "a lost event costs one poll; a lost stream is subscribed again and asked after",
        "test_mirror.py::test_a_lost_event_delays_by_one_poll_at_most",
        f"{STREAM}subscribes_again_after_every_loss",
    ),
    Fate.LATE: seen(
        "final stays final, and no quantity ever shrinks",
        "test_mirror.py::test_final_stays_final_and_no_quantity_ever_shrinks",
    ),
    Fate.REPEATED: seen(
        "each trade counts once",
        "test_orders.py::test_a_trade_that_is_told_twice_counts_once",
        "test_mirror.py::test_any_order_and_any_repetition_of_the_same_messages_ends_the_same",
    ),
    Fate.REFUSED: seen(
        "subscribed again and again, by polls meanwhile",
        f"{STREAM}tries_again_where_the_subscription_is_refused",
    ),
}
QUOTES: Final[Row] = {
    Fate.CRASH_BEFORE: seen(
        "a decision by price is saved before it is acted on",
        "test_trailing_lives.py::test_sells_once_by_a_mark_that_was_saved_whenever_the_power_fails",
    ),
    Fate.CRASH_AFTER: seen(
        "a peak that was slept through is looked up in the candles",
        "test_trailing.py::test_a_peak_that_was_slept_through_counts",
    ),
    Fate.REPLY_LOST: seen(
        "subscribed again; a price older than ten seconds is asked for",
        f"{MARKET}subscribes_everything_again_after_a_loss",
        "test_desk.py::test_the_price_comes_from_the_stream_while_it_is_young_and_is_asked_for_"
        "after",
    ),
    Fate.LATE: seen(
        "a quote grows old, and no stop is judged by a price of yesterday",
        "test_quotes.py::test_a_quote_grows_old",
        f"{ENDS}a_stop_is_not_judged_by_a_price_of_yesterday",
    ),
    Fate.REPEATED: seen(
        "an alarm rings once",
        "test_quotes.py::test_an_alarm_rings_once_and_exactly_when_its_bound_is_reached",
    ),
    Fate.REFUSED: seen(
        "a symbol that is refused disturbs no other",
        f"{MARKET}a_refused_symbol_disturbs_no_other",
    ),
}
FAREWELL: Final = "nothing rests on it: a stop is a crash"
CLOSE: Final[Row] = {
    fate: seen(
        FAREWELL, "test_processes.py::test_no_order_is_lost_or_doubled_by_kills_at_any_moment"
    )
    for fate in (Fate.CRASH_BEFORE, Fate.CRASH_AFTER)
} | {
    fate: seen(FAREWELL, f"{STREAM}closes_within_a_second")
    for fate in (Fate.REPLY_LOST, Fate.LATE, Fate.REPEATED, Fate.REFUSED)
}
LIVE_MARKET: Final = "simulator_server/test_live_market.py::test_"
AS_IT_WAS: Final = (
    "the rules of an earlier life hold until the market answers",
    f"{LIVE_MARKET}without_a_network_the_rules_of_an_earlier_life_hold_and_the_market_returns",
)
PUBLIC_MARKET: Final[Row] = {
    Fate.CRASH_BEFORE: seen(*AS_IT_WAS),
    Fate.CRASH_AFTER: seen(*AS_IT_WAS),
    Fate.REPLY_LOST: seen(
        "the book stands still and nothing is placed; then a snapshot heals the gap",
        f"{LIVE_MARKET}while_the_feed_is_lost_the_book_stands_still_and_nothing_is_placed",
        "binance/test_public_market.py::test_a_market_that_is_not_there_is_unavailable",
    ),
    Fate.LATE: seen(
        "a trade from before the snapshot is not shown",
        "simulator/test_live_market.py::test_a_trade_from_before_the_snapshot_is_not_shown",
    ),
    Fate.REPEATED: seen(
        "a trade that comes twice is shown once",
        "simulator/test_live_market.py::test_a_trade_that_comes_over_two_connections_is_shown_once",
    ),
    Fate.REFUSED: seen(
        "nothing is asked until the exchange allows it",
        "binance/test_public_market.py::"
        "test_who_asked_too_much_falls_silent_until_the_exchange_said",
    ),
}
ASKED: Final[Mapping[Fate, str]] = {
    Fate.CRASH_BEFORE: "asked in the next life",
    Fate.CRASH_AFTER: "asked again in the next life",
    Fate.REPLY_LOST: "asked again with back-off; no answer proves nothing",
    Fate.LATE: "an answer eight seconds old takes nothing back",
    Fate.REPEATED: "changes nothing",
    Fate.REFUSED: "limited: asked again when the exchange allows it",
}


def _question(name: str) -> Row:
    return {fate: seen(outcome, _fated(name, fate)) for fate, outcome in ASKED.items()}


TABLE: Final[Mapping[str, Row]] = {
    "place": PLACE,
    "place LIMIT": PLACE_LIMIT,
    "place STOP_LOSS": PLACE_STOP,
    "cancel": CANCEL,
    "cancel of a list": CANCEL_LIST,
    "cancel of an orphan": CANCEL_ORPHAN,
    "place_list": PLACE_LIST,
    "place_list OTO": PLACE_OTO,
    "place_list OTOCO": PLACE_OTOCO,
    "amend": AMEND,
    **{name: _question(name) for name in QUESTIONS},
    "watch_user": USER_STREAM,
    "watch_quotes": QUOTES,
    "close": CLOSE,
    "public_market": PUBLIC_MARKET,
}
"""At least one row for each method of `lib.exchange.Venue`, by its name and its kind."""


def method_of(name: str) -> str:
    """Answer the method that a row is about."""
    return name.partition(" ")[0]


def named_tests() -> set[str]:
    """Every test that the page names, as pytest does: file, two colons, name."""
    cells = (cell for row in TABLE.values() for cell in row.values())
    return {f"tests/{test}" for cell in cells for test in cell.tests}


def write() -> str:
    """Write the page: what is seen at a glance, then the proofs."""
    head = ["", *Fate]
    lines = [_row(head), _row(["---"] * len(head))]
    lines += [
        _row([f"[{name}](#{_anchor(name)})", *(row[fate].outcome for fate in Fate)])
        for name, row in TABLE.items()
    ]
    table = "\n".join(lines)
    return "\n".join([INTRODUCTION, f"{table}\n", "# Proofs\n", *_proofs()])


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _proofs() -> Iterator[str]:
    for name, row in TABLE.items():
        rows = "\n".join(_row([fate, "<br>".join(_quoted(row[fate]))]) for fate in Fate)
        yield f"## {name}\n\n| | below tests/ |\n|---|---|\n{rows}\n"


def _quoted(cell: Cell) -> Iterator[str]:
    return (f"`{test}`" for test in cell.tests)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(write(), encoding="utf-8")
