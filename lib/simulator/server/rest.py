"""The REST API over HTTP: parameters, keys and signatures; the rest is the exchange's.

Parameters may stand in the query or in the body, whatever the verb; the query wins.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import parse_qsl

from aiohttp import web

from lib.simulator.protocol import Request
from lib.simulator.refusals import Refusal
from lib.simulator.server.firewall import FORBIDDEN, suspicious
from lib.simulator.server.gate import Gate, Reply, nothing, refusal_reply
from lib.simulator.server.signatures import (
    REST_PREFIX,
    Keyring,
    needed_permission,
    rest_payload,
)
from lib.simulator.server.time_units import read_time_unit

KEY_HEADER: Final = "X-MBX-APIKEY"
TIME_UNIT_HEADER: Final = "X-MBX-TIME-UNIT"
HIDDEN: Final = frozenset({"signature"})
HTML: Final = "text/html"
NOT_FOUND: Final = "<html><body><h2>404 Not found</h2></body></html>"
GONE: Final = "<html>\r\n<head><title>410 Gone</title></head>\r\n</html>\r\n"
NOWHERE: Final = Reply(404, b"")
RETIRED: Final = frozenset({"/api/v1/userDataStream"})

Firewall = Literal["off", "sql"]


@dataclass(frozen=True, slots=True)
class _Sent:
    """What arrived, before anything is believed."""

    method: str
    path: str
    query: str
    body: str
    key: str | None
    received_at: int
    address: str
    time_unit: str | None

    @property
    def bare(self) -> Request:
        """The request with nothing but where it goes and whence it comes."""
        return Request(self.method, self.path, {}, None, self.received_at, self.address)


class Rest:
    """Serves everything below /api/."""

    def __init__(
        self,
        gate: Gate,
        keyring: Keyring,
        clock: Callable[[], int],
        *,
        firewall: Firewall = "off",
    ) -> None:
        self._gate = gate
        self._keyring = keyring
        self._clock = clock
        self._firewall = firewall

    async def serve(self, http: web.Request) -> web.StreamResponse:
        sent = await _read(http, self._clock())
        reply = await self._answer(sent)
        if reply is None:
            return _hang_up(http)
        self._gate.mind(reply, sent.address)
        return await _send(http, _elsewhere(http, sent.path) if _is_nowhere(reply) else reply)

    async def _answer(self, sent: _Sent) -> Reply | None:
        """Answer what was sent; None if no answer ever comes."""
        if not sent.path.startswith(REST_PREFIX):
            return NOWHERE
        if self._firewall == "sql" and suspicious(f"{sent.query}&{sent.body}"):
            return Reply(403, FORBIDDEN.encode(), HTML)
        try:
            self._count(sent)
        except Refusal as refusal:
            return refusal_reply(refusal)
        try:
            request = self._request(sent)
        except Refusal as refusal:
            return self._gate.turn_away(sent.bare, refusal)
        fault = self._gate.decide(request)
        return (
            self._gate.answer(request) if fault is None else await self._gate.fail(request, fault)
        )

    def _count(self, sent: _Sent) -> None:
        """Count the request against its address. Raise Refusal if it may not ask now."""
        limits = self._gate.limits
        limits.turn(sent.received_at)
        if limits.enforced:
            limits.refuse_banned(sent.received_at, sent.address)
        limits.count_raw(sent.received_at, sent.address)

    def _request(self, sent: _Sent) -> Request:
        unit = read_time_unit(sent.time_unit)
        params = {**_params(sent.body), **_params(sent.query)}
        account = self._verified(sent, params)
        asked = {name: value for name, value in params.items() if name not in HIDDEN}
        return replace(sent.bare, params=asked, account=account, time_unit=unit)

    def _verified(self, sent: _Sent, params: Mapping[str, str]) -> str | None:
        """Say who signed. Raise Refusal if nobody did who may."""
        if not self._gate.is_signed(sent.method, sent.path):
            return None
        account = self._keyring.verify(
            sent.key,
            rest_payload(sent.query, sent.body),
            params.get("signature"),
            address=sent.address,
            needed=needed_permission(sent.method),
        )
        return account.name


async def _read(http: web.Request, now: int) -> _Sent:
    path, _, query = _utf8(http.raw_path).partition("?")
    return _Sent(
        method=http.method,
        path=path,
        query=query,
        body=(await http.read()).decode("utf-8", "replace"),
        key=http.headers.get(KEY_HEADER),
        received_at=now,
        address=http.remote or "",
        time_unit=http.headers.get(TIME_UNIT_HEADER),
    )


def _utf8(raw: str) -> str:
    """Replace the bytes of a URL that are no UTF-8."""
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _params(part: str) -> Mapping[str, str]:
    pairs = parse_qsl(part, keep_blank_values=True)
    params = dict(pairs)
    if len(params) != len(pairs):
        raise Refusal(-1101, "Duplicate values for a parameter detected.")
    return params


def _is_nowhere(reply: Reply) -> bool:
    return reply.status == NOWHERE.status and not reply.content


def _elsewhere(http: web.Request, path: str) -> Reply:
    """Answer what was never there, or is there no more."""
    if path in RETIRED:
        return Reply(410, GONE.encode(), HTML)
    return (
        Reply(404, NOT_FOUND.encode(), HTML) if HTML in http.headers.get("Accept", "") else NOWHERE
    )


def response_of(reply: Reply) -> web.Response:
    """Carry a reply over HTTP."""
    headers = {"Content-Type": reply.content_type, **reply.headers}
    return web.Response(status=reply.status, body=reply.content, headers=headers)


async def _send(http: web.Request, reply: Reply) -> web.Response:
    """Send a reply, and then do what waits for that."""
    response = response_of(reply)
    if reply.then is not nothing:
        await response.prepare(http)
        await response.write_eof()
        reply.then()
    return response


def _hang_up(http: web.Request) -> web.Response:
    if isinstance(http.transport, asyncio.Transport):
        http.transport.abort()
    return web.Response(status=500)
