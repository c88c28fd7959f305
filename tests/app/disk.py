"""A small disk of its own that can be filled and made read-only for real: a tmpfs where it may be mounted.

Where it may not, the kernel's limit of file sizes stands in for a full disk, and the rights of folders for a read-only
one: both are real refusals, at the same calls.
"""

import os
import resource
import subprocess
from pathlib import Path

BALLAST = "ballast"


class Disk:
    def __init__(self, path: Path, megabytes: int = 96) -> None:
        self.path = path
        path.mkdir()
        options = f"size={megabytes}m"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
        self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0

    def fill(self) -> None:
        if not self.mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            return
        piece = 2**20
        with (self.path / BALLAST).open("ab", buffering=0) as file:
            while piece >= 512:
                try:
                    file.write(b"\0" * piece)
                except OSError:
                    piece //= 2

    def read_only(self) -> None:
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(self.path)], check=True)
        else:
            self._rights(0o555, 0o444)

    def mend(self) -> None:
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,rw", str(self.path)], check=True)
            (self.path / BALLAST).unlink(missing_ok=True)
        else:
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            self._rights(0o755, 0o644)

    def files(self) -> set[str]:
        """All files but the ballast and what SQLite keeps beside its database."""
        found = (path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file())
        return {name for name in found if name != BALLAST and not name.endswith(("-wal", "-shm", "-journal"))}

    def close(self) -> None:
        self.mend()
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.path)], check=False)

    def _rights(self, folder: int, file: int) -> None:
        for path in [*self.path.rglob("*"), self.path]:
            os.chmod(path, folder if path.is_dir() else file)
