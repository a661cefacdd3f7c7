"""How a price is confirmed before it counts: it must stay there for a time, or for so many ticks.

"confirm": "10s"       it is still there ten seconds later
"confirm": "3 ticks"   three updates of that price in a row have it there

A tick is news of the price that counts: a trade for `last`, a change of the best prices for `bid`
and `ask`. What arrives at once is one; a price that had to be asked for, as no stream brings it,
is one too.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError

from lib.amounts import plain
from lib.settings import DURATION_PATTERN, Worded, milliseconds

TICKS_PATTERN: Final = r"^[1-9][0-9]{0,2} ?ticks?$"
EXPECTED: Final = 'a duration like "10s", or a number of updates like "3 ticks", at most 999'


@dataclass(frozen=True, slots=True)
class Confirmation(Worded):
    """For how long a price must be there; at once if nothing is said."""

    duration: int = 0  # ms
    ticks: int = 0

    def __bool__(self) -> bool:
        """Say whether anything is asked for."""
        return bool(self.duration or self.ticks)

    def __str__(self) -> str:
        """Write it as a section would."""
        return f"{self.ticks} ticks" if self.ticks else f"{self.duration}ms"

    @property
    def words(self) -> str:
        """Say it for a person; empty if nothing is asked for."""
        if self.ticks:
            return "by a tick" if self.ticks == 1 else f"by {self.ticks} ticks"
        return f"for {plain(Decimal(self.duration) / 1000)} s" if self.duration else ""

    @classmethod
    def read(cls, value: object) -> Self:
        """Read what a section says. Raises PydanticCustomError, in words for a person."""
        if isinstance(value, cls):
            return value
        if isinstance(value, str) and re.fullmatch(TICKS_PATTERN, value):
            return cls(ticks=int(value.rstrip(" ticks")))
        try:
            return cls(duration=milliseconds(value))
        except PydanticCustomError as wrong:
            raise PydanticCustomError("confirmation", EXPECTED) from wrong

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        patterns = (DURATION_PATTERN, TICKS_PATTERN)
        texts = [{"type": "string", "pattern": each} for each in patterns]
        return {"anyOf": [{"type": "integer", "minimum": 0}, *texts], "description": EXPECTED}
