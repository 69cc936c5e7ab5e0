"""Facts about moderation: who is blocked, and every act of a moderator or an admin, written once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, delete, insert, or_, select, update

from storage.tables import DUE_TO_TELL, acts, blocks
from storage.words import Act, Block

_DUE = (  # put together once: it is asked again and again
    select(acts)
    .where(DUE_TO_TELL, acts.c.due_at <= bindparam("its_moment", type_=BigInteger))
    .order_by(acts.c.due_at)
    .limit(bindparam("its_most", type_=BigInteger))
)


def blocked(connection: Connection, guild_id: int, block: Block) -> None:
    """Let a member ask for nothing in a server; an earlier block is replaced."""
    unblocked(connection, guild_id, block.user_id)
    row = {name: getattr(block, name) for name in Block.__dataclass_fields__}
    connection.execute(insert(blocks).values(guild_id=guild_id, **row))


def unblocked(connection: Connection, guild_id: int, user_id: int) -> bool:
    """Let a member ask again; False when they were not blocked."""
    this = (blocks.c.guild_id == guild_id, blocks.c.user_id == user_id)
    return connection.execute(delete(blocks).where(*this)).rowcount == 1


def blocks_of(connection: Connection, guild_id: int, now: int) -> list[Block]:
    """List who is blocked in a server just now, the latest first."""
    columns = [blocks.c[name] for name in Block.__dataclass_fields__]
    still = or_(blocks.c.until.is_(None), blocks.c.until > now)
    statement = select(*columns).where(blocks.c.guild_id == guild_id, still).order_by(blocks.c.at.desc())
    return [Block(**row) for row in connection.execute(statement).mappings()]


def acted(
    connection: Connection, guild_id: int, actor_id: int, kind: str, subject: str, now: int, /, **detail: Any
) -> None:
    """Write down what somebody did. Nothing here changes or deletes such a row."""
    row = {"guild_id": guild_id, "actor_id": actor_id, "kind": kind, "subject": subject[:120], "detail": detail}
    connection.execute(insert(acts).values(**row, at=now, due_at=now, attempts=0))


def acts_of(connection: Connection, guild_id: int, limit: int, before: int | None = None) -> list[Act]:
    """List what was done in a server, the latest first; `before`: the id to go on from."""
    statement = select(acts).where(acts.c.guild_id == guild_id)
    if before is not None:
        statement = statement.where(acts.c.id < before)
    return [Act(**row) for row in connection.execute(statement.order_by(acts.c.id.desc()).limit(limit)).mappings()]


def decider_of(connection: Connection, guild_id: int, code: str, kinds: Sequence[str]) -> tuple[int, str] | None:
    """Name who did one of these things to a job last, and which; None: nobody here did."""
    this = (acts.c.guild_id == guild_id, acts.c.kind.in_(kinds), acts.c.subject == code)
    statement = select(acts.c.actor_id, acts.c.kind).where(*this).order_by(acts.c.id.desc()).limit(1)
    row = connection.execute(statement).first()
    return None if row is None else (int(row.actor_id), str(row.kind))


def acts_due(connection: Connection, now: int, limit: int) -> list[Act]:
    """List acts to be told in a log channel."""
    return [Act(**row) for row in connection.execute(_DUE, {"its_moment": now, "its_most": limit}).mappings()]


def act_told(connection: Connection, act_id: int) -> None:
    """Record that an act was told, or that there is nobody to tell."""
    connection.execute(update(acts).where(acts.c.id == act_id).values(due_at=None))


def act_postponed(connection: Connection, act: Act, due_at: int) -> None:
    """Try to tell it again later."""
    connection.execute(update(acts).where(acts.c.id == act.id).values(due_at=due_at, attempts=act.attempts + 1))
