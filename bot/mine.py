"""/jobs and /cancel: a member's own jobs where they ask, page by page, and giving one of them up by typing."""

import re
from collections.abc import Sequence
from typing import Any, Literal, Self, cast

import discord
import structlog
from discord import app_commands

from bot import presses, rights
from bot.amounts import credits_of, time_of
from bot.buttons import Host
from bot.cards import LINK_LIFE_MS
from bot.labels import made
from bot.language import N_, _, number
from bot.looks import embed_of, notice, title_of
from bot.messages import Card, Tone, address_of
from bot.places import server_of
from bot.plain import clean, cut, plain
from bot.talking import NO_PINGS, TROUBLES, said, working
from jobs.context import Context
from jobs.files import OUTPUTS
from providers.orders import Operation
from storage import StorageError, members
from storage.members import Listed, Which
from storage.words import DeliveryState, Job, Place, State, Way

PAGE = 8  # jobs; more would not fit into one frame
_LAST_PAGE = 9_999
_PROMPT_MOST = 60
_MODEL_MOST = 40
_LOOKED_AT = 200  # jobs that can be given up; only what is typed tells which are meant
_MOST_CHOICES = 25  # Discord shows no more
_PAGES = re.compile(r"jobs:(?P<owner>[0-9]{1,20}):(?P<which>running|finished|all):(?P<page>[0-9]{1,4})")
_log = structlog.get_logger("bot.mine")

Interaction = discord.Interaction[Any]

_CHOICES = (N_("running"), N_("finished"), N_("all"))  # discord.py shows the choices of an option by these names
STATE_WORDS: dict[State, str] = {
    State.CONFIRMING: N_("❔ Waiting for your yes"),
    State.APPROVING: N_("❔ Waiting for a moderator"),
    State.QUEUED: N_("▫️ Queued"),
    State.SUBMITTING: N_("▫️ Being sent"),
    State.UNKNOWN: N_("❔ Not sure it arrived"),
    State.SUBMITTED: N_("▫️ Waiting at the provider"),
    State.PROCESSING: N_("⏳ Rendering"),
    State.CANCELLING: N_("⏹️ Cancelling"),
    State.SUCCEEDED: N_("✅ Done"),
    State.FAILED: N_("❌ Failed"),
    State.CANCELLED: N_("⏹️ Cancelled"),
    State.EXPIRED: N_("❌ No answer in time"),
}
_EMPTY: dict[Which, str] = {
    Which.RUNNING: N_(
        "Nothing of yours is in the making here. `/video` begins something; `/jobs` shows what there was."
    ),
    Which.FINISHED: N_("Nothing of yours has been finished here yet. `/video` begins something."),
    Which.ALL: N_("You have not made anything here yet. Try `/video` and say what should be seen."),
}
_TITLES: dict[Which, str] = {
    Which.RUNNING: N_("What is in the making for you here"),
    Which.FINISHED: N_("What you have had made here"),
    Which.ALL: N_("Your jobs here"),
}


def not_read() -> str:
    """Say that there is no answer just now."""
    return _("I can't look anything up just now. Please try again in a minute. Nothing was changed.")


def unexpected() -> str:
    """Say that something went wrong before anything was changed."""
    return _("Something went wrong on my side, and it has been noted for the admin. Nothing was changed.")


def jobs_command(ctx: Context) -> app_commands.Command[Any, ..., None]:
    """Make the /jobs command."""

    @app_commands.describe(state=N_("Which ones; left out, all of them"))
    async def jobs(interaction: Interaction, state: Literal["running", "finished", "all"] = "all") -> None:
        with working(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            await _show(ctx, interaction, Which(state), 0)

    return app_commands.Command(name="jobs", description=N_("Your jobs here, seen by you alone"), callback=jobs)


class PageButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=_PAGES):
    """Turn to a page of somebody's list."""

    def __init__(self, owner: int, which: Which, page: int, label: str | None = None) -> None:
        self.owner, self.which, self.page = owner, which, page
        super().__init__(
            discord.ui.Button(
                label=label or _("Page"),
                style=discord.ButtonStyle.secondary,
                custom_id=f"jobs:{owner}:{which}:{page}",
            )
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button again from its id."""
        del interaction, item
        return cls(int(match["owner"]), Which(match["which"]), int(match["page"]))

    async def callback(self, interaction: Interaction) -> None:
        """Take a press."""
        with working(interaction):
            if interaction.user.id != self.owner:
                await presses.refuse(interaction)
                return
            try:
                await interaction.response.defer()
                await _show(cast("Host", interaction.client).ctx, interaction, self.which, self.page)
            except TROUBLES as error:
                _log.warning("page not shown", trouble=said(error))


ITEMS: tuple[type[discord.ui.DynamicItem[Any]], ...] = (PageButton,)
TEMPLATES = (_PAGES,)


async def _show(ctx: Context, interaction: Interaction, which: Which, page: int) -> None:
    """Put a page into the message that is there; what cannot be read is said beside it. Raise TROUBLES."""
    guild_id, user_id = server_of(interaction), interaction.user.id
    try:
        # One more than fits tells whether there is a page after it, without counting all of them.
        found = await ctx.database.read(members.listed, guild_id, user_id, which, page * PAGE, PAGE + 1)
        if not found and page:  # there are fewer than there were
            page = 0
            found = await ctx.database.read(members.listed, guild_id, user_id, which, 0, PAGE + 1)
        embed, view = embed_of(card_of(ctx, which, page, found)), _turning(user_id, which, page, len(found) > PAGE)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the member is told
        _log.warning("jobs not listed", exc_info=None if isinstance(error, StorageError) else error)
        text = not_read() if isinstance(error, StorageError) else unexpected()
        await interaction.followup.send(embed=notice(text), ephemeral=True, allowed_mentions=NO_PINGS)
        return
    await interaction.edit_original_response(embed=embed, view=view, allowed_mentions=NO_PINGS)


def _turning(owner: int, which: Which, page: int, more: bool) -> discord.ui.View | None:
    view = discord.ui.View(timeout=None)
    if page > 0:
        view.add_item(PageButton(owner, which, page - 1, _("Newer")))
    if more and page < _LAST_PAGE:
        view.add_item(PageButton(owner, which, page + 1, _("Older")))
    return view if view.children else None


def card_of(ctx: Context, which: Which, page: int, found: Sequence[Listed]) -> Card:
    """Draw a page of a member's list."""
    if not found:
        return Card("", _(_EMPTY[which]), Tone.STOPPED)
    lines = [line for one in found[:PAGE] for line in lines_of(ctx, one)]
    several = page > 0 or len(found) > PAGE
    running = any(not one.job.state.terminal for one in found[:PAGE])
    footer = [_("Page {number}").format(number=number(page + 1))] if several else []
    footer += [_("/cancel gives one up")] if running else []
    return Card(_(_TITLES[which]), "\n".join(lines), Tone.WORKING if running else Tone.DONE, " · ".join(footer))


def lines_of(ctx: Context, one: Listed) -> list[str]:
    """Tell of one job: how it stands and what it is; who makes it, since when, for how much, and where to look."""
    job = one.job
    model = plain(job.model, _MODEL_MOST)
    parts = [
        f"{title_of(ctx.known, job.provider)}{' ' + model if model else ''}",
        f"<t:{job.created_at // 1000}:R>",
    ]
    parts += [_credits(job), *_link(ctx, one)]
    return [f"**{_(STATE_WORDS[job.state])}** · {_about(job)}", f"-# {' · '.join(parts)}"]


def _about(job: Job) -> str:
    words = plain(job.prompt, _PROMPT_MOST)
    if words:
        return words
    if job.operation == Operation.COMPOSE_SHOTS:
        return _("shots put together")
    return made(job.operation)


def _credits(job: Job) -> str:
    if job.charged is None:
        return _("{credits} reserved").format(credits=credits_of(job.price))
    return _("{credits} spent").format(credits=credits_of(job.charged)) if job.charged else _("nothing spent")


def _link(ctx: Context, one: Listed) -> list[str]:
    """Lead to the result where it is posted or kept, else to the card."""
    job, delivery = one.job, one.delivery
    if delivery is not None and delivery.state is DeliveryState.POSTED and delivery.message_id is not None:
        unreachable = job.place is Place.BROUGHT and delivery.way is Way.HERE
        return [] if unreachable else [_linked(_("Result"), address_of(job, delivery))]
    until = (job.finished_at or job.changed_at) + LINK_LIFE_MS
    if delivery is not None and delivery.state is DeliveryState.PARKED and one.file and ctx.now() < until:
        return [_linked(_("Result"), ctx.addresses.link(OUTPUTS, one.file, until))]
    if job.card_message_id is None or job.place is Place.BROUGHT:
        return []
    card = f"https://discord.com/channels/{job.guild_id or '@me'}/{job.channel_id}/{job.card_message_id}"
    return [_linked(_("Card"), card)]


def _linked(words: str, address: str) -> str:
    return f"[{words}]({address})"


def cancel_command(ctx: Context) -> app_commands.Command[Any, ..., None]:
    """Make the /cancel command."""

    @app_commands.describe(job=N_("Which one: choose from the list that opens while you type"))
    async def cancel(interaction: Interaction, job: app_commands.Range[str, 1, 100]) -> None:
        with working(interaction):
            await presses.answered(ctx, interaction, job.strip().lower(), presses.cancelled_by_name)

    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name="cancel", description=N_("Give up a job that is not finished"), callback=cancel
    )
    command.autocomplete("job")(_naming(ctx))
    return command


def _naming(ctx: Context) -> Any:
    """Suggest the jobs that the one who types may give up, and no others."""

    async def complete(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        try:
            everybody = await rights.moderates(ctx, interaction)
            found = await ctx.database.read(
                members.cancellable, server_of(interaction), interaction.user.id, everybody=everybody, limit=_LOOKED_AT
            )
        except StorageError as error:
            _log.warning("no suggestions", trouble=str(error))
            return []
        wanted, now = clean(current).casefold(), ctx.now()
        named = [(label(job, now, own=job.user_id == interaction.user.id), job.code) for job in found]
        fitting = [(name, code) for name, code in named if wanted in name.casefold()]
        return [app_commands.Choice(name=name, value=code) for name, code in fitting[:_MOST_CHOICES]]

    return complete


def label(job: Job, now: int, *, own: bool) -> str:
    """Name a job in a list of choices: how its prompt begins, its age, who asked, its code. Shown as it is."""
    by = _("by {member}").format(member=cut(clean(job.user_name), 20) or _("somebody"))
    age = _("{time} ago").format(time=time_of((now - job.created_at) / 1000))
    end = " · ".join(["", age, *([] if own else [by]), job.code])
    return cut(clean(job.prompt) or made(job.operation), 100 - len(end)) + end
