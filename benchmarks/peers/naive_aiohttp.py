"""What a good engineer writes in an hour: aiohttp, aiosqlite, one connection, one commit for each callback.

    python -m benchmarks.peers.naive_aiohttp PORT DATABASE KEY row|work

"row" stores the callback alone, as ours does. "work" does the rest in the request too: the job moves, and a delivery
is due.
"""

import asyncio
import json
import sys
import time

import aiosqlite
from aiohttp import web

from benchmarks.peers import vidu
from benchmarks.peers.serve import run, serve

_EVENT = "INSERT INTO events (job_id, nonce, body, received_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_JOB = "UPDATE jobs SET state = 'done', finished_at = ? WHERE id = ? AND state IN ('queued', 'running')"
_DELIVERY = "INSERT INTO deliveries (job_id, state, due_at) VALUES (?, 'due', ?)"


async def main(port: int, database: str, key: bytes, *, work: bool) -> None:
    """Serve until killed."""
    connection = await aiosqlite.connect(database, isolation_level=None)
    await connection.execute("PRAGMA journal_mode=WAL")
    await connection.execute("PRAGMA synchronous=FULL")
    turn = (
        asyncio.Lock()
    )  # one transaction at a time on the one connection: faster than a pool that fights for the file

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        nonce = vidu.nonce(request.path, request.headers, key)
        if nonce is None:
            return web.Response(status=401)
        json.loads(body)
        job, now = request.match_info["token"][:13], int(time.time() * 1000)
        async with turn:
            await connection.execute("BEGIN IMMEDIATE")
            try:
                await connection.execute(_EVENT, (job, nonce, body, now))
                if work and (await connection.execute(_JOB, (now, job))).rowcount:
                    await connection.execute(_DELIVERY, (job, now))
            except BaseException:
                await connection.rollback()
                raise
            await connection.commit()
        return web.Response(text="ok")

    await serve(port, receive)


if __name__ == "__main__":
    run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3].encode(), work=sys.argv[4] == "work"))
