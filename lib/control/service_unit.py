"""Makes this folder a service of the user who runs it: started at boot, healed by systemd.

`make install` and `make uninstall` call this. Nothing of it needs root, and it never is a service
of root: what trades should own nothing else.
"""

import os
import pwd
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from lib.control.exits import Exit

UNIT: Final = "auto_trading.service"
HOME_OF_UNIT: Final = "%h/auto_trading"  # where the unit, as it is shipped, expects the program
PLAIN_PATH: Final = re.compile(r"/[A-Za-z0-9_./@+-]+")  # needs no quoting in a unit
LINGERING: Final = Path("/var/lib/systemd/linger")  # a file for each user who does
FOLDERS: Final = ("ctx", "journal", "log")


class NotInstalled(Exception):
    """What keeps this folder from being a service, and the cure."""


def unit_text(root: Path) -> str:
    """Answer the unit for a program that lies here. Raises NotInstalled."""
    place = str(root)
    if not PLAIN_PATH.fullmatch(place):
        raise NotInstalled(f"{place!r} has letters that systemd reads otherwise: move it first")
    return (root / UNIT).read_text(encoding="utf-8").replace(HOME_OF_UNIT, place)


def unit_file(home: Path) -> Path:
    """Where systemd looks for the units of a user."""
    return home / ".config/systemd/user" / UNIT


def install(root: Path, home: Path) -> Exit:
    """Write the unit, have it started at boot, and start it if `check` has nothing against it."""
    if os.geteuid() == 0:
        raise NotInstalled("not as root: install it as the user whose bots these are")
    text = unit_text(root)
    for name in FOLDERS:
        (root / name).mkdir(mode=0o700, exist_ok=True)
        (root / name).chmod(0o700)
    write_unit(unit_file(home), text)
    _systemctl("daemon-reload")
    _systemctl("enable", UNIT)
    _linger()
    if run([sys.executable, "auto_trading.py", "check"], root) == Exit.NOTHING_STARTS:
        click.echo(
            "installed, not started: mend the above, then `systemctl --user start auto_trading`"
        )
        return Exit.NOTHING_STARTS
    _systemctl("restart", UNIT)
    click.echo("installed and started; `journalctl --user -u auto_trading -f` shows what it does")
    return Exit.FINE


def uninstall(home: Path) -> Exit:
    """Stop the service and forget it. Everything that was remembered or written stays."""
    if not unit_file(home).exists():
        raise NotInstalled("there is no such service of this user")
    _systemctl("disable", "--now", UNIT)
    unit_file(home).unlink()
    _systemctl("daemon-reload")
    click.echo(
        "the service is gone; conf.json, .env, ctx/ and journal/ stay, and so do orders at the "
        "exchange: `python auto_trading.py status` lists them"
    )
    return Exit.FINE


def write_unit(path: Path, text: str) -> None:
    """Replace the unit at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def run(words: Sequence[str], folder: Path) -> int:
    """Run a program that says itself what is wrong; answer its exit code, 127 if there is none."""
    try:
        return subprocess.run(words, cwd=folder, check=False).returncode  # noqa: S603 - ours alone
    except OSError as missing:
        click.echo(f"{words[0]}: {missing.strerror}", err=True)
        return 127


def _systemctl(*words: str) -> None:
    if run(["systemctl", "--user", *words], Path("/")) != 0:
        cure = "over ssh, log in as the user itself (sudo -i keeps no session); see docs/service.md"
        raise NotInstalled(f"`systemctl --user {' '.join(words)}` failed: {cure}")


def _linger() -> None:
    """Have the user's services start at boot. Without it they still run while one is logged in."""
    name = pwd.getpwuid(os.getuid()).pw_name
    if (LINGERING / name).exists():
        return
    if run(["loginctl", "enable-linger"], Path("/")) != 0:
        click.echo(
            "without this it starts when you log in, not at boot: "
            f"sudo loginctl enable-linger {name}"
        )


def main(words: Sequence[str]) -> int:
    """Obey `install` or `uninstall`, for the folder this is run in."""
    try:
        if words == ["uninstall"]:
            return uninstall(Path.home())
        return install(Path.cwd(), Path.home())
    except (NotInstalled, OSError) as wrong:
        click.echo(str(wrong), err=True)
        return Exit.ATTENTION


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
