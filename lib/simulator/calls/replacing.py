"""POST order/cancelReplace: a cancel and a new order, each with an outcome of its own.

Filters and counts are looked at before both. Then nothing is undone: a cancel stands although the
new order was refused.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from lib.simulator.calls.answers import Body
from lib.simulator.calls.canceling import Canceling, FindMarket, Wanted, read_wanted
from lib.simulator.calls.drafting import ORDER_NAMES
from lib.simulator.calls.parameters import required
from lib.simulator.calls.routes import Call, Routes, trading
from lib.simulator.calls.trading import Draft, Trading
from lib.simulator.engine.floor import Floor
from lib.simulator.refusals import Refusal, invalid, rejected

MODES: Final = frozenset({"STOP_ON_FAILURE", "ALLOW_FAILURE"})
EXCEEDED_MODES: Final = frozenset({"DO_NOTHING", "CANCEL_ONLY"})

Result = Literal["SUCCESS", "FAILURE", "NOT_ATTEMPTED"]


class Outcome(NamedTuple):
    """What became of one of the two steps."""

    result: Result
    response: Body | None

    @property
    def succeeded(self) -> bool:
        return self.result == "SUCCESS"


NOT_ATTEMPTED: Final = Outcome("NOT_ATTEMPTED", None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for."""

    draft: Draft
    wanted: Wanted
    stops_on_failure: bool
    too_many: Refusal | None  # why only the cancel may happen


class Failed(Refusal):
    """One step or both have failed; the answer carries both outcomes."""

    def __init__(
        self, canceled: Outcome, placed: Outcome, *, too_many: Refusal | None = None
    ) -> None:
        half = canceled.succeeded or placed.succeeded
        code, part = (-2021, "partially failed.") if half else (-2022, "failed.")
        status, headers = 409 if half else 400, None
        if too_many is not None:
            status, headers = too_many.status, too_many.headers
        super().__init__(code, f"Order cancel-replace {part}", status=status, headers=headers)
        self._outcomes = told(canceled, placed)

    @property
    def body(self) -> dict[str, Any]:
        return {**super().body, "data": self._outcomes}


class Replacing:
    """Replaces orders for verified accounts."""

    def __init__(
        self, floor: Floor, find_market: FindMarket, *, placing: Trading, canceling: Canceling
    ) -> None:
        self._floor = floor
        self._find_market = find_market
        self._placing = placing
        self._canceling = canceling

    def routes(self) -> Routes:
        """List the call that is answered here."""
        names = (
            "cancelReplaceMode",
            "cancelOrderId",
            "cancelOrigClientOrderId",
            "cancelNewClientOrderId",
            "cancelRestrictions",
            "orderRateLimitExceededMode",
        )
        return {"POST order/cancelReplace": trading(self.replace, *ORDER_NAMES, *names)}

    def replace(self, call: Call) -> Body:
        """Answer POST /order/cancelReplace. Raise `Failed` unless both steps succeed."""
        plan = self._read(call)
        now = self._placing.forward(call)
        canceled = self._cancel(plan, call, now)
        placed = self._place(plan, now, canceled=canceled)
        if canceled.succeeded and placed.succeeded:
            return told(canceled, placed)
        raise Failed(canceled, placed, too_many=plan.too_many if plan.stops_on_failure else None)

    def _read(self, call: Call) -> Plan:
        """Read what is asked for and look at filters and counts."""
        params = call.params
        market = self._find_market(params)
        mode = required(params, "cancelReplaceMode")
        if mode not in MODES:
            raise invalid("cancelReplaceMode")
        exceeded_mode = params.get("orderRateLimitExceededMode", "DO_NOTHING")
        if exceeded_mode not in EXCEEDED_MODES:
            raise invalid("orderRateLimitExceededMode")
        names = ("cancelOrderId", "cancelOrigClientOrderId", "cancelNewClientOrderId")
        wanted = read_wanted(params, *names)
        if not market.rules.replaceable:
            raise rejected("Order cancel-replace is not supported for this symbol.")
        draft = self._placing.draft(call)
        too_many = self._count(call, exceeded_mode)
        self._refuse_counts(draft)
        return Plan(draft, wanted, mode == "STOP_ON_FAILURE", too_many)

    def _count(self, call: Call, exceeded_mode: str) -> Refusal | None:
        """Count the new order. Raise if there were too many, unless the cancel may go on alone."""
        try:
            self._floor.limits.count_order(call.owner.name, call.now)
        except Refusal as refusal:
            if exceeded_mode == "DO_NOTHING":
                raise
            return refusal
        return None

    def _refuse_counts(self, draft: Draft) -> None:
        """Raise for a count filter, which still counts the order that is to be canceled."""
        try:
            draft.market.refuse_count(draft.order)
        except Refusal as refusal:
            if self._floor.options.replace_filter_answer == "plain":
                raise
            failed = Outcome("FAILURE", refusal.body)
            raise Failed(failed, failed) from refusal

    def _cancel(self, plan: Plan, call: Call, now: int) -> Outcome:
        try:
            answer = self._canceling.withdraw(plan.draft.market, call.owner, plan.wanted, now)
        except Refusal as refusal:
            return Outcome("FAILURE", refusal.body)
        return Outcome("SUCCESS", answer)

    def _place(self, plan: Plan, now: int, *, canceled: Outcome) -> Outcome:
        if not canceled.succeeded and plan.stops_on_failure:
            return NOT_ATTEMPTED
        if plan.too_many is not None:
            return Outcome("FAILURE", plan.too_many.body)
        try:
            return Outcome("SUCCESS", self._placing.take(plan.draft, now))
        except Refusal as refusal:
            if canceled.succeeded or self._floor.options.announce_refusals:
                self._placing.announce(plan.draft.order, refusal, now)
            return Outcome("FAILURE", refusal.body)


def told(canceled: Outcome, placed: Outcome) -> Body:
    return {
        "cancelResult": canceled.result,
        "newOrderResult": placed.result,
        "cancelResponse": canceled.response,
        "newOrderResponse": placed.response,
    }
