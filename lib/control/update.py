"""Brings this folder to the newest version and goes back if that does not start: `make update`.

The new version is laid beside the old one and asked for its `check` first, with your conf.json,
.env and ctx/, while the old one still runs. Only then are the files exchanged, conf.json never.
Everything needed is imported before: the files below this very program are exchanged.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from lib.control.exits import Exit
from lib.control.service_unit import run, unit_file

YOURS: Final = "conf.json"  # shipped as a sample, and never exchanged
BESIDE: Final = ".update"
UNDER_WAY: Final = ".git/update-under-way"  # the versions of before and after, while files change
LOCK: Final = "requirements.lock"


class NotUpdated(Exception):
    """Why everything is as it was, and the cure."""


def update(root: Path, home: Path) -> Exit:
    """Fetch, try, exchange, start again. Raises NotUpdated, and then all is as it was."""
    if (root / UNDER_WAY).exists():
        click.echo("an update was cut off: going back to what ran before")
        go_back(root)
    old = git(root, "rev-parse", "HEAD")
    new = _fetched(root)
    if old == new:
        click.echo("this is the newest version")
        return Exit.FINE
    _refuse_own_changes(root, old, new)
    with _beside(root, new) as folder:
        python = _python_for(root, folder)
        for line in novelties(root, folder):
            click.echo(f"new: {line}")
        _compare(root, folder, python)
    marker = root / UNDER_WAY
    marker.write_text(f"{old} {new}", encoding="ascii")
    exchange(root, old, new)
    if _begin(root, home) == 0:
        marker.unlink()
        click.echo(f"updated from {old[:10]} to {new[:10]}")
        return Exit.FINE
    go_back(root)
    again = "it runs again" if _begin(root, home) == 0 else "nor does it run: see `doctor`"
    raise NotUpdated(f"{new[:10]} did not start; went back to {old[:10]}, {again}")


def git(root: Path, *words: str, text: str = "") -> str:
    """Run git in a folder; answer what it said. Raises NotUpdated with its complaint."""
    done = subprocess.run(  # noqa: S603 - its words are ours
        ["git", *words],  # noqa: S607 - the git of whoever updates
        cwd=root,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NotUpdated(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip("\n")


def novelties(old: Path, new: Path) -> Iterator[str]:
    """Name what can be set in the new version and could not in the old one."""
    before, after = _settings(old), _settings(new)
    yield from (f"{name} of {where}" for where, name in sorted(after - before))


def exchange(root: Path, old: str, new: str) -> None:
    """Put one version's files in place of the other's; conf.json stays as it lies there."""
    put, gone = _changed(root, old, new, "AMT"), _changed(root, old, new, "D")
    if put:
        git(root, "checkout", new, "--pathspec-from-file=-", text=_literal(put))
    for name in gone:
        (root / name).unlink(missing_ok=True)
    git(root, "reset", "--quiet", new, "--")


def go_back(root: Path) -> None:
    """Put back the files of before an update that failed or was cut off, wherever it was."""
    marker = root / UNDER_WAY
    old, new = marker.read_text(encoding="ascii").split()
    exchange(root, new, old)
    marker.unlink()


def _fetched(root: Path) -> str:
    """Answer the newest version upstream, which must follow ours."""
    git(root, "fetch", "--quiet")
    try:
        git(root, "merge-base", "--is-ancestor", "HEAD", "@{upstream}")
    except NotUpdated as wrong:
        raise NotUpdated(f"the version upstream does not follow this one {wrong}") from None
    return git(root, "rev-parse", "@{upstream}")


def _refuse_own_changes(root: Path, old: str, new: str) -> None:
    changed = git(root, "diff", "--name-only", "--no-renames", old, "--", f":!{YOURS}").splitlines()
    if changed:
        raise NotUpdated(f"you changed {', '.join(changed)}: commit or undo that first")
    clashing = [name for name in _changed(root, old, new, "A") if (root / name).exists()]
    if clashing:
        raise NotUpdated(f"{', '.join(clashing)} would be overwritten: rename your own first")


def _changed(root: Path, old: str, new: str, how: str) -> list[str]:
    words = ("diff", "--name-only", "--no-renames", f"--diff-filter={how}", "-z", old, new)
    return [name for name in git(root, *words, "--", f":!{YOURS}").split("\0") if name]


def _literal(names: Sequence[str]) -> str:
    return "".join(f":(literal){name}\n" for name in names)


@contextmanager
def _beside(root: Path, new: str) -> Iterator[Path]:
    """Lay a version beside the one at work, for as long as it is tried."""
    folder = root / BESIDE
    if folder.exists():
        git(root, "worktree", "remove", "--force", BESIDE)
    git(root, "worktree", "add", "--quiet", "--detach", BESIDE, new)
    try:
        yield folder
    finally:
        git(root, "worktree", "remove", "--force", BESIDE)


def _python_for(root: Path, folder: Path) -> str:
    """Answer a Python that has what the new version needs, made for the trial if need be."""
    if (root / LOCK).read_bytes() == (folder / LOCK).read_bytes():
        return sys.executable
    if run(["make", "--no-print-directory", "runtime"], folder) != 0:
        raise NotUpdated("the packages of the new version cannot be installed")
    return str(folder / ".venv/bin/python")


def _compare(root: Path, folder: Path, python: str) -> None:
    """Have both versions judge your files; the new one must not be the stricter."""
    click.echo("`check` of the version that runs:")
    before = run([sys.executable, str(root / "auto_trading.py"), "check"], root)
    click.echo("`check` of the new one:")
    after = run([python, str(folder / "auto_trading.py"), "check"], root)
    if after > before:
        raise NotUpdated("the new version finds more wrong than the one that runs")


def _begin(root: Path, home: Path) -> int:
    """Have the packages and, where there is a service, the unit of what lies here now."""
    failed = run(["make", "--no-print-directory", "runtime"], root)
    if failed or not unit_file(home).exists():
        return failed
    return run([sys.executable, "-m", "lib.control.service_unit", "install"], root)


def _settings(root: Path) -> set[tuple[str, str]]:
    """Collect what can be set: the names of .env.example, and of each section of the schema."""
    env = (root / ".env.example").read_text(encoding="utf-8").splitlines()
    names = {(".env", line.partition("=")[0]) for line in env if "=" in line and line[0] != "#"}
    schema = json.loads((root / "conf.schema.json").read_text(encoding="utf-8"))
    for section, shape in schema.get("$defs", {}).items():
        names |= {(section, name) for name in shape.get("properties", {})}
    return names


def main() -> int:
    """Update the folder this is run in."""
    try:
        return update(Path.cwd(), Path.home())
    except (NotUpdated, OSError) as wrong:
        click.echo(f"not updated: {wrong}", err=True)
        return Exit.ATTENTION


if __name__ == "__main__":
    sys.exit(main())
