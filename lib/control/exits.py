"""How the program ends, for scripts: one number each."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. The main help lists them."""

    FINE = 0
    ATTENTION = 1  # it worked, but a person must look; or it was refused, or could not go on
    NOTHING_STARTS = 2  # an option, conf.json, .env or the ctx folder cannot be used as it is
    BUSY = 3  # another runner has the ctx folder
