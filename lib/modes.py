"""In which of four modes bots run: one vocabulary, wherever a person or a program reads it.

| mode | venues | money | prices |
|---|---|---|---|
| live | live | real | of the moment |
| sandbox | testnet, demo: exchanges that Binance runs to be tried | none | of that exchange |
| simulation | paper, or a simulator by its address | none | of the moment, or recorded |
| backtest | backtest | none | recorded, as fast as they go |
"""

from enum import StrEnum
from typing import Final


class Mode(StrEnum):
    """What a run is. Programs read these words: never renamed."""

    LIVE = "live"
    SANDBOX = "sandbox"
    SIMULATION = "simulation"
    BACKTEST = "backtest"

    @property
    def is_real(self) -> bool:
        """Say whether it is about real money."""
        return self is Mode.LIVE


OF_VENUES: Final = {
    "live": Mode.LIVE,
    "testnet": Mode.SANDBOX,
    "demo": Mode.SANDBOX,
    "paper": Mode.SIMULATION,
    "backtest": Mode.BACKTEST,
}


def mode_of(venue: str) -> Mode:
    """Answer the mode of a venue; an address is a simulator's."""
    return OF_VENUES.get(venue, Mode.SIMULATION)


def mode_and_venue(venue: str) -> str:
    """Name a venue behind its mode; once where both are one word."""
    mode = mode_of(venue)
    return str(mode) if mode == venue else f"{mode}, {venue}"
