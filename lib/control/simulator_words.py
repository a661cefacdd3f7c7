"""What a person writes behind the simulator's options, read exactly."""

import re
from decimal import Decimal
from typing import Any, Final

import click

from lib.settings import exact

SYMBOL: Final = re.compile(r"[A-Z0-9-_.]{1,20}", re.ASCII)


class Amounts(click.ParamType[dict[str, Decimal]]):
    """Reads USDT=10000,BTC=1."""

    name = "ASSET=AMOUNT,…"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Decimal]:
        """Make amounts by asset; fails with what cannot be read."""
        amounts: dict[str, Decimal] = {}
        for part in str(value).split(","):
            asset, _, written = part.strip().partition("=")
            amount = _amount(written)
            if not asset.isalnum() or amount is None or asset.upper() in amounts:
                self.fail(f"{part!r} is not like USDT=10000, each asset once", param, ctx)
            amounts[asset.upper()] = amount
        return amounts


class Symbols(click.ParamType[tuple[str, ...]]):
    """Reads BTCUSDT,ETHUSDT."""

    name = "SYMBOL,…"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Make names of symbols, each once; fails with what is none."""
        names = tuple(part.strip().upper() for part in str(value).split(","))
        for name in names:
            if not SYMBOL.fullmatch(name):
                self.fail(f"{name!r} is no symbol like BTCUSDT", param, ctx)
        return tuple(dict.fromkeys(names))


class Fees(click.ParamType[dict[str, Decimal]]):
    """Reads MAKER,TAKER as shares of what a trade brings: 0.001,0.001."""

    name = "MAKER,TAKER"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Decimal]:
        """Make the two options; fails unless both are shares below one."""
        shares = [_amount(part.strip()) for part in str(value).split(",")]
        if len(shares) != 2 or any(share is None or share >= 1 for share in shares):
            self.fail(f"{value!r} is not like 0.001,0.001: 0.1 % for both", param, ctx)
        maker, taker = shares
        assert maker is not None
        assert taker is not None
        return {"maker_fee": maker, "taker_fee": taker}


class Answer(click.ParamType[tuple[str, Any]]):
    """Reads NAME=VALUE, one of the simulator's open questions."""

    name = "NAME=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        """Make the field's name and value; fails with what there is instead."""
        from lib.simulator.option_words import NoSuchOption, read_option

        try:
            return read_option(str(value))
        except NoSuchOption as wrong:
            self.fail(str(wrong), param, ctx)


def _amount(written: str) -> Decimal | None:
    try:
        amount = exact(written)
    except ValueError:
        return None
    return amount if amount >= 0 else None
