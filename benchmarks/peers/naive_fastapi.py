"""The same hour with FastAPI and SQLAlchemy's asynchronous sessions: one transaction for each callback.

python -m benchmarks.peers.naive_fastapi PORT DATABASE KEY row|work
"""

import json
import sys
import time
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from sqlalchemy import event, update
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import AsyncAdaptedQueuePool

from benchmarks.peers import vidu


class Base(DeclarativeBase):
    """The tables of naive.sql."""


class Job(Base):
    """A job that waits for its callback."""

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    finished_at: Mapped[int | None]


class Event(Base):
    """A callback."""

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[str]
    nonce: Mapped[str]
    body: Mapped[bytes]
    received_at: Mapped[int]


class Delivery(Base):
    """A result to be posted."""

    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[str]
    state: Mapped[str]
    due_at: Mapped[int]


def application(database: str, key: bytes, *, work: bool) -> FastAPI:
    """Make the application."""
    # One connection: with the default pool writers fight for the file's lock, and the slowest wait for seconds.
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{database}", poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0, pool_timeout=60
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    app = FastAPI()

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @app.post("/callbacks/vidu/{token}")
    async def receive(token: str, request: Request) -> Response:
        body = await request.body()
        nonce = vidu.nonce(request.url.path, request.headers, key)
        if nonce is None:
            return Response(status_code=401)
        json.loads(body)
        job, now = token[:13], int(time.time() * 1000)
        async with sessions.begin() as session:
            session.add(Event(job_id=job, nonce=nonce, body=body, received_at=now))
            if work:
                open_job = update(Job).where(Job.id == job, Job.state.in_(("queued", "running")))
                if (await session.execute(open_job.values(state="done", finished_at=now))).rowcount:
                    session.add(Delivery(job_id=job, state="due", due_at=now))
        return Response("ok")

    return app


if __name__ == "__main__":
    app = application(sys.argv[2], sys.argv[3].encode(), work=sys.argv[4] == "work")
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning", backlog=1024)
