"""What a key may do, tried out: nothing is bought, sold or canceled.

An account that may trade says nothing of the key: Binance lets a key be restricted to reading. So
an order is sent to `POST /api/v3/order/test`, which judges everything and places nothing.
"""

from dataclasses import dataclass
from typing import Final

from lib.binance import payloads
from lib.binance.addresses import Addresses
from lib.binance.client import GuardedClient, RestTransport
from lib.binance.payloads import Unreadable
from lib.binance.refusals import Verdict, describe, error_of_question, judge
from lib.binance.transport import Reply, Transport
from lib.clock import ExchangeClock
from lib.errors import OutcomeUnknown, Unavailable
from lib.exchange import AccountState

RECV_WINDOW: Final = 5_000
REHEARSED: Final = {"side": "BUY", "type": "MARKET", "quantity": "1"}


@dataclass(frozen=True, slots=True)
class KeyTrial:
    """What came of it. `refusal` is empty for a key that trades; the time is the exchange's, ms."""

    refusal: str
    can_withdraw: bool
    asked_at: int


async def read_time(addresses: Addresses) -> int:
    """Ask an exchange for its time, ms, without a key. Raises Unavailable."""
    transport = RestTransport(GuardedClient.build(addresses, "", ""))
    try:
        return await _time(transport)
    finally:
        await transport.close()


async def try_key(addresses: Addresses, key: str, secret: str, *, symbol: str) -> KeyTrial:
    """Try a key out on one symbol.

    Raises BadCredentials for a key that is unknown, mistyped or bound to another address, and
    Unavailable where the exchange cannot be asked.
    """
    clock = ExchangeClock()
    transport = RestTransport(GuardedClient.build(addresses, key, secret))
    try:
        sent = clock.ticks()
        asked_at = await _time(transport)
        clock.measured(asked_at, sent, clock.ticks())
        reply = await _signed(transport, clock, "GET", "account")
        account = _account(reply)
        refusal = "" if account.can_trade else "the account may not trade"
        if not refusal:
            refusal = await _rehearsal(transport, clock, symbol)
        return KeyTrial(refusal, account.can_withdraw, asked_at)
    finally:
        await transport.close()


async def _rehearsal(transport: Transport, clock: ExchangeClock, symbol: str) -> str:
    """Answer why the key may not trade; a filter's complaint comes after that was decided."""
    reply = await _signed(transport, clock, "POST", "order/test", symbol=symbol, **REHEARSED)
    if judge(reply) is Verdict.BAD_CREDENTIALS:
        return describe(reply)
    return ""


async def _signed(
    transport: Transport, clock: ExchangeClock, method: str, call: str, **params: str
) -> Reply:
    stamp = {"recvWindow": str(RECV_WINDOW), "timestamp": str(clock.now())}
    return await _asked(transport, method, call, {**params, **stamp}, signed=True)


async def _asked(
    transport: Transport, method: str, call: str, params: dict[str, str], *, signed: bool
) -> Reply:
    try:
        return await transport.request(method, f"/api/v3/{call}", params, signed=signed)
    except OutcomeUnknown as weather:
        raise Unavailable(str(weather)) from None


async def _time(transport: Transport) -> int:
    reply = await _asked(transport, "GET", "time", {}, signed=False)
    if judge(reply) is not Verdict.ANSWERED:
        raise error_of_question("time", reply)
    try:
        return payloads.server_time(reply.body)
    except Unreadable as wrong:
        raise Unavailable(f"the answer to time cannot be read: {wrong}") from wrong


def _account(reply: Reply) -> AccountState:
    if judge(reply) is not Verdict.ANSWERED:
        raise error_of_question("account", reply)
    try:
        return payloads.account(reply.body)
    except Unreadable as wrong:
        raise Unavailable(f"the answer to account cannot be read: {wrong}") from wrong
