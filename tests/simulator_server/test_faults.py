from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from lib.simulator.server import faults
from lib.simulator.server.fault_log import FaultLog
from lib.simulator.server.faults import EventLane, Fault, FaultKind, FaultPlan, Rule

EVENTS: list[dict[str, Any]] = [{"e": "executionReport", "I": number} for number in range(4)]


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_and_questions_give_the_same_faults(seed: int) -> None:
    rule = Rule(fault=faults.lose_reply(), one_in=3)

    first, second = (FaultPlan(seed, [rule]) for _ in range(2))

    assert _hits(first, 200) == _hits(second, 200)
    assert _hits(FaultPlan(seed, [rule]), 200) != _hits(FaultPlan(seed + 100, [rule]), 200)


def test_one_in_three_is_hit_about_a_third_of_the_time() -> None:
    plan = FaultPlan(7, [Rule(fault=faults.lose_request(), one_in=3)])

    assert 250 < sum(_hits(plan, 1_000)) < 420


def test_a_rule_lets_some_pass_first_and_is_spent_after_its_times() -> None:
    plan = FaultPlan(0, [Rule(fault=faults.lose_reply(), skip=2, times=1)])

    assert _hits(plan, 5) == [False, False, True, False, False]


def test_a_rule_meets_only_what_it_names() -> None:
    plan = FaultPlan(0, [Rule(fault=faults.backend_timeout(), method="POST", path="*/order")])

    assert plan.for_request("GET", "/api/v3/order") is None
    assert plan.for_request("POST", "/api/v3/order/test") is None
    assert plan.for_request("POST", "/api/v3/order") == faults.backend_timeout()
    assert plan.for_event("executionReport") is None


def test_the_first_rule_that_hits_wins() -> None:
    plan = FaultPlan(
        0,
        [Rule(fault=faults.lose_reply(), path="/other"), Rule(fault=faults.lose_request())],
    )
    plan.add(Rule(fault=faults.lose_reply()))

    assert plan.for_request("POST", "/api/v3/order") == faults.lose_request()


def test_a_plan_without_rules_disturbs_nothing() -> None:
    plan = FaultPlan(0, [Rule(fault=faults.lose_reply())])
    plan.clear()

    assert plan.for_request("POST", "/api/v3/order") is None
    assert list(plan.rules) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "refuse"},
        {"kind": "lose_reply", "status": 500},
        {"kind": "delay_request", "delay_ms": -1},
        {"kind": "unheard_of"},
        {"kind": "lose_reply", "unknown": 1},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fault: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(fault)


def test_every_fault_of_a_request_says_whether_the_exchange_acts() -> None:
    accepted = [faults.lose_reply(), faults.delay_reply(1), faults.bus_unexpected()]
    refused = [faults.lose_request(), faults.refuse_too_many(1), faults.refuse_banned(1)]

    assert all(fault.accepted for fault in accepted)
    assert not any(fault.accepted for fault in refused)


@pytest.mark.parametrize("seed", range(3))
def test_a_percent_is_a_hundredth_of_the_time(seed: int) -> None:
    plan = FaultPlan(seed, [Rule(fault=faults.lose_request(), percent=10)])

    assert 60 < sum(_hits(plan, 1_000)) < 150


def test_a_rule_holds_from_its_beginning_until_before_its_end() -> None:
    rule = Rule.model_validate({
        "fault": {"kind": "lose_reply"},
        "begins": "2026-11-21T12:00:00Z",
        "ends": "2026-11-21T12:05",
    })
    noon = 1_795_262_400_000

    struck = [_at(rule, noon + after) for after in (-1, 0, 299_999, 300_000)]

    assert (rule.begins, rule.ends) == (noon, noon + 300_000)
    assert struck == [False, True, True, False]


@pytest.mark.parametrize("moment", ["soon", "2026-13-01", "12:00"])
def test_a_time_that_cannot_be_read_makes_no_rule(moment: str) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate({"fault": {"kind": "lose_reply"}, "begins": moment})


def test_the_log_says_what_struck_when_and_by_which_rule() -> None:
    plan = FaultPlan(0, [Rule(fault=faults.lose_reply(), skip=1, times=1)])
    plan.clock = lambda: 1_234
    params = {"symbol": "BTCUSDT", "signature": "s", "apiKey": "k"}

    for _ in range(3):
        plan.for_request("POST", "/api/v3/order", params)

    assert plan.log.entries == [
        {
            "time": 1_234,
            "done": "lose_reply",
            "to": "POST /api/v3/order",
            "content": {"symbol": "BTCUSDT"},
            "rule": {"fault": {"kind": "lose_reply"}, "skip": 1, "times": 1},
        }
    ]


def test_an_event_that_was_struck_is_in_the_log_with_all_it_says() -> None:
    plan = FaultPlan(0, [Rule(fault=faults.drop_event(), times=1)])

    EventLane(plan).pass_on(EVENTS[0])

    (entry,) = plan.log.entries
    assert (entry["to"], entry["content"]) == ("executionReport", EVENTS[0])


def test_the_log_forgets_the_oldest_before_it_grows_too_long() -> None:
    log = FaultLog(length=3)

    for time in range(5):
        log.add(time, "drop_event", "executionReport", {})

    assert [entry["time"] for entry in log.entries] == [2, 3, 4]


@pytest.mark.parametrize("fault", [faults.cut_stream(), faults.freeze_stream()])
def test_who_has_no_connection_loses_the_event_that_was_lost_with_one(fault: Fault) -> None:
    lane = EventLane(FaultPlan(0, [Rule(fault=fault, times=1)]))

    assert lane.pass_on(EVENTS[0]) == []
    assert lane.pass_on(EVENTS[1]) == [(0, EVENTS[1])]


def test_a_rule_survives_being_written_as_json() -> None:
    rule = Rule(fault=faults.refuse_too_many(3), method="POST", one_in=4, skip=1, times=2)

    assert Rule.model_validate_json(rule.model_dump_json()) == rule


@pytest.mark.parametrize(
    ("fault", "received"),
    [
        (faults.drop_event(), [0, 2, 3]),
        (faults.repeat_event(), [0, 1, 1, 2, 3]),
        (faults.swap_event(), [0, 2, 1, 3]),
    ],
)
def test_one_event_is_dropped_repeated_or_swapped(fault: Fault, received: list[int]) -> None:
    lane = EventLane(FaultPlan(0, [Rule(fault=fault, skip=1, times=1)]))

    passed = [sent["I"] for event in EVENTS for _, sent in lane.pass_on(event)]

    assert passed == received


def test_a_delayed_event_tells_how_long() -> None:
    lane = EventLane(FaultPlan(0, [Rule(fault=faults.delay_event(70), times=1)]))

    assert lane.pass_on(EVENTS[0]) == [(70, EVENTS[0])]
    assert lane.pass_on(EVENTS[1]) == [(0, EVENTS[1])]


@pytest.mark.parametrize("seed", range(10))
def test_swapped_and_repeated_events_all_arrive_in_the_end(seed: int) -> None:
    plan = FaultPlan(
        seed,
        [
            Rule(fault=faults.swap_event(), one_in=3),
            Rule(fault=faults.repeat_event(), one_in=3),
        ],
    )
    lane = EventLane(plan)
    events = [{"e": "executionReport", "I": number} for number in range(100)]

    arrived = Counter(sent["I"] for event in events for _, sent in lane.pass_on(event))
    plan.clear()
    arrived.update(sent["I"] for _, sent in lane.pass_on({"e": "end", "I": 100}))

    assert set(arrived) == set(range(101))


def test_every_kind_of_fault_befalls_either_requests_or_events() -> None:
    for kind in FaultKind:
        status = 500 if kind in {FaultKind.REFUSE, FaultKind.SPOIL_REPLY} else 0
        rule = Rule(fault=Fault(kind=kind, status=status))
        assert rule.meets_request("POST", "/x") != rule.meets_event("executionReport")


def _at(rule: Rule, now: int) -> bool:
    plan = FaultPlan(0, [rule])
    plan.clock = lambda: now
    return plan.for_request("POST", "/api/v3/order") is not None


def _hits(plan: FaultPlan, count: int) -> list[bool]:
    return [plan.for_request("POST", "/api/v3/order") is not None for _ in range(count)]
