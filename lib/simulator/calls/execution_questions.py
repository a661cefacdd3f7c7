"""GET executionRules, referencePrice and referencePrice/calculation."""

from collections.abc import Mapping
from typing import Final

from lib.simulator.calls.answers import Body
from lib.simulator.calls.choice import Choice, count_symbols
from lib.simulator.calls.routes import Call, Routes, public
from lib.simulator.engine.execution_rules import shown_rules
from lib.simulator.engine.market import Market
from lib.simulator.engine.reference_price import MEAN
from lib.simulator.refusals import bad_combination, no_reference_price
from lib.simulator.units import write

CHOICES: Final = ("symbol", "symbols", "symbolStatus")
WEIGHT: Final = 2
MOST_WEIGHT: Final = 40


class ExecutionQuestions:
    """Answers how far from which price a taker may trade."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice

    def routes(self) -> Routes:
        """List the calls that are answered here."""
        return {
            "GET executionRules": public(self.rules, _weigh_rules, *CHOICES),
            "GET referencePrice": public(self.price, WEIGHT, "symbol"),
            "GET referencePrice/calculation": public(
                self.calculation, WEIGHT, "symbol", "symbolStatus"
            ),
        }

    def rules(self, call: Call) -> Body:
        """Answer GET /executionRules for one symbol, some, those of a status, or all."""
        found = [
            {
                "symbol": market.rules.symbol,
                "rules": shown_rules(market.rules.execution.ranges),
            }
            for market in self._chosen(call.params)
        ]
        return {"symbolRules": found}

    def price(self, call: Call) -> Body:
        """Answer GET /referencePrice. Raise -2043 if there never was one."""
        market = self._choice.one(call.params)
        reference = market.reference
        if not reference.ever:
            raise no_reference_price()
        price = reference.price(call.now)
        return {
            "symbol": market.rules.symbol,
            "referencePrice": None if price is None else write(price),
            "timestamp": call.now,
        }

    def calculation(self, call: Call) -> Body:
        """Answer GET /referencePrice/calculation. Raise -2043 if nothing is calculated."""
        market = self._choice.one(call.params)
        found = market.reference.calculation
        if found is None:
            raise no_reference_price()
        body: Body = {"symbol": market.rules.symbol, "calculationType": found.kind}
        if found.kind == MEAN:
            return body | {"bucketCount": found.bucket_count, "bucketWidthMs": found.bucket_width}
        return body | {"externalCalculationId": found.external_id}

    def _chosen(self, params: Mapping[str, str]) -> list[Market]:
        if sum(name in params for name in CHOICES) > 1:
            raise bad_combination()
        return self._choice.some(params)


def _weigh_rules(params: Mapping[str, str]) -> int:
    """Give what a question weighs by the symbols it names; naming none weighs most."""
    return min(WEIGHT * count_symbols(params) or MOST_WEIGHT, MOST_WEIGHT)
