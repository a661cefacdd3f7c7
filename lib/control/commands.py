"""Finds the commands by name. A command's module is imported only when it is asked for: starting
the runner on a small computer must not wait for what it does not use.
"""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import click

MODULES: Final[Mapping[str, str]] = MappingProxyType({
    "check": "check:check",
    "doctor": "doctor:doctor",
    "keys": "keys_command:keys",
    "telegram": "telegram_command:telegram",
    "status": "status_command:status",
    "bots": "bots_command:bots",
    "bot": "bot_file:bot",
    "orders": "journal_command:orders",
    "fills": "journal_command:fills",
    "logs": "logs_command:logs",
    "pause": "word_commands:pause",
    "resume": "word_commands:resume",
    "stop": "word_commands:stop",
    "start": "word_commands:start",
    "cancel": "word_commands:cancel",
    "signal": "word_commands:signal",
    "flatten": "word_commands:flatten",
    "kill": "word_commands:kill",
    "unkill": "word_commands:unkill",
    "reload": "reload_command:reload",
    "release": "release:release",
    "afresh": "afresh:afresh",
    "template": "template:template",
    "simulator": "simulator_command:simulator",
    "backtest": "backtest_command:backtest",
    "compare": "compare_command:compare",
    "torture": "torture_command:torture",
    "collect": "collect_command:collect",
    "data": "data_command:data",
})
"""Command: module in lib/control/, and the function in it. In the order of the help text."""


class Commands(click.Group):
    """The commands beside the runner itself."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every command, in the order in which a person meets them."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; None for a name that is none."""
        place = MODULES.get(cmd_name)
        if place is None:
            return None
        module, _, function = place.partition(":")
        found: click.Command = getattr(importlib.import_module(f"lib.control.{module}"), function)
        return found
