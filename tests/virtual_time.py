"""The event loop of worlds: the product's own, which back-tests run in as well."""

from lib.backtest.virtual_time import Deadlock, VirtualLoop

__all__ = ["Deadlock", "VirtualLoop"]
