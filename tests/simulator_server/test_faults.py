from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from lib.simulator import faults
from lib.simulator.faults import EventLane, Fault, FaultKind, FaultPlan, Rule

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


def _hits(plan: FaultPlan, count: int) -> list[bool]:
    return [plan.for_request("POST", "/api/v3/order") is not None for _ in range(count)]
