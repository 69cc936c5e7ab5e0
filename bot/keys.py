"""The page of /setup where admins give this server a key of its own at a vendor, replace it, or take it away.

A key is read from the sent form once, and goes to the vendor and into the vault; no message, log line or act holds it.
Who presses or sends is judged anew each time, and all of it works after any restart.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, Self, cast

import discord
import structlog

from bot import key_texts, refusals
from bot.key_texts import Shown
from bot.language import _
from bot.looks import notice
from bot.rights import Interaction
from bot.sent import fields_of, form_of
from bot.talking import NO_PINGS, TROUBLES, said, working
from jobs import own_keys
from jobs.context import Context
from jobs.own_keys import Flaw, Verdict
from storage import StorageError, vendor_keys
from storage.words import StoredKey

_BUTTON = re.compile(r"keys:(?P<act>page|home|set|ask|drop)(?::(?P<about>[a-z0-9]{1,32}))?")
_FORM = re.compile(r"keyform:(?P<vendor>[a-z0-9]{1,32})")
_ACCENT, _DANGER = 0x5865F2, 0xE74C3C
_LONGEST = 512  # characters of a key
_log = structlog.get_logger("bot.keys")


class _Host(Protocol):
    ctx: Context

    async def setup_opened(self, interaction: Interaction) -> None:
        """Show the whole panel again."""
        ...


class KeyButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.LayoutView]], template=_BUTTON):
    """Do one of the acts of the page; `about`: a vendor, or the id of a key."""

    def __init__(self, act: str, about: str = "", label: str = "") -> None:
        self.act, self.about = act, about
        style = discord.ButtonStyle.danger if act in {"ask", "drop"} else discord.ButtonStyle.secondary
        custom_id = f"keys:{act}:{about}" if about else f"keys:{act}"
        super().__init__(discord.ui.Button(label=label or act, style=style, custom_id=custom_id))

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button again from its id."""
        del interaction, item
        return cls(match["act"], match["about"] or "")

    async def callback(self, interaction: Interaction) -> None:
        """Take a press."""
        with working(interaction):
            await _pressed(cast("_Host", interaction.client), interaction, self.act, self.about)


ITEMS: tuple[type[discord.ui.DynamicItem[Any]], ...] = (KeyButton,)
TEMPLATES = (_BUTTON,)


def section(ctx: Context, guild_id: int | None) -> discord.ui.Section[discord.ui.LayoutView]:
    """Draw the part of the panel that leads to the page."""
    own = [ctx.keys.title(name) for name in ctx.keys.vendors if ctx.keys.uses(guild_id, name)]
    title = _("Vendor keys")
    return _section(f"**{title}**\n{key_texts.summary(own)}", KeyButton("page", label=_("Open")))


def _section(words: str, button: KeyButton) -> discord.ui.Section[discord.ui.LayoutView]:
    accessory = cast("discord.ui.Item[discord.ui.LayoutView]", button)
    return discord.ui.Section(discord.ui.TextDisplay[discord.ui.LayoutView](words), accessory=accessory)


def page(ctx: Context, guild_id: int, keys: list[StoredKey], news: str = "") -> discord.ui.LayoutView:
    """Draw the page; `news`: what was changed just now."""
    frame = discord.ui.Container[discord.ui.LayoutView](accent_colour=_ACCENT)
    title = _("Vendor keys")
    frame.add_item(discord.ui.TextDisplay(f"## {title}\n{key_texts.about()}"))
    lost = ctx.keys.unreadable(guild_id)
    mine = {key.provider: key for key in keys}
    for name in ctx.keys.vendors:
        key = mine.get(name)
        shown = Shown(ctx.keys.title(name), key, name in lost, name in ctx.providers)
        frame.add_item(_section(key_texts.line(shown), KeyButton("set", name, _("Replace") if key else _("Set a key"))))
    if news:
        frame.add_item(discord.ui.TextDisplay(f"-# {news}"))
    view = discord.ui.LayoutView(timeout=None)
    view.add_item(frame)
    removable = [
        KeyButton("ask", str(key.id), _("Remove {vendor}'s key").format(vendor=ctx.keys.title(key.provider)))
        for key in keys
    ]
    for row in (removable[:5], removable[5:10], [KeyButton("home", label=_("Back"))]):
        if row:
            view.add_item(_row(row))
    return view


def _row(buttons: list[KeyButton]) -> discord.ui.ActionRow[discord.ui.LayoutView]:
    row = discord.ui.ActionRow[discord.ui.LayoutView]()
    for button in buttons:
        row.add_item(cast("discord.ui.Item[discord.ui.LayoutView]", button))
    return row


def _question(title: str, key: StoredKey) -> discord.ui.LayoutView:
    """Ask whether a key is really to go."""
    frame = discord.ui.Container[discord.ui.LayoutView](accent_colour=_DANGER)
    frame.add_item(discord.ui.TextDisplay(key_texts.really(title, key)))
    view = discord.ui.LayoutView(timeout=None)
    view.add_item(frame)
    view.add_item(_row([KeyButton("drop", str(key.id), _("Remove it")), KeyButton("page", label=_("Keep it"))]))
    return view


async def _pressed(host: _Host, interaction: Interaction, act: str, about: str) -> None:
    ctx, refusal = host.ctx, _refusal(interaction)
    if refusal is not None:
        await _refuse(interaction, refusal)
    elif act == "home":
        await host.setup_opened(interaction)
    elif act == "set":
        await (_open_form(ctx, interaction, about) if about in ctx.keys.vendors else _refuse(interaction, _stale()))
    else:
        await interaction.response.defer()
        await _guarded(interaction, lambda: _changed(ctx, interaction, act, about))


async def _changed(ctx: Context, interaction: Interaction, act: str, about: str) -> None:
    """Show the page, ask about a key, or take it away. Raise StorageError."""
    guild_id = interaction.guild_id or 0
    key_id = int(about) if about.isdecimal() and len(about) < 20 else 0
    keys, news = await ctx.database.read(vendor_keys.of_guild, guild_id), ""
    if act == "ask":
        key = next((one for one in keys if one.id == key_id), None)
        if key is not None:
            question = _question(ctx.keys.title(key.provider), key)
            await interaction.edit_original_response(view=question, allowed_mentions=NO_PINGS)
            return
        news = _stale()
    elif act == "drop":
        gone = await own_keys.drop(ctx, guild_id, key_id, interaction.user.id)
        ctx.wakes.acts.set()
        news = _stale() if gone is None else key_texts.removed(ctx.keys.title(gone.provider))
        keys = await ctx.database.read(vendor_keys.of_guild, guild_id)
    view = page(ctx, guild_id, _known(ctx, keys), news)
    await interaction.edit_original_response(view=view, allowed_mentions=NO_PINGS)


def _known(ctx: Context, keys: list[StoredKey]) -> list[StoredKey]:
    return [key for key in keys if key.provider in ctx.keys.vendors]


async def _open_form(ctx: Context, interaction: Interaction, vendor: str) -> None:
    title = key_texts.form_title(ctx.keys.title(vendor))
    form = discord.ui.Modal(title=title[:45], custom_id=f"keyform:{vendor}")
    paired = vendor in own_keys.PAIRED
    form.add_item(_field("api_key", _("API key"), required=not paired))
    if paired:
        form.add_item(_field("access_key", _("Or: access key"), required=False))
        form.add_item(_field("secret_key", _("With it: secret key"), required=False))
    form.stop()  # or discord.py keeps every form that was ever shown
    await interaction.response.send_modal(form)


def _field(name: str, says: str, *, required: bool) -> discord.ui.Label[Any]:
    box = discord.ui.TextInput[Any](custom_id=name, required=required, max_length=_LONGEST)
    return discord.ui.Label(text=says, description=_("Stored encrypted, and never shown again"), component=box)


async def form_submitted(ctx: Context, interaction: Interaction) -> bool:
    """Take a sent key; False when it is no form of ours."""
    sent = form_of(interaction, _FORM)
    if sent is None:
        return False
    found, parts = sent
    refusal, vendor = _refusal(interaction), found["vendor"]
    if refusal is not None or vendor not in ctx.keys.vendors:
        await _refuse(interaction, refusal or _stale())
        return True
    await interaction.response.defer()
    fields = {name: next(iter(values), "") for name, values in fields_of(parts).items()}
    names = ("api_key", "access_key", "secret_key")
    typed = own_keys.Typed(*(fields.get(name, "") for name in names))
    await _guarded(interaction, lambda: _put(ctx, interaction, vendor, typed))
    return True


async def _put(ctx: Context, interaction: Interaction, vendor: str, typed: own_keys.Typed) -> None:
    """Try and store a key, and show the page with what came of it. Raise StorageError."""
    title, guild_id = ctx.keys.title(vendor), interaction.guild_id or 0
    account = own_keys.read(vendor, typed)
    if isinstance(account, Flaw):
        await _say(interaction, key_texts.flawed(account))
        return
    async with ctx.keys.tries.turn(guild_id):
        full = ctx.keys.tries.taken(guild_id, interaction.user.id, ctx.now())
        if full is not None:
            await _say(interaction, key_texts.too_many(full))
            return
        tried = await own_keys.tried(ctx, vendor, account)
    if tried.verdict is Verdict.WRONG:
        await _say(interaction, key_texts.wrong(title, tried.http))
        return
    put = await own_keys.put(ctx, guild_id, vendor, account, interaction.user.id)
    ctx.wakes.acts.set()
    keys = await ctx.database.read(vendor_keys.of_guild, guild_id)
    view = page(ctx, guild_id, _known(ctx, keys), key_texts.stored(title, put, tried))
    await interaction.edit_original_response(view=view, allowed_mentions=NO_PINGS)


async def _guarded(interaction: Interaction, work: Callable[[], Awaitable[None]]) -> None:
    """Do something after the answer was put off, and say so when it cannot be done."""
    try:
        await work()
    except StorageError as error:
        _log.warning("keys not read or stored", trouble=str(error))
        await _say(interaction, key_texts.not_stored())
    except TROUBLES as error:
        _log.warning("page not shown", trouble=said(error))


async def _say(interaction: Interaction, text: str) -> None:
    await interaction.followup.send(embed=notice(text), ephemeral=True, allowed_mentions=NO_PINGS)


def _refusal(interaction: Interaction) -> str | None:
    if interaction.guild_id is None:
        return refusals.only_in_servers()
    return None if interaction.permissions.manage_guild else key_texts.not_admin()


async def _refuse(interaction: Interaction, text: str) -> None:
    try:
        await interaction.response.send_message(embed=notice(text), ephemeral=True, allowed_mentions=NO_PINGS)
    except TROUBLES as error:
        _log.warning("press not answered", trouble=said(error))


def _stale() -> str:
    return _("That key is not in use any more. Nothing was changed.")
