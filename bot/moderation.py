"""/mod: what moderators see and do: the queue, blocks, a member's recent requests, and the log of all acts."""

import re
import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import structlog
from discord import app_commands

from bot import acts, messages, refusals, rights
from bot.amounts import credits_of
from bot.labels import state_of
from bot.language import N_, _, flow
from bot.looks import fitting, notice, title_of
from bot.messages import Tone
from bot.plain import clean, plain
from bot.rights import Interaction
from bot.setup import not_stored
from bot.talking import NO_PINGS, working
from jobs.context import Context
from storage import Connection, StorageError, moderation
from storage import jobs as job_facts
from storage.words import Block, Job, State

_log = structlog.get_logger("bot.moderation")
_MOST_SHOWN = 10
_MOST_REASON = 300
_LONGEST = timedelta(days=3650)
_SPAN = re.compile(r"([1-9][0-9]{0,3}) ?(\D+)")
_UNITS = {  # as they are typed in the languages of the bot; what stands here in no language is no span
    timedelta(minutes=1): "m min mins minute minutes minuto minutos 分 分間 分钟 分鐘",
    timedelta(hours=1): "h hr hrs hour hours hora horas 時間 小时 个小时 小時 個小時",
    timedelta(days=1): "d day days día días dia dias 日 日間 天",
    timedelta(weeks=1): "w wk wks week weeks semana semanas 週 週間 周 星期 个星期 個星期",
    timedelta(days=30): "mo month months mes meses か月 か月間 ヶ月 ヶ月間 カ月 カ月間 ヵ月 ヵ月間 个月 個月",
    timedelta(days=365): "y yr yrs year years año años 年 年間",
}
_UNIT_OF = {word: span for span, words in _UNITS.items() for word in words.split()}
_SUGGESTED = (N_("1 hour"), N_("1 day"), N_("1 week"), N_("30 days"))  # read as they stand here


def not_moderator() -> str:
    """Refuse somebody who is no moderator."""
    return _("Only moderators of this server can do that. Nothing was changed.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a moderator is told."""

    text: str
    tone: Tone = Tone.DONE


def mod_group(ctx: Context) -> app_commands.Group:
    """Make the /mod commands."""
    group = app_commands.Group(
        name="mod",
        description=N_("For moderators: the queue, blocks, requests, and who did what"),
        default_permissions=discord.Permissions(manage_messages=True),
    )
    for command in (_queue(ctx), _block(ctx), _unblock(ctx), _prompts(ctx), _acts(ctx)):
        group.add_command(command)
    return group


def _queue(ctx: Context) -> app_commands.Command[Any, ..., None]:
    async def queue(interaction: Interaction) -> None:
        async def answer() -> Answer:
            jobs = await ctx.database.read(job_facts.running_in, interaction.guild_id or 0, _MOST_SHOWN + 1)
            if not jobs:
                return Answer(_("Nothing is waiting or being made in this server."))
            lines = [_line(ctx, job) for job in jobs[:_MOST_SHOWN]]
            more = "-# " + _("and more") if len(jobs) > _MOST_SHOWN else ""
            stop = _("To stop one: its card's button, or `/cancel`.")
            return Answer(fitting(lines, f"-# {stop}", more), Tone.WORKING)

        await _answered(ctx, interaction, answer)

    return app_commands.Command(name="queue", description=N_("What is waiting or being made here"), callback=queue)


def _line(ctx: Context, job: Job) -> str:
    where = f"https://discord.com/channels/{job.guild_id}/{job.channel_id}"
    card = f"{where}/{job.card_message_id}" if job.card_message_id else where
    parts = [
        f"**{state_of(job.state)}** <t:{job.changed_at // 1000}:R>",
        f"<@{job.user_id}>",
        title_of(ctx.known, job.provider),
        credits_of(job.price),
        f"[{job.code}]({card})",
    ]
    return f"{' · '.join(parts)}\n{messages.quoted(job.prompt, 100)}"


def _block(ctx: Context) -> app_commands.Command[Any, ..., None]:
    @app_commands.describe(
        member=N_("Who shall ask for nothing"),
        until=N_("For how long (3 hours, 2 days, 1 month) or until which day (2026-12-31); nothing: until you lift it"),
        reason=N_("Why; it stands in the log, the member is not told"),
    )
    async def block(
        interaction: Interaction,
        member: discord.User,
        until: app_commands.Range[str, 1, 40] | None = None,
        reason: app_commands.Range[str, 1, _MOST_REASON] | None = None,
    ) -> None:
        async def answer() -> Answer:
            now = ctx.now()
            end = moment_of(until, now) if until else None
            if until and end is None:
                words = _(
                    "I can't read “{typed}” as a time to come: write `3 hours`, `2 days`, `1 week`, `1 month` "
                    "or a day such as `2026-12-31`. Nothing was changed."
                )
                return Answer(words.format(typed=plain(until, 40)), Tone.FAILED)
            why = clean(reason or "")[:_MOST_REASON]
            done = Block(member.id, end, interaction.user.id, why, now)
            await ctx.database.write(_blocked, interaction.guild_id or 0, done)
            ctx.wakes.acts.set()
            if end:
                words = _("{member} can ask for nothing here until {time}.")
                words = words.format(member=f"<@{member.id}>", time=f"<t:{end // 1000}:f>")
            else:
                words = _("{member} can ask for nothing here until somebody lifts it.")
                words = words.format(member=f"<@{member.id}>")
            rest = _("What they have in the making goes on; `/mod queue` shows it.")
            return Answer(flow(words, rest))

        await _answered(ctx, interaction, answer)

    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name="block", description=N_("Let a member ask for nothing, for a while or for good"), callback=block
    )
    command.autocomplete("until")(_spans)
    return command


def _blocked(connection: Connection, guild_id: int, block: Block) -> None:
    moderation.blocked(connection, guild_id, block)
    detail = {"until": block.until, "reason": block.reason}
    moderation.acted(connection, guild_id, block.by, "block", str(block.user_id), block.at, **detail)


async def _spans(_asker: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Suggest spans in the language of the one who types, to be sent as they can be read."""
    typed, offered = current.strip(), [(_(span), span) for span in _SUGGESTED]
    fitting = [(name, span) for name, span in offered if name.startswith(typed) or span.startswith(typed)]
    return [app_commands.Choice(name=name, value=span) for name, span in fitting]


def moment_of(text: str, now: int) -> int | None:
    """Read "3 hours" or "2026-12-31" as a moment to come, in milliseconds; None when it is none, or too far away."""
    text = unicodedata.normalize("NFC", clean(text)).casefold()
    present = datetime.fromtimestamp(now / 1000, UTC)
    found = _SPAN.fullmatch(text)
    if found and found[2] in _UNIT_OF:
        span = int(found[1]) * _UNIT_OF[found[2]]
    else:
        try:
            span = datetime.fromisoformat(text).replace(tzinfo=UTC) - present
        except ValueError:
            return None
    return now + int(span.total_seconds() * 1000) if timedelta(0) < span <= _LONGEST else None


def _unblock(ctx: Context) -> app_commands.Command[Any, ..., None]:
    @app_commands.describe(member=N_("Who may ask again"))
    async def unblock(interaction: Interaction, member: discord.User) -> None:
        async def answer() -> Answer:
            guild_id, by, now = interaction.guild_id or 0, interaction.user.id, ctx.now()

            def lift(connection: Connection) -> bool:
                lifted = moderation.unblocked(connection, guild_id, member.id)
                if lifted:
                    moderation.acted(connection, guild_id, by, "unblock", str(member.id), now)
                return lifted

            lifted = await ctx.database.write(lift)
            ctx.wakes.acts.set()
            words = _("{member} may ask again.") if lifted else _("{member} was not blocked.")
            return Answer(words.format(member=f"<@{member.id}>"))

        await _answered(ctx, interaction, answer)

    return app_commands.Command(name="unblock", description=N_("Let a blocked member ask again"), callback=unblock)


def _prompts(ctx: Context) -> app_commands.Command[Any, ..., None]:
    @app_commands.describe(member=N_("Whose requests"))
    async def prompts(interaction: Interaction, member: discord.User) -> None:
        async def answer() -> Answer:
            guild_id = interaction.guild_id or 0
            jobs = await ctx.database.read(job_facts.latest_of, guild_id, member.id, _MOST_SHOWN)
            await rights.note(ctx, interaction, "read prompts", str(member.id))
            if not jobs:
                return Answer(_("{member} has asked for nothing here yet.").format(member=f"<@{member.id}>"))
            lines = [
                f"<t:{job.created_at // 1000}:R> · {_ending(job)}\n{messages.quoted(job.prompt, 150)}" for job in jobs
            ]
            head = _("What {member} asked for last:").format(member=f"<@{member.id}>")
            return Answer(fitting([head, *lines]))

        await _answered(ctx, interaction, answer)

    return app_commands.Command(name="prompts", description=N_("What a member asked for last"), callback=prompts)


def _ending(job: Job) -> str:
    spent = job.price if job.charged is None else job.charged
    cost = [credits_of(spent)] if job.state is State.SUCCEEDED else []
    return " · ".join([state_of(job.state), *cost, _("job {code}").format(code=job.code)])


def _acts(ctx: Context) -> app_commands.Command[Any, ..., None]:
    async def log(interaction: Interaction) -> None:
        async def answer() -> Answer:
            found = await ctx.database.read(moderation.acts_of, interaction.guild_id or 0, _MOST_SHOWN)
            if not found:
                return Answer(_("No moderator or admin has done anything here yet."))
            return Answer(fitting([f"<t:{act.at // 1000}:R> · {acts.text_of(act)}" for act in found]))

        await _answered(ctx, interaction, answer)

    return app_commands.Command(name="log", description=N_("What moderators and admins did"), callback=log)


async def _answered(ctx: Context, interaction: Interaction, answer: Callable[[], Awaitable[Answer]]) -> None:
    """Answer a moderator, and nobody else, seen by them alone."""
    with working(interaction):
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            if interaction.guild_id is None:
                told = Answer(refusals.only_in_servers(), Tone.FAILED)
            elif not await rights.moderates(ctx, interaction):
                told = Answer(not_moderator(), Tone.FAILED)
            else:
                told = await answer()
        except StorageError as error:
            _log.warning("moderation not stored", trouble=str(error))
            told = Answer(not_stored(), Tone.FAILED)
        await interaction.edit_original_response(embed=notice(told.text, told.tone), allowed_mentions=NO_PINGS)
