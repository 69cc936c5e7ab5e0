"""The parts of the /setup panel: what each shows, what its form asks, and how the answers are read. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import discord

from bot import setup_fields as field
from bot.amounts import credits_of, time_of
from bot.language import LANGUAGES, N_, _, both, ngettext, number
from bot.plain import clean, plain
from bot.setup_fields import Answers, Wrong
from providers.orders import Operation
from storage.words import Budget, GuildSettings, Period, Scope

__all__ = ["PARTS", "Here", "Part", "Rules", "Wrong"]
NONE = "none"
_MOST_WORDS, _MOST_WORD = 200, 60
_MOST_COOLDOWN = 24 * 3600  # seconds; storage/limits.py looks no further back
_MOST_RUNNING = 1000
_MOST_CHANNELS = 25


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

    name: str  # in English
    shown: Callable[[Rules, Here], list[str]]
    fields: Callable[[Rules, Here], list[discord.ui.Label[Any]]]
    read: Callable[[Rules, Here, Answers], Rules]  # raises Wrong

    @property
    def title(self) -> str:
        """Name the part, in at most 45 characters."""
        return _(self.name)


# Who makes it


def _maker(rules: Rules, here: Here) -> list[str]:
    settings = rules.settings
    name = settings.default_provider
    if name:
        words = _("Provider: {provider}, where it can, unless a member names one")
        who = words.format(provider=here.titles.get(name, name.capitalize()))
    else:
        who = _("Provider: the cheapest that can, unless a member names one")
    models = " · ".join(
        f"{_words(kind)}: {plain(model, 64)}" for kind, model in sorted(settings.default_models.items())
    )
    return [
        who,
        _("Models: {models}").format(models=models) if models else _("Models: the usual ones"),
        _("Down or too busy: another provider may be tried")
        if settings.fallback
        else _("Down or too busy: the job waits for its provider"),
    ]


def _maker_fields(rules: Rules, here: Here) -> list[discord.ui.Label[Any]]:
    chosen = rules.settings.default_provider or NONE
    vendors = [(_("The cheapest that can"), NONE), *((title, name) for name, title in here.titles.items())]
    fallback = ((_("The job waits for its provider"), "no"), (_("Another provider may be tried"), "yes"))
    models = "\n".join(f"{kind}: {model}" for kind, model in sorted(rules.settings.default_models.items()))
    hint = _("One a line, after one of: {kinds}").format(kinds=", ".join(sorted(here.models)))
    return [
        field.label(_("Who makes it when a member names nobody"), field.choice("provider", vendors, chosen)),
        field.label(
            _("When it is down or too busy"), field.choice("fallback", fallback, field.flag(rules.settings.fallback))
        ),
        field.label(
            _("Models to take when a member names none"),
            field.lines("models", models, "text_to_video: viduq3-pro"),
            hint[:100],
        ),
    ]


def _maker_read(rules: Rules, here: Here, answers: Answers) -> Rules:
    provider = field.one(answers, "provider")
    if provider not in {NONE, *here.titles}:
        raise Wrong(_("That provider is not set up here."))
    models = dict[str, str]()
    for line in field.text(answers, "models").splitlines():
        if not line.strip():
            continue
        kind, _colon, model = (part.strip() for part in line.partition(":"))
        kind = kind.casefold().replace(" ", "_")
        if kind not in here.models:
            wrong = _("“{line}” is no line like `text_to_video: model`. Kinds: {kinds}.")
            raise Wrong(wrong.format(line=plain(line, 60), kinds=both(sorted(here.models))))
        if model not in here.models[kind]:
            wrong = _("No provider here knows the model {model} for {kind}. Known: {models}.")
            known = both(sorted(here.models[kind]))
            raise Wrong(wrong.format(model=plain(model, 64), kind=_words(kind), models=known))
        models[kind] = model
    settings = replace(
        rules.settings,
        default_provider=None if provider == NONE else provider,
        default_models=models,
        fallback=field.one(answers, "fallback") == "yes",
    )
    return replace(rules, settings=settings)


# When somebody is asked, and how much at a time


def _asking(rules: Rules, _here: Here) -> list[str]:
    settings = rules.settings
    confirm, approve = settings.confirm_above, settings.approve_above
    most, pause = settings.most_running, settings.cooldown
    return [
        _("Members are asked before it begins: never")
        if confirm is None
        else _("Members are asked before it begins: above {credits}").format(credits=credits_of(confirm)),
        _("A moderator must agree: never")
        if approve is None
        else _("A moderator must agree: above {credits}").format(credits=credits_of(approve)),
        _("At a time, for each member: any number")
        if most is None
        else _("At a time, for each member: {count}").format(count=number(most)),
        _("Pause between two: none") if pause is None else _("Pause between two: {time}").format(time=time_of(pause)),
    ]


_NUMBERS = (
    ("confirm_above", N_("Ask the member above so many credits"), N_("Empty: never")),
    ("approve_above", N_("Ask a moderator above so many credits"), N_("Empty: never")),
    ("most_running", N_("Jobs of one member at a time"), N_("Empty: any number")),
    ("cooldown", N_("Seconds between two jobs of one member"), N_("Empty: none")),
)


def _asking_fields(rules: Rules, _here: Here) -> list[discord.ui.Label[Any]]:
    return [
        field.label(_(says), field.number(name, getattr(rules.settings, name)), _(hint))
        for name, says, hint in _NUMBERS
    ]


def _asking_read(rules: Rules, _here: Here, answers: Answers) -> Rules:
    numbers = {name: field.amount(answers, name) for name, _says, _hint in _NUMBERS}
    if (numbers["cooldown"] or 0) > _MOST_COOLDOWN:
        raise Wrong(_("A pause is at most a day: {seconds} seconds.").format(seconds=_MOST_COOLDOWN))
    if numbers["most_running"] == 0:
        raise Wrong(_("With 0 jobs at a time nobody could ask for anything; leave it empty for any number."))
    if (numbers["most_running"] or 0) > _MOST_RUNNING:
        wrong = _("At most {count} jobs at a time can be set; leave it empty for any number.")
        raise Wrong(wrong.format(count=_MOST_RUNNING))
    return replace(rules, settings=replace(rules.settings, **numbers))


# Budgets


_BUDGETS = {
    "guild_month": (
        Scope.GUILD, Period.MONTH, N_("This server, a month"),
        N_("This server, a month: {credits}"), N_("This server, a month: no limit"),
    ),
    "guild_day": (
        Scope.GUILD, Period.DAY, N_("This server, a day"),
        N_("This server, a day: {credits}"), N_("This server, a day: no limit"),
    ),
    "member_month": (
        Scope.MEMBER, Period.MONTH, N_("Each member, a month"),
        N_("Each member, a month: {credits}"), N_("Each member, a month: no limit"),
    ),
    "member_day": (
        Scope.MEMBER, Period.DAY, N_("Each member, a day"),
        N_("Each member, a day: {credits}"), N_("Each member, a day: no limit"),
    ),
}  # fmt: skip


def _budgets(rules: Rules, _here: Here) -> list[str]:
    found = [
        _(unlimited) if credits is None else _(limited).format(credits=credits_of(credits))
        for scope, period, _says, limited, unlimited in _BUDGETS.values()
        for credits in [rules.budget(scope, period)]
    ]
    others = sum(one.subject_id != 0 for one in rules.budgets)
    if others:
        more = ngettext(
            "{count} more for a single channel, member or role; `/budget` sets those",
            "{count} more for single channels, members and roles; `/budget` sets those",
            others,
        ).format(count=number(others))
    else:
        more = _("`/budget` sets those for single channels, members and roles")
    used = _("{credits} used or held this month").format(credits=credits_of(rules.spent))
    return [*found, f"-# {more} · {used}"]


def _budgets_fields(rules: Rules, _here: Here) -> list[discord.ui.Label[Any]]:
    return [
        field.label(_(says), field.number(name, rules.budget(scope, period)), _("Credits; empty: no limit"))
        for name, (scope, period, says, *_lines) in _BUDGETS.items()
    ]


def _budgets_read(rules: Rules, _here: Here, answers: Answers) -> Rules:
    kept = [one for one in rules.budgets if one.subject_id]
    for name, (scope, period, *_lines) in _BUDGETS.items():
        credits = field.amount(answers, name)
        kept += [] if credits is None else [Budget(scope, 0, period, credits)]
    return replace(rules, budgets=tuple(kept))


# Where, and who


def _places(rules: Rules, _here: Here) -> list[str]:
    settings = rules.settings
    role, asked = settings.moderator_role_id, settings.moderators_channel_id
    alerts, log = settings.alerts_channel_id, settings.log_channel_id
    return [
        _("Members may ask: {channels}").format(channels=" ".join(f"<#{one}>" for one in settings.channels))
        if settings.channels
        else _("Members may ask: everywhere"),
        _("Moderators: {role} and those who may manage messages").format(role=f"<@&{role}>")
        if role
        else _("Moderators: those who may manage messages"),
        _("Approvals are asked for: {channel}").format(channel=f"<#{asked}>")
        if asked
        else _("Approvals are asked for: {channel}").format(channel=f"<#{alerts}>")
        if alerts
        else _("⚠️ Approvals are asked for on the card alone: choose a channel, or no moderator hears of them")
        if settings.approve_above is not None
        else _("Approvals are asked for: on the card alone"),
        _("What only admins can mend: {channel}").format(channel=f"<#{alerts}>")
        if alerts
        else _("What only admins can mend: in the log of the program"),
        _("Acts of moderators and admins: {channel}").format(channel=f"<#{log}>")
        if log
        else _("Acts of moderators and admins: `/mod log` alone"),
    ]


def _places_fields(rules: Rules, _here: Here) -> list[discord.ui.Label[Any]]:
    settings = rules.settings
    where = field.channels("channels", settings.channels, _MOST_CHANNELS)
    role = field.role("role", settings.moderator_role_id)
    moderators = field.channels("moderators", [settings.moderators_channel_id])
    alerts, log = settings.alerts_channel_id, settings.log_channel_id
    return [
        field.label(_("Where members may ask"), where, _("None: everywhere")),
        field.label(_("A role of moderators"), role, _("Beside those who may manage messages")),
        field.label(_("Where approvals are asked for"), moderators),
        field.label(_("Where I tell what only admins can mend"), field.channels("alerts", [alerts])),
        field.label(_("Where acts of moderators and admins are told"), field.channels("log", [log])),
    ]


def _places_read(rules: Rules, _here: Here, answers: Answers) -> Rules:
    settings = replace(
        rules.settings,
        channels=tuple(field.ids(answers, "channels"))[:_MOST_CHANNELS],
        moderator_role_id=next(field.ids(answers, "role"), None),
        moderators_channel_id=next(field.ids(answers, "moderators"), None),
        alerts_channel_id=next(field.ids(answers, "alerts"), None),
        log_channel_id=next(field.ids(answers, "log"), None),
    )
    return replace(rules, settings=settings)


# What may be asked for, and in which language all see it


def _content(rules: Rules, _here: Here) -> list[str]:
    settings = rules.settings
    count = len(settings.forbidden)
    words = ngettext("Words: {count} that no prompt may hold", "Words: {count} that no prompt may hold", count)
    spoken = LANGUAGES.get(settings.language or "")
    return [
        words.format(count=number(count)) if count else _("Words: none forbidden"),
        _("Channels: age-restricted ones only") if settings.nsfw_only else _("Channels: of every kind"),
        _("Results: covered until they are clicked") if settings.spoiler else _("Results: shown as they are"),
        _("Language of what all can see: {language}").format(language=spoken)
        if spoken
        else _("Language of what all can see: as each member's Discord is set"),
    ]


def _content_fields(rules: Rules, _here: Here) -> list[discord.ui.Label[Any]]:
    settings = rules.settings
    nsfw = ((_("Channels of every kind"), "no"), (_("Age-restricted channels only"), "yes"))
    spoiler = ((_("Shown as they are"), "no"), (_("Covered until they are clicked"), "yes"))
    languages = [(_("As each member's Discord is set"), NONE), *((name, code) for code, name in LANGUAGES.items())]
    forbidden = field.lines("forbidden", "\n".join(settings.forbidden), "")
    return [
        field.label(_("Words no prompt may hold"), forbidden, _("One a line; not shown to members")),
        field.label(_("Where"), field.choice("nsfw_only", nsfw, field.flag(settings.nsfw_only))),
        field.label(_("Results"), field.choice("spoiler", spoiler, field.flag(settings.spoiler))),
        field.label(
            _("Language of what all can see"),
            field.choice("language", languages, settings.language or NONE),
            _("Cards, results, and what I tell moderators and admins in their channels"),
        ),
    ]


def _content_read(rules: Rules, _here: Here, answers: Answers) -> Rules:
    words = [clean(line) for line in field.text(answers, "forbidden").splitlines()]
    words = list(dict.fromkeys(word for word in words if word))
    if len(words) > _MOST_WORDS or any(len(word) > _MOST_WORD for word in words):
        wrong = _("At most {count} words of at most {length} characters can be forbidden.")
        raise Wrong(wrong.format(count=_MOST_WORDS, length=_MOST_WORD))
    language = field.one(answers, "language") or rules.settings.language or NONE
    if language not in {NONE, *LANGUAGES}:
        raise Wrong(_("I don't speak that language."))
    settings = replace(
        rules.settings,
        forbidden=tuple(words),
        nsfw_only=field.one(answers, "nsfw_only") == "yes",
        spoiler=field.one(answers, "spoiler") == "yes",
        language=None if language == NONE else language,
    )
    return replace(rules, settings=settings)


PARTS = {
    "maker": Part(N_("Who makes it"), _maker, _maker_fields, _maker_read),
    "asking": Part(N_("Prices and pace"), _asking, _asking_fields, _asking_read),
    "budgets": Part(N_("Budgets"), _budgets, _budgets_fields, _budgets_read),
    "places": Part(N_("Places and people"), _places, _places_fields, _places_read),
    "content": Part(N_("Content and language"), _content, _content_fields, _content_read),
}


def _words(operation: str) -> str:
    """Name a kind much as it is typed into the form."""
    return Operation(operation).value.replace("_", " ") if operation in set(Operation) else plain(operation, 40)
