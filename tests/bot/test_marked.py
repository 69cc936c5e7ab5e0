"""Every text a person can read is marked for translation, and in the way that works: found by reading the code."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

MODULES = sorted((Path(__file__).parents[2] / "bot").glob("*.py"))
_WORDS = re.compile(r"[^\W\d_]\S* +[^\W\d_]|[^\W\d_]\S* +\0|\0\S* +[^\W\d_]")  # \0: where a value is put in
_LETTER = re.compile(r"[^\W\d_]")
_MARKS = {"_", "N_", "ngettext"}
# Calls whose texts nobody reads in Discord: the log, the records of what happened, patterns, types.
_UNSEEN = {
    "_log.debug", "_log.info", "_log.warning", "_log.error", "_log.exception", "ctx.tell", "tell", "rights.note",
    "note", "re.compile", "cast",
}  # fmt: skip
_SHOWN = {"label", "title", "placeholder", "text", "description"}  # arguments that are read even as one word
# What looks like a text and is none, or is one for operators.
EXCEPTIONS: Mapping[str, Mapping[str, str]] = {
    "animate.py": {"Animate this image": "the name of a command stays as it is"},
    "modals.py": {"watermark: yes": "what people type stays as it is"},
    "talking.py": {"HTTP {}, code {}: {}": "for the log"},
    "delivery.py": dict.fromkeys(("not in the channel", "the command's own token is over"), "for the log"),
    "presets.py": {"drop preset": "the name of an act, as it is stored"},
    "setup.py": dict.fromkeys(("budget of {} a {}", "the server", "each {}"), "the name of a change, as it is stored"),
    "setup_forms.py": {"text_to_video: viduq3-pro": "what people type stays as it is"},
    "credits.py": dict.fromkeys(
        (
            "asked at (UTC)",
            "member's name",
            "credits reserved",
            "credits charged",
            "provider's own figure",
            "further tasks",
        ),
        "the headings of a table for other programs",
    )
    | {"Credits in {}": "for the picture"},
    "moderation.py": dict.fromkeys(
        (
            "m min mins minute minutes minuto minutos 分 分間 分钟 分鐘",
            "h hr hrs hour hours hora horas 時間 小时 个小时 小時 個小時",
            "d day days día días dia dias 日 日間 天",
            "w wk wks week weeks semana semanas 週 週間 周 星期 个星期 個星期",
            "mo month months mes meses か月 か月間 ヶ月 ヶ月間 カ月 カ月間 ヵ月 ヵ月間 个月 個月",
            "y yr yrs year years año años 年 年間",
        ),
        "what is typed, in every language at once",
    ),
}
WHOLE = {
    "chart.py": "a picture, in letters that its font has",
    "export.py": "a file for other programs",
    "offered.py": "the manual, in English",
}


def unmarked(code: str) -> list[str]:
    """List the texts of a module that no translator will ever see; a value that is put in shows as {}."""
    tree = ast.parse(code)
    excused = {id(text) for node in ast.walk(tree) for text in _excused(node)}
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in _SHOWN and isinstance(node.value, ast.Constant):
            text, least = str(node.value.value or ""), _LETTER
        elif id(node) in excused:
            continue
        elif isinstance(node, ast.JoinedStr):
            text, least = "".join(str(p.value) if isinstance(p, ast.Constant) else "\0" for p in node.values), _WORDS
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text, least = node.value, _WORDS
        else:
            continue
        if least.search(text):
            found.append(text.replace("\0", "{}"))
    return list(dict.fromkeys(found))


def _excused(node: ast.AST) -> Iterator[ast.AST]:
    """Name the texts that are inside of a node which excuses them."""
    match node:
        case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            if node.body and isinstance(node.body[0], ast.Expr):
                yield node.body[0].value  # says what it is for
        case ast.Call():
            if ast.unparse(node.func) in _MARKS | _UNSEEN:
                yield from ast.walk(node)
        case ast.Raise() | ast.MatchValue() | ast.Compare():  # for programmers, or compared with data
            yield from ast.walk(node)
        case ast.JoinedStr():  # its pieces are judged as one
            yield from (part for part in node.values if isinstance(part, ast.Constant))
        case ast.Dict():
            yield from (key for key in node.keys if key is not None)
        case ast.AnnAssign() | ast.arg():
            yield from ast.walk(node.annotation or node)
        case _:
            pass


def misused(code: str) -> list[str]:
    """List marks that do not work: a text made up before it is looked up, or looked up before a language is spoken."""
    tree = ast.parse(code)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    functions += [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    spoken = {id(node) for function in functions for part in _run(function) for node in ast.walk(part)}
    # The tools that collect the texts do not look into f-strings before Python 3.12.
    hidden = {id(node) for whole in ast.walk(tree) if isinstance(whole, ast.JoinedStr) for node in ast.walk(whole)}
    found: list[str] = []
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or ast.unparse(call.func) not in _MARKS:
            continue
        texts = call.args[:2] if ast.unparse(call.func) == "ngettext" else call.args[:1]
        looked_up = ast.unparse(call.func) == "_"  # may be given what `N_` has marked elsewhere
        if any(_made_up(text) or not (looked_up or isinstance(text, ast.Constant)) for text in texts):
            found.append(f"made up: {ast.unparse(call)}")
        if id(call) in hidden and isinstance(call.args[0], ast.Constant):
            found.append(f"hidden: {ast.unparse(call)}")
        if ast.unparse(call.func) != "N_" and id(call) not in spoken:
            found.append(f"at import: {ast.unparse(call)}")
    return found


def _made_up(text: ast.expr) -> bool:
    if isinstance(text, ast.Call) and isinstance(text.func, ast.Attribute):
        return text.func.attr in {"format", "join", "replace"}
    return isinstance(text, ast.JoinedStr | ast.BinOp)


def _run(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[ast.AST]:
    """Name what of a function runs when it is called: not its decorators, not its defaults."""
    return [function.body] if isinstance(function, ast.Lambda) else list(function.body)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_text_is_marked(module: Path) -> None:
    if module.name not in WHOLE:
        assert [text for text in unmarked(module.read_text()) if text not in EXCEPTIONS.get(module.name, {})] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_mark_works(module: Path) -> None:
    assert misused(module.read_text()) == []


def test_no_exception_is_out_of_date() -> None:
    texts = {module.name: unmarked(module.read_text()) for module in MODULES}
    assert all(texts[name] for name in WHOLE)
    assert [(name, text) for name, known in EXCEPTIONS.items() for text in known if text not in texts[name]] == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ('x = f"Saved {count} files."', "Saved {} files."),
        ('x = f"{count} files"', "{} files"),
        ('x = f"for {who}"', "for {}"),
        ('answer("Nothing was changed.")', "Nothing was changed."),
        ('def f():\n    return "Not here"', "Not here"),
        ('Button(label="Compose")', "Compose"),
        ('x = _("a b") + " and some"', " and some"),
        ('TABLE = {"a b": "two words"}', "two words"),
        ('x = _("two words")', None),
        ('x = ngettext("one word", "two words", n)', None),
        ('"""Says what it is for."""\n_log.warning("two words")', None),
        ('raise ValueError("two words")', None),
        ('x = f"{one} {other}\\n-# {third}"', None),
        ('x = f"job:{code}:{act}"', None),
    ],
)
def test_a_text_that_is_not_marked_is_found(code: str, text: str | None) -> None:
    assert unmarked(code) == ([] if text is None else [text])


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ('def f():\n    return _(f"for {who}")', True),
        ('def f():\n    return _("for {who}".format(who=1))', True),
        ('def f():\n    return _("for " + who)', True),
        ("def f():\n    return ngettext(one, many, 1)", True),
        ("def f():\n    return f\"{_('two words')} {_('and more')}\"", True),
        ('x = _("two words")', True),
        ('def f(x=_("two words")): ...', True),
        ('def f():\n    return _("for {who}").format(who=1)', False),
        ("def f():\n    return _(TABLE[name])", False),
        ("def f():\n    return _(TABLE.get(name, OTHER))", False),
        ('x = N_("two words")', False),
    ],
)
def test_a_mark_that_does_not_work_is_found(code: str, wrong: bool) -> None:
    assert bool(misused(code)) == wrong
