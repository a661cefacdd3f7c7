"""The market that a simulated venue shows to the stories."""

from decimal import Decimal

from lib.simulator.exchange import Exchange
from lib.simulator.paper.paper import machine_time

GRANT = {"BTC": Decimal(1), "ETH": Decimal(10), "USDT": Decimal(100_000)}
LAST = {"BTCUSDT": Decimal(60_000), "ETHUSDT": Decimal(2_500)}


def furnish(exchange: Exchange) -> None:
    """Give each symbol a last price and a book around it."""
    for symbol, price in LAST.items():
        exchange.market_trade(symbol, price, "0.01", buyer_is_maker=False, time=machine_time())
        bids = [(price - step, Decimal(5)) for step in range(1, 4)]
        asks = [(price + step, Decimal(5)) for step in range(1, 4)]
        exchange.set_book(symbol, bids, asks, machine_time())
