"""The commands that make something: /video and the rest, made from their descriptions in options.py."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from discord import app_commands

from bot import modals, options, presets, refusals
from bot.animate import animate_command
from bot.choices import suggestions
from bot.language import language_of, speak
from bot.options import FORMS, Form, asked_of, half_typed
from bot.places import server_of
from bot.taking import Asked, Interaction, refuse, stumbled, take
from jobs.attachments import Desk
from jobs.context import Context
from providers.orders import Problem

__all__ = ["Asked", "Tree", "all_commands", "take"]
_log = structlog.get_logger("bot.commands")


def all_commands(
    ctx: Context, desk: Desk | None = None
) -> list[app_commands.Command[Any, ..., None] | app_commands.ContextMenu]:
    """Make every command that makes something. `desk`: where files are opened, if that is shared with others."""
    desk = desk or Desk()
    waiting = modals.Waiting(ctx.clock)
    return [*(making_command(ctx, desk, form, waiting) for form in FORMS), animate_command(ctx, desk, waiting)]


def making_command(
    ctx: Context, desk: Desk, form: Form, waiting: modals.Waiting | None = None
) -> app_commands.Command[Any, ..., None]:
    """Make a command from its description. `waiting`: where forms for further choices are kept, if it offers one."""

    async def run(interaction: Interaction, **given: Any) -> None:
        asked = asked_of(form, given)
        if isinstance(asked, Problem):
            await refuse(interaction, refusals.refused([asked], None))
        elif waiting is not None and given.get("advanced"):
            await modals.open_advanced(ctx, desk, waiting, interaction, asked, form.extras)
        else:
            await take(ctx, desk, interaction, asked)

    # discord.py reads a command's options from the signature of its function.
    asker = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Interaction)
    run.__signature__ = inspect.Signature([asker, *map(_parameter, form.options)])  # type: ignore[attr-defined]
    described = app_commands.describe(**{option.name: option.says for option in form.options})(run)
    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name=form.name, description=form.says, callback=described, extras={options.OPERATIONS: form.operations}
    )
    for option in form.options:
        if option.name in options.SUGGESTED:
            command.autocomplete(option.name)(_completer(ctx, form, option.name))
        elif option is options.PRESET:
            command.autocomplete(option.name)(presets.naming(ctx))
    return command


def _parameter(option: options.Option) -> inspect.Parameter:
    default = inspect.Parameter.empty if option.required else None
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(option.name, kind, default=default, annotation=option.kind)


def _completer(ctx: Context, form: Form, option: str) -> Any:
    async def complete(interaction: Interaction, current: str) -> list[app_commands.Choice[Any]]:
        try:
            data: Any = interaction.data
            typed = half_typed(form, _options_of(data), option)
            offers = suggestions(ctx.offered(server_of(interaction)), typed, option, str(current))
        except Exception:  # noqa: BLE001 -- an empty list lets the member go on typing
            _log.exception("no suggestions", option=option)
            return []
        return [app_commands.Choice(name=label, value=value) for label, value in offers]

    return complete


def _options_of(data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Read the typed options, which a command in a group has one level further down."""
    options: Sequence[Mapping[str, Any]] = data.get("options", [])
    return options[0]["options"] if options and "options" in options[0] else options


class Tree(app_commands.CommandTree[Any]):
    """The commands, and the one place where what nobody foresaw becomes one sentence and one log line."""

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Let everybody in, and speak their language from here on; each command judges for itself who may what."""
        speak(language_of(interaction.locale))
        return True

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        """Tell the member that something went wrong, if they can still be told."""
        await stumbled(interaction, error.__cause__ or error)
