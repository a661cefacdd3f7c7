"""Where the order journal is, and who keeps it while the runner runs."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

from lib.clock import Clock
from lib.conf import JournalSettings, read_conf
from lib.control.intake import Intake
from lib.control.options import Options
from lib.control.thread_voice import voice_through
from lib.journal.backups import Retention
from lib.journal.file import JournalFile
from lib.journal.writer import JournalWriter
from lib.mistakes import ConfError
from lib.news import Sink

BESIDE_CTX: Final = Path("journal") / "orders.sqlite"


def journal_path(options: Options, settings: JournalSettings) -> Path:
    """Choose the file: by option, by conf.json, or beside the ctx folder."""
    if options.journal is not None:
        return options.journal
    if settings.file is not None:
        return Path(settings.file)
    return options.ctx.absolute().parent / BESIDE_CTX


def journal_of(options: Options) -> Path:
    """Choose the file also where conf.json cannot be read."""
    settings = JournalSettings()
    with suppress(ConfError):
        settings = read_conf(options.conf).settings.journal
    return journal_path(options, settings)


def begin_writing(intake: Intake, clock: Clock, tell: Sink) -> JournalWriter:
    """Start the journal's writer. What it says reaches the person through the loop."""
    settings = intake.conf.settings.journal
    retention = Retention(settings.copy_every, settings.copies, settings.rows_kept)
    writer = JournalWriter(
        JournalFile(journal_path(intake.options, settings)),
        tell=voice_through(asyncio.get_running_loop(), tell),
        now=clock.now,
        redact=intake.credentials.redactor.redact,
        retention=retention,
    )
    writer.start()
    return writer
