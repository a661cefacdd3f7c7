"""What all markets of one exchange share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lib.simulator.books.books import Books
from lib.simulator.engine.events import Announcer
from lib.simulator.engine.limits import Limits
from lib.simulator.engine.list_register import ListRegister
from lib.simulator.engine.register import Register, SharedIds
from lib.simulator.engine.replicas import Replicas
from lib.simulator.options import Options


@dataclass(slots=True)
class Floor:
    books: Books
    options: Options
    announcer: Announcer
    limits: Limits
    exchange_counts: Mapping[str, int]  # EXCHANGE_MAX_NUM_ORDERS and their kin
    shared_ids: SharedIds = field(default_factory=dict)
    registers: list[Register] = field(default_factory=list)
    replicas: Replicas = field(default_factory=Replicas)
    list_register: ListRegister = field(init=False)

    def __post_init__(self) -> None:
        self.list_register = ListRegister(self.books, self.options)
