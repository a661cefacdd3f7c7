"""The unit behind all its walls: a real systemd, a user who is not root, and what `make` does.

systemd is the first program of a container that may mount; its image, made as docs/docker.md
says, has Python, make and git. What a power cut does to the service is
proven in test_booted_service.py, where the walls of the file system cannot stand.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.control.folder import ROOT
from tests.control.podman import LIMITS, PATIENCE, asked, lacks, podman

SYSTEMS: Final = ("bookworm", "trixie")  # Debian's, with systemd 252 and 257
USER, HOME = "lisa", "/home/lisa"
PLACE: Final = f"{HOME}/auto_trading"
DROP_INS: Final = f"{HOME}/.config/systemd/user/auto_trading.service.d"
PROGRAM: Final = ".venv/bin/python auto_trading.py"
UPSTREAM: Final = "/srv/auto_trading.git"
CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"
WATCHDOG: Final = 12  # seconds
LISTENING: Final = "/run/user/1000/systemd/private"
INSTALL_PATIENCE: Final = 500.0
NAMED: Final = ("-c", "user.name=lisa", "-c", "user.email=lisa@localhost")


class Machine:
    """A computer with systemd, and the one user who has the service."""

    def __init__(self, name: str) -> None:
        self._name = name

    def root(self, script: str) -> str:
        return podman("exec", self._name, "sh", "-ec", script)

    def asked(self, script: str, patience: float = PATIENCE) -> tuple[int, str]:
        """Have the user say something in the program's folder; answer exit code and reply."""
        environ = ("--env", f"HOME={HOME}", "--env", "XDG_RUNTIME_DIR=/run/user/1000")
        where = f"cd {PLACE} 2>/dev/null || cd; {script}"
        words = ("exec", "--user", USER, *environ, self._name, "sh", "-c", where)
        return asked(*words, patience=patience)

    def said(self, script: str, patience: float = PATIENCE) -> str:
        code, reply = self.asked(script, patience)
        assert code == 0, f"{script}: {reply}"
        return reply

    def shown(self, name: str) -> str:
        """Answer what systemd knows of the service."""
        return self.said(f"systemctl --user show --value --property {name} auto_trading")

    def until(self, name: str, value: str, patience: float = PATIENCE) -> None:
        deadline = time.monotonic() + patience
        while value not in self.shown(name):
            assert time.monotonic() < deadline, f"{name} is {self.shown(name)}, not {value}"
            time.sleep(0.2)

    def restart(self) -> None:
        self.said("systemctl --user daemon-reload && systemctl --user restart auto_trading")
        self.until("StatusText", "trade")

    def drop_in(self, name: str, lines: str) -> None:
        self.said(f"mkdir -p {DROP_INS}; printf '[Service]\\n{lines}\\n' > {DROP_INS}/{name}.conf")

    def power_on(self) -> None:
        podman("start", self._name)
        self.until_up()

    def power_off(self) -> None:
        podman("kill", self._name)

    def until_up(self) -> None:
        """Wait until the user's own systemd listens."""
        deadline = time.monotonic() + PATIENCE
        while asked("exec", self._name, "test", "-S", LISTENING)[0] != 0:
            assert time.monotonic() < deadline, "systemd does not come up"
            time.sleep(0.2)


@contextmanager
def booted(folder: Path, image: str) -> Iterator[Machine]:
    """Switch a machine on whose user may have services while nobody is logged in."""
    name = folder.name
    rights = ("--systemd=always", "--privileged", "--network", "host", *LIMITS)
    init = ("/sbin/init", "systemd.mask=systemd-binfmt.service")  # it would reach the machine below
    try:
        podman("run", "--detach", "--name", name, *rights, image, *init)
        machine = Machine(name)
        podman("cp", CERTIFICATES, f"{name}:{CERTIFICATES}")
        podman("cp", str(upstream_of(folder)), f"{name}:{UPSTREAM}")
        machine.root("until [ -S /run/systemd/private ]; do sleep 0.2; done")
        machine.root("systemctl is-system-running --wait || true")  # not all of it runs in here
        machine.root(f"useradd --create-home {USER}; chown -R {USER} {UPSTREAM}")
        machine.root(f"loginctl enable-linger {USER}")
        machine.until_up()
        machine.said(f"git clone -q {UPSTREAM} {PLACE}")
        yield machine
    finally:
        asked("rm", "--force", "--time", "0", "--volumes", name)


def upstream_of(folder: Path) -> Path:
    """Make a repository of what lies here, whether it is committed or not."""
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    source = folder / "source"
    for name in listed:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    git(source, "init", "--quiet", "--initial-branch", "main")
    git(source, "add", "--all")
    git(source, *NAMED, "commit", "--quiet", "--message", "as it is")
    git(folder, "clone", "--quiet", "--bare", str(source), str(folder / "upstream.git"))
    return folder / "upstream.git"


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    return done.stdout


def see_walls(machine: Machine) -> None:
    """It may write its three folders and a /tmp of its own, and nothing else."""
    pid = machine.shown("MainPID")
    inside = f"nsenter --user --preserve-credentials --mount --target {pid}"
    for place in ("ctx", "journal", "log"):
        machine.said(f"{inside} touch {PLACE}/{place}/x")
        machine.said(f"rm {PLACE}/{place}/x")
    machine.said(f"{inside} touch /tmp/x && test ! -e /tmp/x")
    for closed in (f"{PLACE}/x", f"{PLACE}/conf.json", f"{HOME}/x", "/usr/x", "/run/user/1000/x"):
        assert "Read-only file system" in machine.asked(f"{inside} touch {closed}")[1]
    status = machine.said(f"cat /proc/{pid}/status")
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status


def see_reload(machine: Machine) -> None:
    """A changed conf.json is taken over by the process that runs; a refused one fails."""
    pid = machine.shown("MainPID")
    machine.said("sed -i 's/0.003,/0.004,/' conf.json && systemctl --user reload auto_trading")
    assert "taken over" in machine.said(f"{PROGRAM} logs")

    machine.said('sed -i \'s/"laps": 1/"lap": 1/\' conf.json')
    code, said = machine.asked("systemctl --user reload auto_trading")
    assert (code, "failed" in said) == (1, True)
    assert machine.shown("ActiveState") == "active"
    assert machine.shown("MainPID") == pid
    machine.said("git checkout -q conf.json && systemctl --user reload auto_trading")


def see_healing(machine: Machine) -> None:
    """What hangs is ended by the watchdog, what was killed comes back, and so does the machine."""
    began = time.monotonic()
    machine.said(f"kill -STOP {machine.shown('MainPID')}")
    machine.until("NRestarts", "1")
    machine.until("StatusText", "trade")
    assert time.monotonic() - began < 3 * WATCHDOG

    machine.said(f"kill -KILL {machine.shown('MainPID')}")
    machine.until("NRestarts", "2")
    machine.until("StatusText", "trade")
    assert "Resumed" in machine.said("journalctl --user -u auto_trading -n 20 --no-pager")


def see_log(machine: Machine) -> None:
    """log/ lies within the walls; elsewhere it is told, and a drop-in opens the door."""
    asked_for = 's|"poll": "30s",|"poll": "30s", "log_file": {"path": "%s"},|'
    machine.said(f"sed -i '{asked_for % 'log/a.log'}' conf.json")
    machine.restart()
    assert "runner start" in machine.said("cat log/a.log")

    machine.said(f"mkdir ~/elsewhere; sed -i 's|log/a.log|{HOME}/elsewhere/a.log|' conf.json")
    machine.restart()
    assert "outside its ReadWritePaths" in machine.asked(f"{PROGRAM} doctor")[1]
    assert machine.asked("cat ~/elsewhere/a.log")[0] == 1

    machine.drop_in("override", f"ReadWritePaths={HOME}/elsewhere")
    machine.restart()
    assert "outside its ReadWritePaths" not in machine.asked(f"{PROGRAM} doctor")[1]
    assert "runner start" in machine.said("cat ~/elsewhere/a.log")
    machine.said("git checkout -q conf.json")


def see_update(machine: Machine) -> None:
    """A newer version is taken, with what the user changed; the service runs it."""
    pid = machine.shown("MainPID")
    work = f"{HOME}/work"
    machine.said(f"git clone -q {UPSTREAM} {work} && cd {work} && echo '# new' >> lib/news.py")
    commit = f"git {' '.join(NAMED)} commit -qam newer"
    machine.said(f"cd {work} && {commit} && git push -q origin main")
    machine.said("sed -i 's/0.003,/0.004,/' conf.json")

    assert "updated from" in machine.said("make update", INSTALL_PATIENCE)

    machine.until("StatusText", "trade")
    assert machine.shown("MainPID") != pid
    assert "# new" in machine.said("tail -n 1 lib/news.py")
    assert machine.said("git status --short") == "M conf.json"


def see_boot(machine: Machine) -> None:
    """Nobody logs in, and it runs."""
    machine.power_off()
    machine.power_on()
    machine.until("StatusText", "trade")


def see_removal(machine: Machine) -> None:
    """What it remembered stays; the service does not."""
    machine.said("make uninstall")
    assert "could not be found" in machine.asked("systemctl --user status auto_trading")[1]
    assert "no runner is at work" in machine.asked(f"{PROGRAM} status")[1]
    machine.said("test -s ctx/bitcoin_dips.json && test -s journal/orders.sqlite")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_service_lives_behind_all_its_walls_heals_obeys_is_updated_and_goes(
    tmp_path: Path, system: str
) -> None:
    image = f"systemd_and_python:{system}"
    if reason := lacks(image):
        pytest.skip(reason)
    with booted(tmp_path, image) as machine:
        assert "installed and started" in machine.said("make install", INSTALL_PATIENCE)
        machine.drop_in("test", f"WatchdogSec={WATCHDOG}\\nRestartSec=1")
        machine.restart()
        for see in (see_walls, see_reload, see_healing, see_log, see_update, see_boot):
            see(machine)
        see_removal(machine)
