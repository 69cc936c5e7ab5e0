"""The parts of the /setup panel: what each shows, what its form asks, and how the answers are read. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord

from bot.amounts import credits_of, time_of
from bot.asking import storable
from bot.plain import clean, plain
from providers.orders import Operation
from storage.words import Budget, GuildSettings, Period, Scope

NONE = "none"
_NUMBER = re.compile(r"[0-9]{1,12}")
_MOST_WORDS, _MOST_WORD = 200, 60
_MOST_COOLDOWN = 24 * 3600  # seconds; storage/limits.py looks no further back
_MOST_CHANNELS = 25
Answers = Mapping[str, Sequence[str]]  # what a form's fields hold, by name


class Wrong(Exception):  # noqa: N818 -- an answer, not a fault
    """An answer cannot be taken; the text says why, and what would be right."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All that the panel shows and changes. The four budgets are the ones that bind everybody."""

    settings: GuildSettings
    budgets: tuple[Budget, ...] = ()
    spent: int = 0  # this month

    def budget(self, scope: Scope, period: Period) -> int | None:
        """Read a budget that binds everybody; None: no limit."""
        for one in self.budgets:
            if (one.scope, one.period, one.subject_id) == (scope, period, 0):
                return one.credits
        return None


@dataclass(frozen=True, slots=True)
class Here:
    """What can be chosen here."""

    titles: Mapping[str, str]  # of the vendors, by name
    models: Mapping[str, frozenset[str]]  # that some vendor here knows, by operation


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the panel."""

    title: str
    shown: Callable[[Rules, Here], list[str]]
    fields: Callable[[Rules, Here], list[discord.ui.Label[Any]]]
    read: Callable[[Rules, Here, Answers], Rules]  # raises Wrong


# Who makes it


def _maker(rules: Rules, here: Here) -> list[str]:
    settings = rules.settings
    name = settings.default_provider
    who = f"{here.titles.get(name, name.capitalize())}, where it can" if name else "the cheapest that can"
    models = ", ".join(f"{_words(kind)}: {plain(model, 64)}" for kind, model in sorted(settings.default_models.items()))
    away = "another provider may be tried" if settings.fallback else "the job waits for its provider"
    return [
        f"Provider: {who}, unless a member names one",
        f"Models: {models or 'the usual ones'}",
        f"Down or too busy: {away}",
    ]


def _maker_fields(rules: Rules, here: Here) -> list[discord.ui.Label[Any]]:
    chosen = rules.settings.default_provider or NONE
    vendors = [("The cheapest that can", NONE), *((title, name) for name, title in here.titles.items())]
    models = "\n".join(f"{kind}: {model}" for kind, model in sorted(rules.settings.default_models.items()))
    return [
        _label("Who makes it when a member names nobody", _choice("provider", vendors, chosen)),
        _label("When it is down or too busy", _choice("fallback", _FALLBACK, _flag(rules.settings.fallback))),
        _label(
            "Models to take when a member names none",
            _lines("models", models, "text_to_video: viduq3-pro"),
            f"One a line, after one of: {', '.join(kind for kind in sorted(here.models))}"[:100],
        ),
    ]


_FALLBACK = (("The job waits for its provider", "no"), ("Another provider may be tried", "yes"))


def _maker_read(rules: Rules, here: Here, answers: Answers) -> Rules:
    provider = _one(answers, "provider")
    if provider not in {NONE, *here.titles}:
        raise Wrong("That provider is not set up here.")
    models = dict[str, str]()
    for line in _text(answers, "models").splitlines():
        if not line.strip():
            continue
        kind, _, model = (part.strip() for part in line.partition(":"))
        kind = kind.casefold().replace(" ", "_")
        if kind not in here.models:
            kinds = ", ".join(sorted(here.models))
            raise Wrong(f"“{plain(line, 60)}” is no line like `text_to_video: model`. Kinds: {kinds}.")
        if model not in here.models[kind]:
            known = ", ".join(sorted(here.models[kind])) or "none"
            raise Wrong(f"No provider here knows the model {plain(model, 64)} for {_words(kind)}. Known: {known}.")
        models[kind] = model
    settings = replace(
        rules.settings,
        default_provider=None if provider == NONE else provider,
        default_models=models,
        fallback=_one(answers, "fallback") == "yes",
    )
    return replace(rules, settings=settings)


# When somebody is asked, and how much at a time


def _asking(rules: Rules, _: Here) -> list[str]:
    settings = rules.settings
    confirm = f"above {credits_of(settings.confirm_above)}" if settings.confirm_above is not None else "never"
    approve = f"above {credits_of(settings.approve_above)}" if settings.approve_above is not None else "never"
    most = "any number" if settings.most_running is None else f"{settings.most_running}"
    pause = "none" if settings.cooldown is None else time_of(settings.cooldown)
    return [
        f"Members are asked before it begins: {confirm}",
        f"A moderator must agree: {approve}",
        f"At a time, for each member: {most}",
        f"Pause between two: {pause}",
    ]


def _asking_fields(rules: Rules, _: Here) -> list[discord.ui.Label[Any]]:
    return [
        _label(says, _number(name, getattr(rules.settings, name)), f"Empty: {otherwise}")
        for name, says, otherwise in (
            ("confirm_above", "Ask the member above so many credits", "never"),
            ("approve_above", "Ask a moderator above so many credits", "never"),
            ("most_running", "Jobs of one member at a time", "any number"),
            ("cooldown", "Seconds between two jobs of one member", "none"),
        )
    ]


def _asking_read(rules: Rules, _: Here, answers: Answers) -> Rules:
    numbers = {name: _amount(answers, name) for name in ("confirm_above", "approve_above", "most_running", "cooldown")}
    if (numbers["cooldown"] or 0) > _MOST_COOLDOWN:
        raise Wrong(f"A pause is at most a day: {_MOST_COOLDOWN} seconds.")
    if (numbers["most_running"] or 0) > 1000:
        raise Wrong("At most 1000 jobs at a time can be set; leave it empty for any number.")
    return replace(rules, settings=replace(rules.settings, **numbers))


# Budgets


_BUDGETS = {
    "guild_month": (Scope.GUILD, Period.MONTH, "This server, a month"),
    "guild_day": (Scope.GUILD, Period.DAY, "This server, a day"),
    "member_month": (Scope.MEMBER, Period.MONTH, "Each member, a month"),
    "member_day": (Scope.MEMBER, Period.DAY, "Each member, a day"),
}


def _budgets(rules: Rules, _: Here) -> list[str]:
    found = [
        f"{says}: {'no limit' if credits is None else credits_of(credits)}"
        for scope, period, says in _BUDGETS.values()
        for credits in [rules.budget(scope, period)]
    ]
    others = sum(one.subject_id != 0 for one in rules.budgets)
    more = f"{others} more for single channels, members and roles; " if others else ""
    return [*found, f"-# {more}`/budget` sets those · {credits_of(rules.spent)} used or held this month"]


def _budgets_fields(rules: Rules, _: Here) -> list[discord.ui.Label[Any]]:
    return [
        _label(says, _number(name, rules.budget(scope, period)), "Credits; empty: no limit")
        for name, (scope, period, says) in _BUDGETS.items()
    ]


def _budgets_read(rules: Rules, _: Here, answers: Answers) -> Rules:
    kept = [one for one in rules.budgets if one.subject_id]
    for name, (scope, period, _says) in _BUDGETS.items():
        credits = _amount(answers, name)
        kept += [] if credits is None else [Budget(scope, 0, period, credits)]
    return replace(rules, budgets=tuple(kept))


# Where, and who


def _places(rules: Rules, _: Here) -> list[str]:
    settings = rules.settings
    channels = " ".join(f"<#{one}>" for one in settings.channels) or "everywhere"
    role = f"<@&{settings.moderator_role_id}> and those" if settings.moderator_role_id else "those"
    return [
        f"Members may ask: {channels}",
        f"Moderators: {role} who may manage messages",
        f"Approvals are asked for: {_channel(settings.moderators_channel_id, 'on the card alone')}",
        f"What only admins can mend: {_channel(settings.alerts_channel_id, 'in the log of the program')}",
        f"Acts of moderators and admins: {_channel(settings.log_channel_id, '`/mod log` alone')}",
    ]


def _places_fields(rules: Rules, _: Here) -> list[discord.ui.Label[Any]]:
    settings = rules.settings
    role = [_usual(settings.moderator_role_id, "role")] if settings.moderator_role_id else []
    return [
        _label("Where members may ask", _channels("channels", settings.channels, _MOST_CHANNELS), "None: everywhere"),
        _label(
            "A role of moderators",
            discord.ui.RoleSelect(custom_id="role", required=False, min_values=0, default_values=role),
            "Beside those who may manage messages",
        ),
        _label("Where approvals are asked for", _channels("moderators", [settings.moderators_channel_id])),
        _label("Where I tell what only admins can mend", _channels("alerts", [settings.alerts_channel_id])),
        _label("Where acts of moderators and admins are told", _channels("log", [settings.log_channel_id])),
    ]


def _places_read(rules: Rules, _: Here, answers: Answers) -> Rules:
    settings = replace(
        rules.settings,
        channels=tuple(_ids(answers, "channels"))[:_MOST_CHANNELS],
        moderator_role_id=next(_ids(answers, "role"), None),
        moderators_channel_id=next(_ids(answers, "moderators"), None),
        alerts_channel_id=next(_ids(answers, "alerts"), None),
        log_channel_id=next(_ids(answers, "log"), None),
    )
    return replace(rules, settings=settings)


# What may be asked for


def _content(rules: Rules, _: Here) -> list[str]:
    settings = rules.settings
    words = f"{len(settings.forbidden)} that no prompt may hold" if settings.forbidden else "none forbidden"
    return [
        f"Words: {words}",
        f"Channels: {'age-restricted ones only' if settings.nsfw_only else 'of every kind'}",
        f"Results: {'covered until they are clicked' if settings.spoiler else 'shown as they are'}",
    ]


def _content_fields(rules: Rules, _: Here) -> list[discord.ui.Label[Any]]:
    settings = rules.settings
    return [
        _label(
            "Words no prompt may hold",
            _lines("forbidden", "\n".join(settings.forbidden), ""),
            "One a line; not shown to members",
        ),
        _label("Where", _choice("nsfw_only", _NSFW, _flag(settings.nsfw_only))),
        _label("Results", _choice("spoiler", _SPOILER, _flag(settings.spoiler))),
    ]


_NSFW = (("Channels of every kind", "no"), ("Age-restricted channels only", "yes"))
_SPOILER = (("Shown as they are", "no"), ("Covered until they are clicked", "yes"))


def _content_read(rules: Rules, _: Here, answers: Answers) -> Rules:
    words = [clean(line) for line in _text(answers, "forbidden").splitlines()]
    words = list(dict.fromkeys(word for word in words if word))
    if len(words) > _MOST_WORDS or any(len(word) > _MOST_WORD for word in words):
        raise Wrong(f"At most {_MOST_WORDS} words of at most {_MOST_WORD} characters can be forbidden.")
    settings = replace(
        rules.settings,
        forbidden=tuple(words),
        nsfw_only=_one(answers, "nsfw_only") == "yes",
        spoiler=_one(answers, "spoiler") == "yes",
    )
    return replace(rules, settings=settings)


PARTS = {
    "maker": Part("Who makes it", _maker, _maker_fields, _maker_read),
    "asking": Part("Prices and pace", _asking, _asking_fields, _asking_read),
    "budgets": Part("Budgets", _budgets, _budgets_fields, _budgets_read),
    "places": Part("Places and people", _places, _places_fields, _places_read),
    "content": Part("Content", _content, _content_fields, _content_read),
}


def _one(answers: Answers, name: str) -> str:
    return next(iter(answers.get(name, ())), "")


def _text(answers: Answers, name: str) -> str:
    return "\n".join(storable(line) for line in _one(answers, name).splitlines())


def _amount(answers: Answers, name: str) -> int | None:
    text = re.sub(r"[\s,._']", "", _one(answers, name))
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise Wrong(f"“{plain(_one(answers, name), 40)}” is no whole number.")
    return int(text)


def _ids(answers: Answers, name: str) -> Iterator[int]:
    return (int(one) for one in answers.get(name, ()) if one.isascii() and one.isdigit() and len(one) < 20)


def _label(text: str, component: discord.ui.Item[Any], hint: str | None = None) -> discord.ui.Label[Any]:
    return discord.ui.Label(text=text, description=hint, component=component)


def _choice(name: str, entries: Sequence[tuple[str, str]], chosen: str) -> discord.ui.Select[Any]:
    options = [discord.SelectOption(label=label, value=value, default=value == chosen) for label, value in entries]
    return discord.ui.Select(custom_id=name, options=options, required=True)


def _channels(name: str, chosen: Sequence[int | None], most: int = 1) -> discord.ui.ChannelSelect[Any]:
    return discord.ui.ChannelSelect(
        custom_id=name,
        channel_types=[discord.ChannelType.text],
        required=False,
        min_values=0,
        max_values=most,
        default_values=[_usual(one, "channel") for one in chosen if one is not None],
    )


def _usual(number: int, kind: str) -> discord.SelectDefaultValue:
    return discord.SelectDefaultValue(id=number, type=discord.SelectDefaultValueType(kind))


def _number(name: str, value: int | None) -> discord.ui.TextInput[Any]:
    default = None if value is None else str(value)
    return discord.ui.TextInput(custom_id=name, default=default, required=False, max_length=20)


def _lines(name: str, text: str, example: str) -> discord.ui.TextInput[Any]:
    return discord.ui.TextInput(
        custom_id=name,
        style=discord.TextStyle.paragraph,
        default=text[:4000] or None,
        placeholder=example or None,
        required=False,
        max_length=4000,
    )


def _flag(value: bool) -> str:
    return "yes" if value else "no"


def _channel(number: int | None, otherwise: str) -> str:
    return f"<#{number}>" if number else otherwise


def _words(operation: str) -> str:
    return Operation(operation).value.replace("_", " ") if operation in set(Operation) else plain(operation, 40)
