"""Facts about servers: what their admins decided."""

from typing import Any

from sqlalchemy import Connection, insert, select, update

from storage.tables import guild_settings
from storage.words import GuildSettings


def settings_of(connection: Connection, guild_id: int) -> GuildSettings:
    """Read a server's settings; the defaults when its admins said nothing."""
    columns = [guild_settings.c[name] for name in GuildSettings.__dataclass_fields__]
    row = connection.execute(select(*columns).where(guild_settings.c.guild_id == guild_id)).mappings().first()
    return GuildSettings(guild_id) if row is None else GuildSettings(**row)


def decided(connection: Connection, settings: GuildSettings, now: int) -> None:
    """Store what the admins of a server decided."""
    values: dict[str, Any] = {
        "budget": settings.budget,
        "default_provider": settings.default_provider,
        "fallback": settings.fallback,
        "alerts_channel_id": settings.alerts_channel_id,
        "updated_at": now,
    }
    statement = update(guild_settings).where(guild_settings.c.guild_id == settings.guild_id).values(values)
    if connection.execute(statement).rowcount == 0:
        connection.execute(insert(guild_settings).values(guild_id=settings.guild_id, **values))
