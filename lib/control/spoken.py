"""What commands print, free of secrets."""

import os
from functools import cache
from typing import Final

import click

from lib.control.log_lines import is_journal, printable
from lib.control.options import ENV_FILE
from lib.credentials import cautious_redactor, read_credentials
from lib.mistakes import ConfError
from lib.redaction import Redactor

STDERR: Final = 2


def say(text: str) -> None:
    """Print the answer to a command."""
    click.echo(known_secrets().redact(text))


def complain(text: str) -> None:
    """Print what went wrong, to stderr; in the journal as an error."""
    text = printable(known_secrets().redact(text))
    if is_journal(STDERR, os.environ):
        text = "\n".join(f"<3>{line}" for line in text.split("\n"))
    click.echo(text, err=True)


@cache
def known_secrets() -> Redactor:
    """Answer a filter that knows the secrets of .env, whatever is wrong with them."""
    try:
        return read_credentials(ENV_FILE).redactor
    except ConfError:
        return cautious_redactor(ENV_FILE)
