"""Which words of the admins a text holds: in every script, however they are written, and no others."""

import pytest

from bot.rules import forbidden_in
from tests.bot.encore import no_more
from tests.bot.harness import Set
from tests.bot.test_refused_alone import decide


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("裸体", "一个裸体的女人"),
        ("裸体", "裸体"),
        ("裸体", "a裸体b"),
        ("裸体", "裸\u200b体画"),
        ("裸体", "裸\ufe00体"),
        ("裸", "裸体"),
        ("エロ", "エロい女の子"),
        ("エロ", "ｴﾛｲ"),
        ("エロ", "超エロアニメ"),
        ("ヌード", "美しいﾇｰﾄﾞ写真"),
        ("누드", "누드의 여자"),
        ("เปลือย", "ผู้หญิงเปลือยกาย"),
        ("nude", "一个nude的女人"),
        ("nude", "a Nude, woman"),
        ("nude", "\uff2e\uff35\uff24\uff25"),
        ("nude", "n\u200bu\u2060de"),
        ("nude", "n\u0336u\u0336d\u0336e\u0336"),
        ("nude", "\U0001d4f7\U0001d4fe\U0001d4ed\U0001d4ee"),
        ("straße", "STRASSE"),
        ("desnudo", "hombre desnudo"),
        ("cafe\u0301", "un CAFÉ"),
        ("cafe\u0301", "un cafe\u200b\u0301"),
        ("cafe", "un CAFÉ"),
        ("nude", "a nüdé woman"),
        ("nude", "a nu\u0501e"),  # Cyrillic d
        ("nude", "a nud\u0435 woman"),  # Cyrillic e
        ("cop", "\u0441\u043e\u0440"),  # Cyrillic throughout
        ("porn", "p\u03bfrn"),  # Greek o
        ("\u0441\u0443\u043a\u0430", "\u0441\u0443\u043aa!"),  # Latin a in a Cyrillic word
        ("two  words", "these two\u3000words"),
        ("c++", "in c++."),
    ],
)
def test_a_forbidden_word_is_found(word: str, text: str) -> None:
    assert forbidden_in((word,), text)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("ass", "class"),
        ("ass", "assess"),
        ("裸体", "裸 的 体"),
        ("エロ", "イエローの車"),
        ("ano", "el año nuevo"),
        ("ano", "el an\u0303o nuevo"),
        ("café", "a cafe"),
        ("мои", "мой дом"),
        ("バカ", "ハカ"),
        ("nude", "denuded"),
        ("\u00a8", "anything"),
        ("", "anything"),
    ],
)
def test_another_word_is_not(word: str, text: str) -> None:
    assert not forbidden_in((word,), text)


async def test_a_word_without_spaces_around_it_is_refused(films: Set) -> None:
    await decide(films, forbidden=("裸体",))
    await no_more(films, films.ask(prompt="一个裸体的女人"), "do not allow a word")
    await films.accepted(prompt="一个女人")
