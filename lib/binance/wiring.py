"""Assembles the real thing: a venue over sockets."""

import aiohttp

from lib.binance.addresses import Addresses, refuse_real
from lib.binance.client import GuardedClient, RestTransport
from lib.binance.connection import Patience
from lib.binance.market_stream import MarketStream
from lib.binance.names import ADDRESS_AGE_MAX, PatientResolver
from lib.binance.user_stream import UserStream
from lib.binance.venue import BinanceVenue
from lib.clock import ExchangeClock


class SocketVenue(BinanceVenue):
    """A Binance venue that owns the session of its streams."""

    def __init__(
        self,
        addresses: Addresses,
        client: GuardedClient,
        session: aiohttp.ClientSession,
        clock: ExchangeClock,
        patience: Patience,
    ) -> None:
        self._session = session
        super().__init__(
            addresses.name,
            RestTransport(client),
            clock,
            user=UserStream(
                session, addresses.ws_api, sign=client.sign_socket, clock=clock, patience=patience
            ),
            market=MarketStream(session, addresses.streams, patience=patience),
        )

    async def close(self) -> None:
        await super().close()
        await self._session.close()


async def open_venue(
    addresses: Addresses,
    *,
    key: str,
    secret: str,
    clock: ExchangeClock | None = None,
    patience: Patience | None = None,
) -> BinanceVenue:
    """Make a venue in the running loop. Nothing is sent yet.

    Raises Halt if a venue other than live would reach the real exchange by any of its addresses.
    """
    urls = (addresses.rest, addresses.streams, addresses.ws_api)
    refuse_real(addresses.name, urls)
    names = PatientResolver()
    client = GuardedClient.build(addresses, key, secret, names)
    connector = aiohttp.TCPConnector(resolver=names, ttl_dns_cache=ADDRESS_AGE_MAX)
    session = aiohttp.ClientSession(connector=connector, trust_env=False)
    return SocketVenue(addresses, client, session, clock or ExchangeClock(), patience or Patience())
