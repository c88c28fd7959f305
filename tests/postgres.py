"""A private PostgreSQL cluster that can be killed and started again."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.ports import free_port


def binaries() -> Path | None:
    """The newest server's programs; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "/nowhere")]
    return found[-1].parent if found[-1].exists() else None


class Cluster:
    """Args: fsync: whether it waits for the disk; tests that kill nothing save that time."""

    def __init__(self, programs: Path, *, fsync: bool) -> None:
        self._programs, self.folder = programs, Path(tempfile.mkdtemp(prefix="bgad-pg-"))
        self.folder.chmod(0o755)
        if as_owner():
            shutil.chown(self.folder, "postgres", "postgres")
        self.port = free_port()
        self._data = self.folder / "data"
        settings = f"-c listen_addresses=127.0.0.1 -c fsync={'on' if fsync else 'off'} -c max_connections=300"
        self._options = f"-p {self.port} -k {self.folder} {settings}"
        self._control("initdb", "-D", str(self._data), "-U", "bgad", "-A", "trust", "-E", "UTF8")

    @property
    def url(self) -> str:
        return f"postgresql://bgad@127.0.0.1:{self.port}"

    def start(self) -> None:
        log = str(self.folder / "log")
        self._control("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", self._options, "start")

    def kill(self) -> None:
        """`kill -9` of the postmaster; its children notice and end by themselves."""
        pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)

    def check(self) -> str:
        """Every table and index of every database read and compared, rows that an index lacks too; "" when clean."""
        command = [*as_owner(), str(self._programs / "pg_amcheck"), "--all", "--install-missing", "--heapallindexed"]
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "bgad"]
        done = subprocess.run([*command, *where], capture_output=True, text=True, cwd=self.folder)
        return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}"

    def close(self) -> None:
        stop(self._programs, self.folder)

    def _control(self, program: str, *arguments: str) -> None:
        control(self._programs, self.folder, program, *arguments)


def stop(programs: Path, folder: Path) -> None:
    """Stop the cluster in a folder, whichever process started it, and remove it."""
    control(programs, folder, "pg_ctl", "-D", str(folder / "data"), "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def control(programs: Path, folder: Path, program: str, *arguments: str) -> None:
    command = [*as_owner(), str(programs / program), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"


def as_owner() -> list[str]:
    """What goes before the programs: they refuse to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
