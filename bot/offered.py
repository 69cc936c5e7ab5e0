"""Every command the bot offers, in the order in which a person meets them, and the page that describes them."""

from collections.abc import Iterator
from typing import Any

import discord
from discord import app_commands

from bot.balance import balance_command
from bot.budgets import budget_command
from bot.commands import all_commands
from bot.credits import credits_command
from bot.doctor import doctor_command
from bot.help import help_command
from bot.mine import cancel_command, jobs_command
from bot.moderation import mod_group
from bot.mv import mv_group
from bot.mydata import mydata_group
from bot.places import anywhere
from bot.presets import preset_group
from bot.setup import setup_command
from jobs.attachments import Desk
from jobs.context import Context

Offered = app_commands.Command[Any, ..., None] | app_commands.Group | app_commands.ContextMenu
_KINDS = {
    discord.AppCommandOptionType.string: "text",
    discord.AppCommandOptionType.integer: "whole number",
    discord.AppCommandOptionType.number: "number",
    discord.AppCommandOptionType.boolean: "True or False",
    discord.AppCommandOptionType.user: "member",
    discord.AppCommandOptionType.role: "role",
    discord.AppCommandOptionType.channel: "channel",
    discord.AppCommandOptionType.attachment: "file",
}


def every_command(ctx: Context, desk: Desk) -> list[Offered]:
    """Make every command. What is the server's own is offered there alone."""
    return [
        *(anywhere(command) for command in all_commands(ctx, desk)),
        anywhere(mv_group(ctx, desk)),
        anywhere(jobs_command(ctx)),
        anywhere(cancel_command(ctx)),
        anywhere(balance_command(ctx)),
        preset_group(ctx),
        anywhere(mydata_group(ctx)),
        anywhere(help_command(ctx)),
        mod_group(ctx),
        setup_command(ctx),
        budget_command(ctx),
        credits_command(ctx),
        doctor_command(ctx),
    ]


def reference(commands: list[Offered]) -> str:
    """Write the page of all commands as Markdown."""
    parts = [
        "# Commands",
        "",
        "Made by `rushes commands`; a test holds it to the bot. Options with * must be filled in.",
    ]
    for command in commands:
        for one, needs in _leaves(command):
            parts += ["", *_described(one, needs)]
    return "\n".join(parts) + "\n"


def _leaves(command: Offered) -> Iterator[tuple[app_commands.Command[Any, ..., None] | app_commands.ContextMenu, str]]:
    needs = _who(command.default_permissions) or _where(command)
    if isinstance(command, app_commands.Group):
        for inner in command.commands:
            if isinstance(inner, app_commands.Command):
                yield inner, needs
    else:
        yield command, needs


def _described(command: app_commands.Command[Any, ..., None] | app_commands.ContextMenu, needs: str) -> list[str]:
    if isinstance(command, app_commands.ContextMenu):
        return [f"## *Apps → {command.name}*", "", f"On a message's menu. {needs}".strip()]
    lines = [f"## /{command.qualified_name}", "", f"{command.description}. {needs}".strip()]
    if command.parameters:
        lines += ["", "| option | is | for |", "| --- | --- | --- |"]
        lines += [_option(parameter) for parameter in command.parameters]
    return lines


def _option(parameter: app_commands.Parameter) -> str:
    kind = _KINDS.get(parameter.type, parameter.type.name)
    if parameter.choices:
        kind = " or ".join(f"`{choice.value}`" for choice in parameter.choices)
    elif parameter.type is discord.AppCommandOptionType.integer and parameter.min_value is not None:
        kind = f"{kind}, {parameter.min_value} to {parameter.max_value}"
    says = str(parameter.description).replace("|", "\\|")
    return f"| {parameter.display_name}{' *' if parameter.required else ''} | {kind} | {says} |"


def _where(command: Offered) -> str:
    return "" if command.allowed_contexts and command.allowed_contexts.dm_channel else "In servers only."


def _who(permissions: discord.Permissions | None) -> str:
    if permissions is None:
        return ""
    return "For admins (Manage Server)." if permissions.manage_guild else "For moderators (Manage Messages)."
