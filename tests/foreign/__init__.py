"""Clients that others wrote judge the simulated exchange: only its address is given to them."""
