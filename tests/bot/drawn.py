"""A message as a Discord client would show it: a page made from what the bot really sent, for the README's pictures."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from sandbox.discord import EPHEMERAL, Message
from sandbox.discord.values import Attachment, Json, listed, nested

_MARKDOWN = MarkdownIt("zero", {"breaks": True}).enable(
    ["emphasis", "strikethrough", "backticks", "fence", "link", "escape", "newline", "blockquote", "heading", "list"]
)
CSS = Path(__file__).with_name("discord.css")
_TIME = re.compile(r"&lt;t:(-?\d+)(?::([a-zA-Z]))?&gt;")
_MENTION = re.compile(r"&lt;(@&amp;|@|#)(\d+)&gt;")
_FORMATS = {
    "T": "%H:%M:%S",
    "t": "%H:%M",
    "d": "%d/%m/%Y",
    "D": "%d %B %Y",
    "f": "%d %B %Y %H:%M",
    "F": "%A, %d %B %Y %H:%M",
}
_STYLES = {1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary"}


def page(messages: Sequence[Message], posters: Mapping[int, bytes], used: str = "", now: float = 0.0) -> str:
    """Draw messages below each other. `posters`: a picture for each attached film; `used`: the command above them."""
    names = _names(messages)
    parts = [f'<div class="used">↱ <b>{escape(names["ada"])}</b> {escape(used)}</div>'] if used else []
    parts += [_message(message, posters, lambda text: markdown(text, names, now)) for message in messages]
    return f"<!doctype html><meta charset=utf-8><style>{CSS.read_text('utf-8')}</style><body>{''.join(parts)}</body>"


def markdown(text: str, names: Mapping[str, str], now: float) -> str:
    """Turn Discord's Markdown into HTML."""
    out: list[str] = []
    for line in _blocks(text):
        small = line.startswith("-# ")
        html = str(_MARKDOWN.render(line.removeprefix("-# "))).strip()
        out.append(f"<small>{html.removeprefix('<p>').removesuffix('</p>')}</small><br>" if small else html or "<br>")
    html = _TIME.sub(lambda match: _moment(int(match[1]), match[2] or "f", now), "".join(out))
    return _MENTION.sub(
        lambda match: f'<span class="mention">{"#" if match[1] == "#" else "@"}{names.get(match[2], "crew")}</span>',
        html,
    )


def _blocks(text: str) -> list[str]:
    """Split a text so that small lines stand alone and neighbours stay one paragraph."""
    blocks: list[str] = []
    for line in text.split("\n"):
        alone = line.startswith(("-# ", "# ", "## ", "### ")) or not line.strip()
        if alone or not blocks or blocks[-1].startswith("-# ") or not blocks[-1].strip():
            blocks.append(line)
        else:
            blocks[-1] += "\n" + line
    return blocks


def _moment(moment: int, form: str, now: float) -> str:
    if form != "R":
        return datetime.fromtimestamp(moment, UTC).strftime(_FORMATS[form])
    away = round(moment - now)
    size, unit = next(
        (size, unit)
        for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
        if abs(away) >= size or size == 1
    )
    count = abs(away) // size
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {words}" if away > 0 else f"{words} ago"


def _names(messages: Sequence[Message]) -> dict[str, str]:
    world = messages[0].world
    people = {str(user.id): user.name for user in world.users.values()}
    channels = {str(channel.id): channel.name for channel in world.channels.values()}
    return people | channels | {"ada": "ada"}


def _message(message: Message, posters: Mapping[int, bytes], md: Callable[[str], str]) -> str:
    parts = [md(message.content)] if message.content else []
    shown = {one.filename: one for one in message.attachments}
    inside = {_image_of(embed) for embed in message.embeds}
    parts += [_attachment(one, posters) for one in message.attachments if one.filename not in inside]
    parts += [_embed(embed, shown, md) for embed in message.embeds]
    parts += [_component(part, md) for part in message.components]
    if message.flags & EPHEMERAL:
        parts.append('<div class="private">👁 Only you can see this • <a>Dismiss message</a></div>')
    at = datetime.fromtimestamp(message.created_at, UTC).strftime("%H:%M")
    name = escape(message.author.name)
    head = f'<span class="name">{name}</span><span class="app">APP</span><span class="at">{at}</span>'
    return f'<div class="row"><div class="face">R</div><div class="body">{head}{"".join(parts)}</div></div>'


def _image_of(embed: Json) -> str:
    return str(nested(embed, "image").get("url", "")).rsplit("/", 1)[-1].split("?")[0]


def _embed(embed: Json, files: Mapping[str, Attachment], md: Callable[[str], str]) -> str:
    parts = [f'<div class="title">{md(str(embed["title"]))}</div>'] if embed.get("title") else []
    parts += [md(str(embed["description"]))] if embed.get("description") else []
    fields = [
        f'<div class="field"><b>{escape(one["name"])}</b>{md(one["value"])}</div>' for one in listed(embed, "fields")
    ]
    parts += [f'<div class="fields">{"".join(fields)}</div>'] if fields else []
    image = files.get(_image_of(embed))
    parts += [f'<img class="shot" src="{_data(image.data)}">'] if image else []
    footer = nested(embed, "footer").get("text")
    parts += [f'<div class="footer">{escape(str(footer))}</div>'] if footer else []
    return f'<div class="embed" style="border-color:{_colour(embed.get("color"))}">{"".join(parts)}</div>'


def _attachment(one: Attachment, posters: Mapping[int, bytes]) -> str:
    if one.id in posters:
        film = f'<img class="shot" width="480" src="{_data(posters[one.id])}"><i>▶</i><em>{escape(one.filename)}</em>'
        return f'<div class="film">{film}</div>'
    if one.content_type.startswith("image/"):
        return f'<img class="shot" width="480" src="{_data(one.data)}">'
    return f'<div class="file">📄 {escape(one.filename)}<small>{one.size:,} bytes</small></div>'


def _component(part: Json, md: Callable[[str], str]) -> str:
    inner = "".join(_component(one, md) for one in listed(part, "components"))
    match part.get("type"):
        case 1:
            return f'<div class="buttons">{inner}</div>'
        case 2:
            off = " off" if part.get("disabled") else ""
            words = (str(nested(part, "emoji").get("name") or ""), str(part.get("label") or ""))
            label = escape(" ".join(word for word in words if word))
            return f'<span class="button {_STYLES.get(int(part.get("style", 2)), "secondary")}{off}">{label}</span>'
        case 3 | 5 | 6 | 7 | 8:
            words = escape(str(part.get("placeholder") or "Make a selection"))
            return f'<div class="menu"><span>{words}</span><span>⌄</span></div>'
        case 9:
            beside = _component(nested(part, "accessory"), md)
            return f'<div class="section"><div>{inner}</div>{beside}</div>'
        case 10:
            return f"<div>{md(str(part.get('content') or ''))}</div>"
        case 14:
            return "<hr>" if part.get("divider", True) else ""
        case 17:
            return f'<div class="box" style="border-left-color:{_colour(part.get("accent_color"))}">{inner}</div>'
        case _:
            return inner


def _colour(value: Any) -> str:
    return f"#{int(value):06x}" if value is not None else "#4e5058"


def _data(data: bytes) -> str:
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
