"""What ends the connection to Discord ends nothing else: callbacks are stored, and results posted when it is back."""

import asyncio
import contextlib
import signal
import socket
import sqlite3
import sys
from pathlib import Path

import pytest

from sandbox.discord import Message
from sandbox.scenery import Scenery, put_up
from sandbox.vendors import Behaviour
from tests.journeys.conftest import OpenStage
from tests.journeys.stage import SHORT, Fault
from tests.rushes.test_cli import SECRETS, rushes, write_env


async def test_while_the_client_is_made_anew_callbacks_are_stored_and_the_result_is_posted_after(
    open_a_stage: OpenStage,
) -> None:
    stage = await open_a_stage("vidu")
    stage.vendor.behaviour.hold = True
    stage.ask()
    await stage.until_heard("submission recorded")
    gate = asyncio.Event()
    stage.discord.faults.append(Fault("GET", "/users/@me", times=9, gate=gate))
    stage.discord.world.dispatch("GUILD_CREATE", {"id": "no number"}, None, 0)
    await stage.until(lambda: not stage.running.bot.ready)
    stage.vendor.release()
    await stage.until_heard("output recorded")
    assert {sent.status for sent in stage.vendor.sent} == {200}
    assert not stage.videos()
    gate.set()
    stage.discord.faults.clear()
    await stage.one_video()


async def test_a_clock_that_was_fast_and_is_set_right_puts_nothing_off(open_a_stage: OpenStage) -> None:
    stage = await open_a_stage("vidu")
    await stage.stop()
    stage.clock.advance(3600)
    await stage.start()
    stage.vendor.behaviour = Behaviour(callbacks="none")
    stage.ask()
    await stage.until(lambda: any(task.state == task.dialect.done for task in stage.vendor.tasks.values()))
    await stage.until_heard("submission recorded")  # to be asked about when an hour and the grace are over
    stage.clock.advance(-3600)
    await stage.one_video()


async def test_an_end_that_hangs_is_cut_off_and_the_next_start_goes_on_from_there(tmp_path: Path) -> None:
    """What hangs is a thread: nobody can cancel it, and Python waits for it for ever."""
    scenery = await put_up(tmp_path, "vidu", SECRETS)
    write_env(tmp_path, scenery)
    first = await hanging(tmp_path)
    second = None
    try:
        await scenery.discord.connected(60)
        scenery.vendor.behaviour.hold = True
        scenery.member.type(scenery.channel, "/video", {**SHORT, "model": "viduq3-turbo"})
        await scenery.vendor.until(lambda: scenery.vendor.tasks, 60)
        first.send_signal(signal.SIGTERM)
        log, _ = await asyncio.wait_for(first.communicate(), 60)
        assert first.returncode == 1, log.decode()  # not by a tidy end
        assert b"hangs" in log
        session = max(one.number for one in scenery.discord.sessions) + 1
        second = await rushes(tmp_path, "run")
        await scenery.discord.connected(60, session=session)
        scenery.vendor.release()
        await scenery.discord.until(lambda: results(scenery), 60)
        assert len(scenery.vendor.tasks) == 1
    finally:
        for program in (first, second):
            if program is not None and program.returncode is None:
                program.kill()
                await program.communicate()
        await scenery.close()
    assert len(results(scenery)) == 1
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as book:
        assert book.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kinds = book.execute("SELECT kind FROM ledger ORDER BY id").fetchall()
        assert kinds == [("hold",), ("settle",)]
        assert book.execute("SELECT state FROM jobs").fetchall() == [("succeeded",)]


HANGING = """
import asyncio, threading, time
from rushes import cli, program

async def close(self):
    print("closing hangs", flush=True)
    await asyncio.to_thread(time.sleep, 3600)

program.Program.close = close
cli.app(["run"])
"""


async def hanging(folder: Path) -> asyncio.subprocess.Process:
    """Start the program with an end that never comes."""
    pipe = asyncio.subprocess.PIPE
    environment = {"PYTHONPATH": str(Path.cwd()), "PATH": "/usr/bin:/bin", "NO_COLOR": "1"}
    words = (sys.executable, "-c", HANGING)
    return await asyncio.create_subprocess_exec(
        *words, cwd=folder, stdout=pipe, stderr=asyncio.subprocess.STDOUT, env=environment
    )


def results(scenery: Scenery) -> list[Message]:
    return [message for message in scenery.discord.messages.values() if message.attachments]


@pytest.mark.parametrize("busy", ["idle", "everything hangs"])
async def test_told_to_stop_it_ends_within_ten_seconds_whatever_hangs(tmp_path: Path, busy: str) -> None:
    scenery = await put_up(tmp_path, "vidu", SECRETS)
    write_env(tmp_path, scenery)
    program = await rushes(tmp_path, "run")
    slow = socket.socket()
    try:
        await scenery.discord.connected(30)
        if busy != "idle":
            scenery.vendor.behaviour = Behaviour(submit_faults=["hang"])
            scenery.discord.faults.append(Fault("PATCH", "/webhooks/", gate=asyncio.Event()))
            slow.connect(("127.0.0.1", int(str(scenery.values["port"]))))
            slow.sendall(b"POST /callbacks/vidu/x HTTP/1.1\r\nHost: x\r\nContent-Le")
            scenery.member.type(scenery.channel, "/video", {**SHORT, "model": "viduq3-turbo"})
            await scenery.vendor.until(lambda: scenery.vendor.calls, 20)
        program.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(program.communicate(), 10)
        assert program.returncode == 0, log.decode()
    finally:
        slow.close()
        if program.returncode is None:
            program.kill()
            await program.communicate()
        await scenery.close()
