"""What is installed is what was pinned, and what is shipped names nothing of this machine."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lib.credentials import NAMES

ROOT = Path(__file__).parents[1]
RUNTIME, DEVELOPMENT = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
OUR_OWN = {"lib", "bots", "bench", "tests", "auto_trading"}
INSTALLED_AS = {
    "pycryptodome": "Crypto",
    "python-binance": "binance",
    "python-dotenv": "dotenv",
    "python-telegram-bot": "telegram",
}
BELONGS_TO = {"pydantic_core": "pydantic"}  # one project, two wheels

PIN = re.compile(
    r"^([a-z0-9-]+)==([^ ;]+)(?: ; [^\\]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
    re.MULTILINE,
)
OF_A_MACHINE = re.compile(
    r"(?<![A-Za-z0-9_./~-])/(?:work|root|farm|opt)/"  # a path of whoever built this
    r"|pypi" r"\.org|python" r"hosted|registry\.npmjs|deb\.debian" r"\.org|docker\.io"
    r"|\bTO" r"DO\b|\bFIX" r"ME\b|\bXX" r"X\b"
)  # fmt: skip


def pins(lock: Path) -> dict[str, str]:
    return {name: version for name, version, _ in PIN.findall(lock.read_text())}


def named_in(requirements: Path) -> set[str]:
    lines = (line.partition("#")[0].strip() for line in requirements.read_text().splitlines())
    return {re.split(r"[<>=~!\[ ]", line)[0] for line in lines if line and not line.startswith("-")}


def shipped_texts() -> dict[str, str]:
    """Read every text file that git knows, or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    texts = {}
    for name in filter(None, listed.split("\0")):
        try:
            texts[name] = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
    return texts


@pytest.mark.parametrize("lock", [RUNTIME, DEVELOPMENT], ids=["runtime", "development"])
def test_every_line_of_a_lock_is_a_pin_with_its_hashes(lock: Path) -> None:
    assert PIN.sub("", lock.read_text()) == ""
    assert pins(lock)


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [(RUNTIME, "runtime.in"), (DEVELOPMENT, "runtime.in"), (DEVELOPMENT, "development.in")],
)
def test_what_is_asked_for_is_locked(lock: Path, requirements: str) -> None:
    assert named_in(ROOT / "requirements" / requirements) <= set(pins(lock))


def test_tests_run_on_the_versions_that_users_get() -> None:
    runtime, development = pins(RUNTIME), pins(DEVELOPMENT)

    assert {name: development.get(name) for name in runtime} == runtime


def test_every_import_is_declared_and_every_declared_package_imported() -> None:
    declared = named_in(ROOT / "requirements" / "runtime.in")
    sources = [
        ROOT / "auto_trading.py",
        *(ROOT / "lib").rglob("*.py"),
        *(ROOT / "bots").rglob("*.py"),
    ]
    imported = {top for source in sources for top in foreign_imports(source.read_text())}

    modules = {INSTALLED_AS.get(name, name) for name in declared}
    assert {BELONGS_TO.get(top, top) for top in imported} == modules - {"websockets"}
    # websockets is named for its upper bound alone


def foreign_imports(source: str) -> set[str]:
    tops = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            tops |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            tops.add((node.module or "").partition(".")[0])
    return tops - sys.stdlib_module_names - OUR_OWN


def test_the_example_of_secrets_names_each_and_holds_none() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    settings = [line.split("=", 1) for line in lines if line and not line.startswith("#")]

    assert {name for name, _ in settings} == set(NAMES)
    assert [value for _, value in settings] == [""] * len(NAMES)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git repository")
def test_no_shipped_file_names_a_machine_a_registry_or_something_left_undone() -> None:
    found = {name: OF_A_MACHINE.findall(text) for name, text in shipped_texts().items()}

    assert not {name: marks for name, marks in found.items() if marks}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git repository")
def test_neither_secrets_nor_contexts_can_be_committed() -> None:
    kept_out = [".env", "ctx/bot.json", ".venv/bin/python", ".venv-3.13/bin/python"]
    answer = subprocess.run(
        ["git", "check-ignore", *kept_out], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert answer.stdout.split() == kept_out


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_systemd_finds_nothing_to_complain_of_in_the_service(tmp_path: Path) -> None:
    program = tmp_path / "auto_trading/.venv/bin/python"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}

    command = ["systemd-analyze", "--user", "verify", str(ROOT / "auto_trading.service")]
    verdict = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    assert verdict.stderr == ""  # the exit code is 0 for an unknown key as well
    assert verdict.returncode == 0


def test_the_image_leaves_out_what_must_stay_at_home() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()

    assert "*" in ignored, "what is taken along is named, and nothing else is"
    assert not {"!.env", "!ctx", "!.git", "!.venv", "!tests"} & set(ignored)


def test_the_commands_of_the_makefile_are_the_documented_ones() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    for target in ("run", "test", "bench", "lock", "clean", "help"):
        assert f"make {target} " in shown.stdout
