"""Those who answer what the chat asks. Costs nothing to import where there is no chat."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lib.control.census import Census
from lib.control.office import Office
from lib.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Company:
    """A runner at work."""

    supervisor: Supervisor
    census: Census
    office: Office
    journal: Path
    news: Callable[[str, int], str]  # the newest lines of one bot or of all
    exchange_now: Callable[[], int]  # raises Unavailable before the exchange's time is known
    machine_now: Callable[[], int]
