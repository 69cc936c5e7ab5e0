"""The machine that the program believes to run on: its disk may fill up, fail or forget, and its clock be wrong.

What is done to it is written to a page that the shim (shim.c) reads inside the program. Needs a C compiler; without
one the suite leaves these faults out, and says so.
"""

import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Final

_PAGE: Final = struct.Struct("6iq")
_RECORD: Final = struct.Struct("QqqQ")


class Machine:
    """The machine of one program, whose files lie below `folder`."""

    def __init__(self, desk: Path, folder: Path) -> None:
        self.able = False  # to do anything at all
        self.full = self.unsyncable = self.records = 0
        self.kill_write = self.kill_sync = self.kill_after = self.ahead = 0
        self._desk, self._folder = desk, folder
        self._page: mmap.mmap | None = None

    def build(self) -> None:
        """Compile the shim and have every program that is started from now on loaded with it."""
        compiler = shutil.which("cc")
        if compiler is None:
            return
        self._desk.mkdir(parents=True, exist_ok=True)
        (self._desk / "undo").touch()
        control = self._desk / "control"
        control.write_bytes(bytes(mmap.PAGESIZE))
        with control.open("r+b") as page:
            self._page = mmap.mmap(page.fileno(), mmap.PAGESIZE)
        shim, source = self._desk / "shim.so", Path(__file__).with_name("shim.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", shim, source, "-ldl", "-lpthread"], check=True)
        os.environ |= {
            "LD_PRELOAD": str(shim),
            "CHAOS_SHIM": str(self._desk),
            "CHAOS_FOLDER": str(self._folder.resolve()),
        }
        self.able = True

    def well(self) -> None:
        """Let everything be as it should."""
        self.full = self.unsyncable = self.kill_write = self.kill_sync = self.kill_after = self.ahead = 0
        self.tell()

    def tell(self) -> None:
        """Make true what the fields say."""
        if self._page is not None:
            now = (self.full, self.unsyncable, self.records, self.kill_write, self.kill_sync, self.kill_after)
            _PAGE.pack_into(self._page, 0, *now, self.ahead)

    def settle(self, *, power_lost: bool) -> int:
        """Close the book on a program that is dead; with the power gone, undo what it had not synced: so many writes.

        The worst a disk may do: nothing that was not synced is there. The index of SQLite's log, which lies in shared
        memory, is gone with the power too.
        """
        undo = self._desk / "undo"
        if not self.able:
            return 0
        undone = _unsynced(undo.read_bytes()) if power_lost else []
        os.truncate(undo, 0)
        if power_lost:
            files = {path.stat().st_ino: path for path in self._folder.rglob("*") if path.is_file()}
            for inode, offset, size, old in reversed(undone):
                if inode in files:
                    with files[inode].open("r+b") as file:
                        file.seek(offset)
                        file.write(old)
                        file.truncate(size)
            # Blank, not away: whoever reads beside the programs (ledger.py) would go on with the one that is away.
            for index in self._folder.glob("*-shm"):
                with index.open("r+b") as file:
                    file.write(bytes(index.stat().st_size))
        return len(undone)


def _unsynced(book: bytes) -> list[tuple[int, int, int, bytes]]:
    """Read the undo book: inode, offset, size of the file and the bytes before each write that no sync followed."""
    found: list[tuple[int, int, int, bytes]] = []
    at = 0
    while at + _RECORD.size <= len(book):
        inode, offset, size, length = _RECORD.unpack_from(book, at)
        at += _RECORD.size
        if offset < 0:
            found = [one for one in found if one[0] != inode]
        else:
            found.append((inode, offset, size, book[at : at + length]))
            at += length
    return found
