"""A plan of faults some of which do not strike: for who looks for the shortest story."""

from collections.abc import Iterable, Mapping
from typing import Any

from lib.simulator.server.faults import Fault, FaultPlan, Rule


class SparingPlan(FaultPlan):
    """Numbers the faults that strike, and spares those whose number is in `spared`."""

    def __init__(self, seed: int, rules: Iterable[Rule], *, spared: frozenset[int]) -> None:
        super().__init__(seed, rules)
        self.struck = 0
        self._spared = spared

    def for_request(
        self, method: str, path: str, params: Mapping[str, str] | None = None
    ) -> Fault | None:
        return self._unless_spared(super().for_request(method, path, params))

    def for_event(self, event: str, content: Mapping[str, Any] | None = None) -> Fault | None:
        return self._unless_spared(super().for_event(event, content))

    def _unless_spared(self, fault: Fault | None) -> Fault | None:
        if fault is None:
            return None
        self.struck += 1
        return None if self.struck in self._spared else fault
