"""Facts about servers: what their admins decided, what may be spent there, and the styles they gave a name."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from storage.tables import budgets, guild_settings, presets
from storage.words import Budget, GuildSettings, Period, Preset, Scope

MOST_PRESETS = 100  # of a server
# Both are asked for each command, so they are put together once; what begins with "its" is given with each use.
_SETTINGS = select(*(guild_settings.c[name] for name in GuildSettings.__dataclass_fields__)).where(
    guild_settings.c.guild_id == bindparam("its_guild")
)
_PRESETS = (
    select(*(presets.c[name] for name in Preset.__dataclass_fields__))
    .where(presets.c.guild_id == bindparam("its_guild"))
    .order_by(presets.c.name)
)


def settings_of(connection: Connection, guild_id: int) -> GuildSettings:
    """Read a server's settings; the defaults when its admins said nothing."""
    row = connection.execute(_SETTINGS, {"its_guild": guild_id}).mappings().first()
    if row is None:
        return GuildSettings(guild_id)
    values: dict[str, Any] = {**row, "channels": tuple(row["channels"]), "forbidden": tuple(row["forbidden"])}
    return GuildSettings(**values)


def decided(connection: Connection, settings: GuildSettings, now: int) -> None:
    """Store what the admins of a server decided."""
    values: dict[str, Any] = {**asdict(settings), "updated_at": now}
    values |= {"channels": list(settings.channels), "forbidden": list(settings.forbidden)}
    statement = update(guild_settings).where(guild_settings.c.guild_id == settings.guild_id).values(values)
    if connection.execute(statement).rowcount == 0:
        connection.execute(insert(guild_settings).values(values))


def budgets_of(connection: Connection, guild_id: int) -> list[Budget]:
    """List a server's budgets."""
    columns = (budgets.c.scope, budgets.c.subject_id, budgets.c.period, budgets.c.credits)
    rows = connection.execute(select(*columns).where(budgets.c.guild_id == guild_id).order_by(*columns))
    return [Budget(Scope(scope), subject, Period(period), credits) for scope, subject, period, credits in rows]


def budget_set(
    connection: Connection, guild_id: int, scope: Scope, subject_id: int, period: Period, credits: int | None
) -> None:
    """Store a budget; None takes it away."""
    key: dict[str, Any] = {
        "guild_id": guild_id, "scope": scope.value, "subject_id": subject_id, "period": period.value,
    }  # fmt: skip
    connection.execute(delete(budgets).where(*(budgets.c[name] == value for name, value in key.items())))
    if credits is not None:
        connection.execute(insert(budgets).values(**key, credits=credits))


def presets_of(connection: Connection, guild_id: int) -> list[Preset]:
    """List a server's presets by name."""
    return [Preset(**row) for row in connection.execute(_PRESETS, {"its_guild": guild_id}).mappings()]


def preset_saved(connection: Connection, guild_id: int, preset: Preset) -> bool:
    """Store a preset in the place of one with its name; False when the server has too many."""
    others = [one for one in presets_of(connection, guild_id) if one.name.casefold() != preset.name.casefold()]
    if len(others) >= MOST_PRESETS:
        return False
    preset_dropped(connection, guild_id, preset.name)
    connection.execute(insert(presets).values(guild_id=guild_id, **asdict(preset)))
    return True


def preset_dropped(connection: Connection, guild_id: int, name: str) -> bool:
    """Take a preset away, however its name is written in capitals and small letters; False when there is none."""
    names = [one.name for one in presets_of(connection, guild_id) if one.name.casefold() == name.casefold()]
    this = (presets.c.guild_id == guild_id, presets.c.name.in_(names))
    return connection.execute(delete(presets).where(*this)).rowcount > 0


def monthly(connection: Connection, guild_id: int) -> int | None:
    """Read what a server may spend in a month; None: no limit."""
    for budget in budgets_of(connection, guild_id):
        if budget.scope is Scope.GUILD and budget.period is Period.MONTH:
            return budget.credits
    return None
