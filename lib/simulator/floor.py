"""What all markets of one exchange share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lib.simulator.books import Books
from lib.simulator.events import Announcer
from lib.simulator.limits import Limits
from lib.simulator.options import Options
from lib.simulator.register import Register, SharedIds


@dataclass(slots=True)
class Floor:
    books: Books
    options: Options
    announcer: Announcer
    limits: Limits
    exchange_counts: Mapping[str, int]  # EXCHANGE_MAX_NUM_ORDERS and their kin
    shared_ids: SharedIds = field(default_factory=dict)
    registers: list[Register] = field(default_factory=list)
