"""`make update` takes the newest version only if it passes, and goes back if it does not start."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import lib.control.update
from lib.control.exits import Exit
from lib.control.service_unit import run as run_for_real
from lib.control.service_unit import unit_file
from lib.control.update import NotUpdated, exchange, git, update

PROGRAM = "import sys\nprint('version {version}')\nsys.exit({verdict})\n"
SCHEMA = '{{"$defs": {{"Dips": {{"properties": {{{names}}}}}}}}}'
pytestmark = pytest.mark.slow

Publish = Callable[[Mapping[str, str | None]], None]


def files(
    version: int, *, verdict: int = 0, starts: bool = True, names: str = '"dip": 1'
) -> dict[str, str | None]:
    """Make one version: what its `check` ends with, and whether its packages can be had."""
    return {
        "auto_trading.py": PROGRAM.format(version=version, verdict=verdict),
        "conf.json": f"[sample {version}]\n",
        "conf.schema.json": SCHEMA.format(names=names),
        ".env.example": "# a key\nBINANCE_API_KEY=\n",
        "requirements.lock": "click\n",
        "Makefile": f"runtime:\n\t@{'true' if starts else 'false'}\n",
        ".gitignore": ".env\nctx/\n/.update/\n",
        f"lib/only_in_{version}.py": "",
    }


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Put versions where updates come from."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "lisa")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "lisa@example.invalid")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    source = tmp_path / "source"
    source.mkdir()
    git(source, "init", "--quiet", "--initial-branch=main")

    def put(version: Mapping[str, str | None]) -> None:
        for name, text in version.items():
            path = source / name
            path.parent.mkdir(exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        git(source, "add", "--all")
        git(source, "commit", "--quiet", "--message=another version")

    return put


@pytest.fixture
def root(tmp_path: Path, publish: Publish) -> Path:
    """A person's folder: version 1, with a conf, secrets, a context and a bot of their own."""
    publish(files(1))
    subprocess.run(["git", "clone", "--quiet", "source", "mine"], cwd=tmp_path, check=True)
    root = tmp_path / "mine"
    (root / "conf.json").write_text("[mine]\n")
    (root / ".env").write_text("secret\n")
    (root / "ctx").mkdir()
    (root / "ctx/lisa.json").write_text("context\n")
    (root / "bots").mkdir()
    (root / "bots/mine.py").write_text("my bot\n")
    return root


def mine(root: Path) -> list[str]:
    return [
        (root / name).read_text() for name in ("conf.json", ".env", "ctx/lisa.json", "bots/mine.py")
    ]


MINE = ["[mine]\n", "secret\n", "context\n", "my bot\n"]


def version(root: Path) -> str:
    return (root / "auto_trading.py").read_text().partition("version ")[2][0]


def test_a_version_that_passes_is_taken_and_what_is_yours_stays(
    root: Path, publish: Publish, tmp_path: Path
) -> None:
    publish({**files(2), "lib/only_in_1.py": None})

    assert update(root, tmp_path) is Exit.FINE

    assert version(root) == "2"
    assert mine(root) == MINE
    assert (root / "lib/only_in_2.py").exists()
    assert not (root / "lib/only_in_1.py").exists()
    assert git(root, "rev-parse", "HEAD") == git(root, "rev-parse", "@{upstream}")
    assert git(root, "status", "--porcelain").splitlines() == [" M conf.json", "?? bots/"]


def test_a_second_update_follows_the_first(root: Path, publish: Publish, tmp_path: Path) -> None:
    publish(files(2))
    update(root, tmp_path)
    publish(files(3))

    assert update(root, tmp_path) is Exit.FINE
    assert version(root) == "3"
    assert mine(root) == MINE


def test_the_newest_version_stays(root: Path, tmp_path: Path) -> None:
    assert update(root, tmp_path) is Exit.FINE
    assert version(root) == "1"


@pytest.mark.parametrize("verdict", [1, 2])
def test_a_version_that_finds_more_wrong_is_not_taken(
    root: Path, publish: Publish, tmp_path: Path, verdict: int
) -> None:
    publish(files(2, verdict=verdict))

    with pytest.raises(NotUpdated, match="finds more wrong"):
        update(root, tmp_path)

    assert version(root) == "1"
    assert mine(root) == MINE
    assert not (root / ".update").exists()


def test_a_version_that_finds_no_more_wrong_than_before_is_taken(
    root: Path, publish: Publish, tmp_path: Path
) -> None:
    publish(files(2, verdict=1))
    git(root, "pull", "--quiet", "--rebase", "--autostash")
    (root / "conf.json").write_text("[mine]\n")
    git(root, "checkout", "--quiet", "--", "auto_trading.py")
    publish(files(3, verdict=1))

    assert update(root, tmp_path) is Exit.FINE
    assert version(root) == "3"


def test_a_version_that_does_not_start_is_given_up_for_the_one_before(
    root: Path, publish: Publish, tmp_path: Path
) -> None:
    publish({**files(2, starts=False), "lib/only_in_1.py": None})

    with pytest.raises(NotUpdated, match=r"went back to .*, it runs again"):
        update(root, tmp_path)

    assert version(root) == "1"
    assert mine(root) == MINE
    assert (root / "lib/only_in_1.py").exists()
    assert not (root / "lib/only_in_2.py").exists()
    assert git(root, "status", "--porcelain").splitlines() == [" M conf.json", "?? bots/"]


def test_a_service_that_does_not_come_up_is_given_up_for_the_one_before(
    root: Path, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(files(2))
    unit_file(tmp_path).parent.mkdir(parents=True)
    unit_file(tmp_path).touch()
    started = []

    def run(words: list[str], folder: Path) -> int:
        if "lib.control.service_unit" not in words:
            return run_for_real(words, folder)
        started.append(version(root))
        return int(version(root) == "2")

    monkeypatch.setattr("lib.control.update.run", run)
    with pytest.raises(NotUpdated, match="it runs again"):
        update(root, tmp_path)

    assert started == ["2", "1"]


def test_what_you_changed_yourself_is_not_overwritten(
    root: Path, publish: Publish, tmp_path: Path
) -> None:
    publish(files(2))
    (root / "auto_trading.py").write_text("mine")

    with pytest.raises(NotUpdated, match=r"you changed auto_trading\.py"):
        update(root, tmp_path)

    assert (root / "auto_trading.py").read_text() == "mine"


def test_a_bot_of_yours_is_not_overwritten_by_a_new_one_of_its_name(
    root: Path, publish: Publish, tmp_path: Path
) -> None:
    publish({**files(2), "bots/mine.py": "theirs\n"})

    with pytest.raises(NotUpdated, match=r"bots/mine\.py would be overwritten"):
        update(root, tmp_path)

    assert mine(root) == MINE


def test_an_update_that_was_cut_off_is_taken_back_before_the_next(
    root: Path, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish({**files(2), "lib/only_in_1.py": None})

    def cut(where: Path, old: str, new: str) -> None:
        exchange(where, old, new)
        git(where, "reset", "--quiet", old)
        (where / "lib/only_in_2.py").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(lib.control.update, "exchange", cut)
        with pytest.raises(KeyboardInterrupt):
            update(root, tmp_path)

    assert update(root, tmp_path) is Exit.FINE
    assert version(root) == "2"
    assert mine(root) == MINE


def test_new_settings_are_named(
    root: Path, publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish({
        **files(2, names='"dip": 1, "patience": 2'),
        ".env.example": "BINANCE_API_KEY=\nTELEGRAM_TOKEN=\n",
    })

    update(root, tmp_path)

    said = capsys.readouterr().out
    assert "new: TELEGRAM_TOKEN of .env" in said
    assert "new: patience of Dips" in said
    assert "new: dip of" not in said


def test_a_version_that_does_not_follow_yours_is_refused(
    root: Path, publish: Publish, tmp_path: Path
) -> None:
    publish(files(2))
    git(root, "commit", "--quiet", "--allow-empty", "--message=my own")

    with pytest.raises(NotUpdated, match="does not follow"):
        update(root, tmp_path)

    assert version(root) == "1"
