"""Recognises the sample conf as shipped: it is for paper, and must never trade real money.

A hash is compared and not the file itself, since the sample is the very file that people edit.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from lib.commented_json import parse

SAMPLE: Final = "8a999351d128232639314fb1b512ba4d59a7fad39ff38348c3a2210a6863c9f8"
"""Of the bots in the conf.json that comes with the program."""


def is_sample(conf: Path) -> bool:
    """Say whether a conf has the sample's bots, whatever its comments and spaces."""
    return fingerprint(conf) == SAMPLE


def fingerprint(conf: Path) -> str:
    """Hash the bots of a conf, either form: what is written, not how."""
    value: Any = parse(conf.read_bytes()).value
    bots = value.get("bots") if isinstance(value, Mapping) else value
    written = orjson.dumps(bots, option=orjson.OPT_SORT_KEYS, default=str)
    return sha256(written).hexdigest()
