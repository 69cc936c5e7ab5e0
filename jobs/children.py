"""Other processes, of which none is left behind, also when whoever waits for them is called off."""

import asyncio
import os
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


@asynccontextmanager
async def begun(*words: str, stdin: int, stdout: int, stderr: int) -> AsyncGenerator[Process]:
    """Start a process, without our secrets, and have it ended when the block is, however that comes. Raise OSError."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *words,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env={name: value for name, value in os.environ.items() if name.startswith(("LD_", "DYLD_"))},
            start_new_session=True,  # Ctrl-C is for the program, which lets commands under way end
        )
    )
    try:
        child = await asyncio.shield(starting)
    except asyncio.CancelledError:  # uvloop would leave a process whose start was called off
        await _ended(await starting)
        raise
    try:
        yield child
    finally:
        await _ended(child)


async def told(child: Process, data: bytes | None = None) -> tuple[bytes, bytes]:
    """Tell a process something, and read what it says on both its outputs until it ends."""
    try:
        return await child.communicate(data)
    except RuntimeError:  # how uvloop says that it would not hear us out; asyncio overlooks that
        await child.wait()
        return b"", b""


async def _ended(child: Process) -> None:
    if child.returncode is None:
        child.kill()
    await child.wait()
