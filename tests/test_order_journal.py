"""The journal says what happened, also after every cut; and nothing depends on it."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lib.errors import OutcomeUnknown
from lib.exchange import Fill, OrderRecord, OrderStatus
from lib.ids import make_id
from lib.journal.known import Known
from lib.journal.order_journal import ENDED_MAX, OrderJournal
from lib.journal.rows import Entry, Happening, Row, row_of
from lib.life import Standing
from lib.orders import Order, OrderState, absorb
from lib.redaction import Redactor
from tests.control.folder import BIRTH, TAG, generation
from tests.control.folder import order as any_order
from tests.journaled_world import JournaledWorld
from tests.test_dip_buyer import CONF
from tests.world import CALM, Luck, every_life, live, pairs_of_cuts

ID = make_id(installation=TAG, bot="lisa", birth=BIRTH, counter=1, leg="a")
OTHER_ID = make_id(installation=TAG, bot="lisa", birth=BIRTH, counter=2, leg="a")
AMEND_ID = make_id(installation=TAG, bot="lisa", birth=BIRTH, counter=4, leg="d")
LIST_ID = make_id(installation=TAG, bot="lisa", birth=BIRTH, counter=5, leg="b")
CANCEL_ID = make_id(installation=TAG, bot="lisa", birth=BIRTH, counter=3, leg="c")
NOW = 1_700_000_000_500


class Notes:
    """A journal whose entries are kept as rows; a key known already adds none."""

    def __init__(self, redact: Callable[[str], str] = str) -> None:
        self.offered: list[Entry] = []
        self._redact = redact
        self.lost: list[str] = []
        self.journal = OrderJournal(self, lambda: NOW, wall_ms=lambda: NOW)
        self.journal.connect(venue="paper", account="7", installation=TAG, rules={})

    def offer(self, entry: Entry) -> None:
        self.offered.append(entry)

    def lose(self, at: int, why: str) -> None:
        self.lost.append(why)

    @property
    def rows(self) -> list[Row]:
        rows = [row_of(entry, self._redact) for entry in self.offered]
        first: dict[str, Row] = {}
        return [row for row in rows if row.key is None or first.setdefault(row.key, row) is row]

    @property
    def events(self) -> list[str]:
        return [row.event for row in self.rows]


def fill(trade_id: int, quantity: str = "0.01") -> Fill:
    amount = Decimal(quantity)
    return Fill(
        trade_id=trade_id,
        price=Decimal(60_000),
        quantity=amount,
        quote=amount * 60_000,
        commission=Decimal("0.00001"),
        commission_asset="BNB",
        time=NOW - 100,
    )


def record(status: str = "NEW", executed: str = "0", *fills: Fill, **facts: Any) -> OrderRecord:
    return replace(
        OrderRecord(
            symbol="BTCUSDT",
            order_id=12,
            client_order_id=ID,
            side="BUY",
            type="LIMIT",
            status=OrderStatus(status),
            price=Decimal(60_000),
            quantity=Decimal("0.01"),
            executed=Decimal(executed),
            executed_quote=Decimal(executed) * 60_000,
            updated_at=NOW - 50,
            fills=fills,
        ),
        **facts,
    )


def order(state: OrderState, **facts: Any) -> Order:
    return any_order(state, **{"id": ID, **facts})


def filled(**facts: Any) -> Order:
    return order(
        OrderState.FILLED,
        order_id=12,
        executed=Decimal("0.01"),
        executed_quote=Decimal(600),
        fills=[fill(3)],
        ended_at=NOW - 50,
        **facts,
    )


# --- what is in it


def test_tells_the_whole_story_of_an_order_in_its_order(tmp_path: Path) -> None:
    world = live(JournaledWorld(1, CONF, CALM, folder=tmp_path))

    stories: dict[str, list[str]] = {}
    for row in sorted(world.rows("journal"), key=lambda row: row.client_order_id):
        stories.setdefault(row.client_order_id, []).append(row.event)
    bought = [ids for ids, story in stories.items() if "fill" in story]
    assert bought
    for client_order_id in bought:
        story = stories[client_order_id]
        assert story[:3] == ["intent", "sent", "reply"] or story[:3] == ["intent", "sent", "heard"]
        assert story[-1] == "result"
        assert set(story) <= {"intent", "sent", "reply", "heard", "fill", "result"}
    world.check()


def test_every_row_says_whose_order_it_is_and_where(tmp_path: Path) -> None:
    world = live(JournaledWorld(1, CONF, CALM, folder=tmp_path))

    for row in world.rows("journal"):
        assert (row.bot, row.algorithm, row.venue) == ("dip", "dip_buyer.bot", "world")
        assert (row.account, row.symbol) == ("4711", "BTCUSDT")
        assert (row.base_asset, row.quote_asset) == ("BTC", "USDT")
        assert not row.learned


def test_the_timeframe_is_the_one_that_the_conf_names() -> None:
    notes = Notes()

    notes.journal.learn(generation("lisa", filled(), conf={"interval": "15m"}))

    assert {row.timeframe for row in notes.rows} == {"15m"}


def test_a_comment_on_a_plan_is_in_every_row_of_its_order() -> None:
    notes = Notes()
    commented = order(OrderState.OPEN, comment="the breakout of the morning")

    notes.journal.announced("lisa", [(Happening.INTENT, commented)])
    notes.journal.heard(record("FILLED", "0.01", fill(3)))

    assert {row.comment for row in notes.rows} == {"the breakout of the morning"}


def test_no_secret_reaches_a_row() -> None:
    notes = Notes(Redactor().redact)
    secret = "signature=0123456789abcdef0123456789abcdef"

    notes.journal.note(
        Happening.REPLY, "lisa", order(OrderState.OPEN, comment=secret), reason=f"GET ?{secret}"
    )

    assert "0123456789abcdef" not in str(notes.rows)
    assert "<redacted>" in notes.rows[0].reason
    assert "<redacted>" in notes.rows[0].comment


def test_amounts_are_exact_texts_without_exponents() -> None:
    notes = Notes()

    notes.journal.heard(record("FILLED", "0.01", fill(3), price=Decimal("6E+4")))

    heard, booked = notes.rows
    assert (heard.price, heard.executed, heard.average_price) == ("60000", "0.01", "60000")
    assert (booked.fee, booked.fee_asset, booked.fill_quote) == ("0.00001", "BNB", "600")


def test_the_order_of_another_program_is_none_of_our_business() -> None:
    notes = Notes()

    notes.journal.heard(record("FILLED", "0.01", fill(3), client_order_id="web_1a2b3c"))
    notes.journal.heard(record("NEW", client_order_id=ID.replace(TAG, "bbbbbb")))

    assert notes.rows == []


def test_a_poll_that_tells_nothing_new_adds_no_row() -> None:
    notes = Notes()
    part = record("PARTIALLY_FILLED", "0.004", fill(3, "0.004"))

    for told in (record(), part, record(), part, record("NEW"), part):
        notes.journal.heard(told)

    assert [entry.happening for entry in notes.offered] == ["heard", "heard", "fill"]


def test_events_that_come_after_the_end_add_no_row() -> None:
    notes = Notes()
    notes.journal.note(Happening.REPLY, "lisa", filled(), record=record("FILLED", "0.01", fill(3)))
    notes.journal.ended("lisa", filled())

    notes.journal.heard(record())
    notes.journal.heard(record("FILLED", "0.01", fill(3)))

    assert notes.events == ["reply", "fill", "result"]


def test_what_ended_long_ago_is_forgotten_by_the_process() -> None:
    notes = Notes()

    for number in range(3 * ENDED_MAX):
        notes.journal.ended("lisa", filled(id=f"{ID[:-7]}{number:06x}a"))

        notes.journal.given_up("lisa", order(OrderState.IN_DOUBT, id=f"{ID[:-7]}{number:06x}c"))

    assert len(notes.journal._known) <= ENDED_MAX


def test_a_state_is_told_with_the_one_before_it() -> None:
    notes = Notes()
    sent = order(OrderState.SUBMITTING)

    notes.journal.announced("lisa", [(Happening.INTENT, sent)])
    notes.journal.note(Happening.DOUBT, "lisa", sent, after=OrderState.IN_DOUBT)
    notes.journal.found("lisa", sent, record())
    notes.journal.ended("lisa", filled())

    steps = [(row.event, row.state_before, row.state_after) for row in notes.rows]
    assert steps == [
        ("intent", "planned", "submitting"),
        ("in doubt", "submitting", "in doubt"),
        ("found", "in doubt", "open"),
        ("fill", "open", "filled"),
        ("result", "filled", "filled"),
    ]


@pytest.mark.asyncio
async def test_a_request_without_an_answer_is_journaled_and_its_error_goes_on() -> None:
    notes = Notes()

    async def lost() -> OrderRecord:
        raise OutcomeUnknown("the connection was lost")

    with pytest.raises(OutcomeUnknown):
        await notes.journal.placing("lisa", order(OrderState.SUBMITTING), lost())

    assert notes.events == ["sent", "reply"]
    assert notes.rows[1].state_after == "in doubt"
    assert notes.rows[1].reason == "OutcomeUnknown: the connection was lost"


def test_an_intent_is_none_before_it_is_on_disk() -> None:
    notes = Notes()
    planned = order(OrderState.SUBMITTING)

    notes.journal.expect(Happening.INTENT, "lisa", planned)
    saving = notes.journal.expected("lisa")
    assert notes.rows == []
    notes.journal.announced("lisa", saving)

    assert notes.events == ["intent"]
    assert notes.journal.expected("lisa") == []


def amending(**facts: Any) -> Order:
    wish = {"amend_id": AMEND_ID, "amend_to": Decimal("0.008"), "amends": [Decimal("0.008")]}
    return order(OrderState.AMENDING, order_id=12, **{**wish, **facts})


@pytest.mark.asyncio
async def test_an_amend_is_settled_once_a_save_holds_the_smaller_order() -> None:
    notes = Notes()
    shrinking = amending()

    async def answer() -> OrderRecord:
        return record("NEW", quantity=Decimal("0.008"))

    notes.journal.announced("lisa", [(Happening.AMEND_INTENT, shrinking)])
    absorb(shrinking, await notes.journal.amending("lisa", shrinking, answer()))
    notes.journal.announced("lisa", [])
    notes.journal.announced("lisa", [])

    assert notes.events == ["amend intent", "amend sent", "amend reply", "amend settled"]
    assert {row.amend_id for row in notes.rows} == {AMEND_ID}
    assert {row.amend_quantity for row in notes.rows} == {"0.008"}
    assert [row.amended_quantity for row in notes.rows] == [None, None, "0.008", "0.008"]
    assert notes.rows[-1].state_after == "open"


def test_an_amend_without_an_answer_is_in_doubt_once_and_its_end_says_why_it_came_to_nothing() -> (
    None
):
    notes = Notes()
    shrinking = amending()

    for _ in range(3):
        notes.journal.amend_doubted("lisa", shrinking)
        notes.journal.announced("lisa", [])
    shrinking.state, shrinking.amend_to = OrderState.OPEN, None
    shrinking.amend_refused = "it never arrived"
    notes.journal.announced("lisa", [])

    assert [entry.happening for entry in notes.offered] == ["amend in doubt", "amend settled"]
    assert notes.rows[-1].reason == "it never arrived"
    assert notes.rows[-1].amend_quantity == "0.008"


def test_an_order_that_ended_before_it_was_amended_says_so_before_its_result() -> None:
    notes = Notes()
    shrinking = amending()
    notes.journal.announced("lisa", [(Happening.AMEND_INTENT, shrinking)])

    absorb(shrinking, record("FILLED", "0.01", fill(3)))
    notes.journal.ended("lisa", shrinking)

    assert notes.events == ["amend intent", "amend settled", "fill", "result"]
    assert notes.rows[1].reason == "the order ended before it was amended"


def test_what_a_context_knows_of_an_amend_is_learned() -> None:
    notes = Notes()
    smaller = amending(amend_to=None, amended=Decimal("0.008"))
    smaller.state = OrderState.OPEN

    notes.journal.learn(generation("lisa", smaller))

    assert notes.events == ["intent", "amend intent", "amend settled"]
    assert {row.amend_quantity for row in notes.rows[1:]} == {"0.008"}
    assert all(row.learned for row in notes.rows)


def test_news_that_an_order_is_smaller_are_a_row_and_older_news_are_none() -> None:
    notes = Notes()
    notes.journal.announced("lisa", [(Happening.INTENT, order(OrderState.SUBMITTING))])
    smaller = record(quantity=Decimal("0.008"))

    for told in (record(), smaller, record(), smaller):
        notes.journal.heard(told)

    assert notes.events == ["intent", "heard", "heard"]
    assert [row.quantity for row in notes.rows] == ["0.01"] * 3
    assert [row.amended_quantity for row in notes.rows] == [None, None, "0.008"]


def test_every_row_of_a_leg_names_its_list_also_those_that_the_exchange_tells() -> None:
    notes = Notes()
    leg = order(OrderState.SUBMITTING, list_id=LIST_ID)

    notes.journal.announced("lisa", [(Happening.INTENT, leg)])
    notes.journal.heard(record("FILLED", "0.01", fill(3)))

    assert notes.events == ["intent", "heard", "fill"]
    assert {row.list_id for row in notes.rows} == {LIST_ID}


def test_what_is_learned_of_an_order_done_with_names_what_the_journal_had_of_it() -> None:
    notes = Notes()
    journaled = Known(comment="the dip", list_id=LIST_ID, ordered=Decimal("0.02"))

    notes.journal.relearn(record("FILLED", "0.01", fill(3)), journaled)

    assert {(row.comment, row.list_id) for row in notes.rows} == {("the dip", LIST_ID)}
    assert {(row.quantity, row.amended_quantity) for row in notes.rows} == {("0.02", "0.01")}


def test_a_note_that_cannot_be_made_is_counted_and_stops_nobody() -> None:
    class Broken(Notes):
        def offer(self, entry: Entry) -> None:
            raise ZeroDivisionError("a bug")

    notes = Broken()

    notes.journal.heard(record())
    notes.journal.ended("lisa", filled())

    assert notes.lost == ["ZeroDivisionError: a bug"] * 3  # heard, its fill, its end


# --- what is learned later


def test_what_a_context_knows_is_learned_and_marked_so() -> None:
    notes = Notes()
    canceling = order(OrderState.CANCELING, id=OTHER_ID, cancel_id=CANCEL_ID)

    notes.journal.learn(generation("lisa", filled(), canceling))

    assert notes.events == ["intent", "fill", "result", "intent", "cancel intent"]
    assert all(row.learned for row in notes.rows)
    assert notes.rows[1].at == NOW - 100


def test_learning_twice_adds_nothing() -> None:
    notes = Notes()
    known = generation("lisa", filled(), order(OrderState.REJECTED, id="", sends=0))

    notes.journal.learn(known)
    once = len(notes.rows)
    notes.journal.learn(known)

    assert once == 4
    assert len(notes.rows) == once


def test_a_context_that_cannot_be_read_hides_no_other() -> None:
    notes = Notes()
    broken = generation("bart", filled())
    broken.context["buy"]["quantity"] = "ten"

    for known in (broken, generation("lisa", filled())):
        notes.journal.learn(known)

    assert {row.bot for row in notes.rows} == {"lisa"}


def test_what_the_exchange_says_later_is_taken_though_it_was_noted_before() -> None:
    notes = Notes()
    whole = record("FILLED", "0.01", fill(3))
    notes.journal.heard(whole)
    lost = list(notes.offered)
    notes.offered.clear()

    notes.journal.relearn(whole)

    assert [entry.happening for entry in lost] == ["heard", "fill"]
    assert notes.events == ["heard", "fill"]
    assert all(row.learned for row in notes.rows)


# --- after every cut


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 4))]
)
def test_its_fills_are_those_of_the_exchange_whenever_the_power_fails(
    tmp_path: Path, seed: int
) -> None:
    for world in every_life(lambda: JournaledWorld(seed, CONF, folder=tmp_path)):
        world.check()
        assert world.standings == {"dip": Standing.FINISHED}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 102))
def test_its_fills_are_those_of_the_exchange_after_two_cuts_and_late_answers(
    tmp_path: Path, seed: int
) -> None:
    luck = Luck(query_lag_ms=2_500)
    for world in pairs_of_cuts(
        lambda: JournaledWorld(seed, CONF, luck, folder=tmp_path), seed, many=40
    ):
        world.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 202))
def test_a_queue_too_short_costs_rows_but_no_fill(tmp_path: Path, seed: int) -> None:
    gaps = 0
    for world in every_life(
        lambda: JournaledWorld(seed, CONF, folder=tmp_path, limit=12, slowness=90.0), stride=6
    ):
        world.check()
        gaps += sum(row.lost or 0 for row in world.asked_journal().gaps)
    assert gaps > 0


@pytest.mark.slow
def test_every_doubt_in_a_storm_is_journaled_with_its_end(tmp_path: Path) -> None:
    doubts = 0
    for seed in range(300, 306):
        world = live(JournaledWorld(seed, CONF, Luck(requests=3), folder=tmp_path))
        world.check()
        rows = world.rows("journal")
        doubted = {row.client_order_id for row in rows if row.event == "in doubt"}
        ended = {row.client_order_id for row in rows if row.event in {"found", "given up"}}
        assert doubted == ended
        doubts += len(doubted)
    assert doubts > 0


@pytest.mark.slow
def test_a_journal_that_was_lost_is_learned_again_from_the_exchange(tmp_path: Path) -> None:
    world = live(JournaledWorld(1, CONF, folder=tmp_path))
    trades = world.trades()
    for left in world.path.parent.iterdir():
        left.unlink()
    world.cut()

    assert world.live()

    assert trades
    assert world.journaled_trades() == trades
    assert all(row.learned for row in world.rows())
