"""Torture in the tests' own process: what it adds to the bots that are found ends with its test."""

import pytest

import bots


@pytest.fixture(autouse=True)
def _bots_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bots, "__path__", list(bots.__path__))
