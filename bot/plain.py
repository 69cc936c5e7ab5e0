"""Strangers' words made harmless: they cannot ping, link, hide, turn the line around or break a layout.

`clean` and `cut` are for places that show text as it is (footers, the log); `plain` adds what Markdown needs.
"""

import re
import unicodedata

_JOINER = "\u200d"
_EMOJI_STYLE = "\ufe0f"
# Letters and symbols that show nothing, although their category does not say so.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\uffa0\U0001d159")
_MARKS_MOST = 3  # combining marks on one letter; more of them climb over the lines around
_CLUSTER_MOST = 40  # characters one visible sign is believed to have
_SPECIAL = re.compile(r"([\\*_~`|\[\]<])")
_INVITATION = re.compile(r"(discord(?:app)?\.[a-z]{2,8}(?::\d+)?)(?=/)", re.IGNORECASE)  # needs no scheme to unfurl
_AT_START = re.compile(r"^(?:(?=[#>+\-])|(\d+)(?=[.)]))")


def plain(text: str, most: int) -> str:
    """Make text safe to stand in Markdown, as one line of at most `most` characters before escaping."""
    text = _SPECIAL.sub(r"\\\1", cut(clean(text), most))
    text = _INVITATION.sub(r"\1\\", text).replace("://", "\\://").replace("@", "@\u200b")
    return _AT_START.sub(lambda found: f"{found[1] or ''}\\", text)


def clean(text: str) -> str:
    """Make text one line without control, direction and invisible characters."""
    kept: list[str] = []
    marks = 0
    for position, character in enumerate(text):
        if character.isspace():
            kept.append(" ")
            marks = 0
        elif character == _JOINER:
            if _joins_emoji(kept, text[position + 1 : position + 2]):
                kept.append(character)
        elif _chooses_shape(character):
            if kept and unicodedata.category(kept[-1])[0] not in "ZM" and kept[-1] != _JOINER:
                kept.append(character)
        elif _visible(character):
            is_mark = unicodedata.category(character) in {"Mn", "Me"}
            marks = marks + 1 if is_mark else 0
            if not is_mark or (marks <= _MARKS_MOST and kept and kept[-1] not in " \u200d"):
                kept.append(character)
    return " ".join("".join(kept).split())


def cut(text: str, most: int) -> str:
    """Shorten text to `most` characters, never through the middle of what is seen as one sign."""
    if len(text) <= most:
        return text
    end = most - 1
    while end > max(0, most - _CLUSTER_MOST) and _inside_sign(text, end):
        end -= 1
    if end <= 0 or _inside_sign(text, end):
        end = most - 1
    return text[:end].rstrip() + "…"


def _visible(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cn":  # assigned to nothing, and often invisible; but among the emoji newer ones than Python knows
        return "\U0001f300" <= character <= "\U0001faff"
    return category not in {"Cc", "Cf", "Cs", "Co"} and character not in _BLANKS


def _chooses_shape(character: str) -> bool:
    """Tell a variation selector: it shows nothing, and changes how the character before it looks."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _joins_emoji(kept: list[str], following: str) -> bool:
    """Tell a joiner that makes one emoji of two from one that hides."""
    before = bool(kept) and (kept[-1] == _EMOJI_STYLE or unicodedata.category(kept[-1]) in {"So", "Sk"})
    return before and following != "" and unicodedata.category(following) == "So" and _visible(following)


def _inside_sign(text: str, position: int) -> bool:
    """Tell whether the two characters around a position belong to one visible sign."""
    before, after = text[position - 1], text[position]
    if unicodedata.category(after) in {"Mn", "Me", "Mc"} or _JOINER in {before, after}:
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\u1160" <= after <= "\u11ff":
        return True
    return _flag_half(before) and _flag_half(after) and _flag_halves_before(text, position) % 2 == 1


def _flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves_before(text: str, position: int) -> int:
    count = 0
    while count < position and _flag_half(text[position - 1 - count]):
        count += 1
    return count
