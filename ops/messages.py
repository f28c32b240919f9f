"""Gather every sentence the program can say, keep its Chinese beside it, and compile both (gettext, domain `preserve`).

    python -m ops.messages            bring preserve.po up to date and compile preserve.mo; tells what lacks Chinese
    python -m ops.messages --missing  print what lacks Chinese, as entries to fill in

Sentences are found in the source by their use: whatever is handed to a parameter named `template` anywhere, texts of
`_(…)`, pairs of a sentence and its plural for `counted(…)`, pairs of a sentence and its values, and the values of
enumerations that people are shown.  No other tool is needed, and tests hold that nothing is missing, that values agree,
and that the compiled file is up to date.
"""

from __future__ import annotations

import ast
import builtins
import re
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter

ROOT = Path(__file__).parent.parent
PROGRAM = ROOT / "preserve"
CATALOGUE = PROGRAM / "cli" / "locale" / "zh_CN" / "LC_MESSAGES" / "preserve.po"
COMPILED = CATALOGUE.with_suffix(".mo")

SHOWN_ENUMERATIONS = frozenset(
    [
        "AccessionState",
        "AgeBand",
        "Alarm",
        "Answer",
        "Attempt",
        "AuditResult",
        "CareKind",
        "CarrierCondition",
        "Cause",
        "Classification",
        "Comparison",
        "ConcernKind",
        "Condition",
        "ContentKind",
        "CopyState",
        "Criterion",
        "Custody",
        "Damage",
        "DrillAnswer",
        "DrillFault",
        "DrillQuestion",
        "DrillVerdict",
        "DutyKind",
        "Effect",
        "Ending",
        "EventType",
        "Family",
        "FileFate",
        "FileVerdict",
        "FormatAdvice",
        "FormatCategory",
        "Ground",
        "Holder",
        "How",
        "Importance",
        "IncidentKind",
        "Initiative",
        "JobType",
        "Keeping",
        "KeyChangeCause",
        "KeyReach",
        "Level",
        "LinkRule",
        "LossSeverity",
        "Mark",
        "Medium",
        "MigrationState",
        "Nature",
        "Objection",
        "Oddity",
        "Openness",
        "Opinion",
        "Outcome",
        "PackageState",
        "Phase",
        "Property",
        "Protection",
        "Purpose",
        "RatingPart",
        "Reopening",
        "RiskLevel",
        "RiskType",
        "Role",
        "Rule",
        "SourceKind",
        "StopCause",
        "Trend",
        "Trigger",
        "Trust",
        "Verdict",
        "WaitsFor",
        "Weekday",
    ]
)
"""Whose values people are shown as words; `--json` keeps the identifiers."""

COUNTED = "counted"
"""The function that says a sentence of one thing or of several."""

HEADER = (
    "Project-Id-Version: preserve\\n"
    "Language: zh_CN\\n"
    "MIME-Version: 1.0\\n"
    "Content-Type: text/plain; charset=UTF-8\\n"
    "Content-Transfer-Encoding: 8bit\\n"
    "Plural-Forms: nplurals=1; plural=0;\\n"
)


@dataclass(frozen=True, order=True)
class Message:
    """A sentence; the enumeration it is a value of, if it is one; how it is said of several, where that differs."""

    text: str
    context: str = ""
    plural: str = ""

    @property
    def key(self) -> str:
        """As a compiled catalogue names it."""
        key = f"{self.context}\x04{self.text}" if self.context else self.text
        return f"{key}\0{self.plural}" if self.plural else key


FROM_CLICK = (
    Message("Options"),
    Message("Commands"),
    Message("Positional arguments"),
    Message("Usage:"),
    Message("Show this message and exit."),
    Message("Show the version and exit."),
    Message("default: {default}"),
    Message("required"),
    Message("Missing command."),
    Message("Missing argument"),
    Message("Missing option"),
    Message("No such command {name!r}."),
    Message("No such option {name!r}."),
    Message("Did you mean {possibility}?", plural="(Did you mean one of: {possibilities}?)"),
    Message("Invalid value: {message}"),
    Message("Invalid value for {param_hint}: {message}"),
    Message("{value!r} is not {choice}.", plural="{value!r} is not one of {choices}."),
    Message("Choose from:\n\t{choices}"),
    Message("{value!r} is not a valid {number_type}."),
    Message("{value} is not in the range {range}."),
    Message("Got unexpected extra argument ({args})", plural="Got unexpected extra arguments ({args})"),
    Message("Option {name!r} requires an argument.", plural="Option {name!r} requires {nargs} arguments."),
    Message("Option {name!r} does not take a value."),
)
"""What click says, in its own words; it looks them up in our catalogue (preserve/cli/messages.py)."""


@dataclass
class Found:
    """What the source says: where each message stands, and calls whose sentence cannot be told by reading."""

    places: dict[Message, str] = field(default_factory=dict)
    unclear: list[str] = field(default_factory=list)

    def add(self, message: Message, place: str) -> None:
        if message.text:
            self.places.setdefault(message, place)


@dataclass(frozen=True, slots=True)
class _Module:
    """One file of the source: its syntax, and what is defined in it at any depth, found once."""

    place: str
    tree: ast.Module
    functions: Sequence[ast.FunctionDef]
    classes: Sequence[ast.ClassDef]

    @classmethod
    def read(cls, path: Path) -> _Module:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = list(ast.walk(tree))
        functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
        classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
        return cls(str(path.relative_to(ROOT)), tree, functions, classes)


def gather() -> Found:
    """Every message of the program, in the order of the source."""
    sources = [path for path in sorted(PROGRAM.rglob("*.py")) if path.parent.name != "kit"]
    modules = [_Module.read(path) for path in sources]
    takers = _takers(modules)
    homonyms = {name for module in modules for name in _functions_without(module)}
    found = Found()
    for module in modules:
        _Reader(module.tree, takers | _own_takers(module), homonyms, found, module.place).visit(module.tree)
        for message in _words(module):
            found.add(message, module.place)
    for message in FROM_CLICK:
        found.add(message, "click")
    return found


def fields(text: str) -> set[str]:
    """Names of the values a sentence takes."""
    return {re.split(r"[.\[]", name)[0] for _, name, _, _ in Formatter().parse(text) if name is not None}


def _takers(modules: Sequence[_Module]) -> dict[str, set[int]]:
    """Functions and classes that all modules may use, by name, and at which positions they take a template."""
    takers: dict[str, set[int]] = {"_": {0}}
    for module in modules:
        for name, position in _functions(module):
            if not name.startswith("_"):
                takers.setdefault(name, set()).add(position)
    return takers | _class_takers([node for module in modules for node in module.classes])


def _own_takers(module: _Module) -> dict[str, set[int]]:
    """Likewise, a module's private functions."""
    takers: dict[str, set[int]] = {}
    for name, position in _functions(module):
        if name.startswith("_"):
            takers.setdefault(name, set()).add(position)
    return takers


def _functions(module: _Module) -> Iterator[tuple[str, int]]:
    for node in module.functions:
        if node.name != "__init__":
            names = [argument.arg for argument in node.args.args if argument.arg not in ("self", "cls")]
            if "template" in names:
                yield node.name, names.index("template")


def _functions_without(module: _Module) -> Iterator[str]:
    """Functions that take no template, and may bear the name of one that does."""
    takers = {name for name, _ in _functions(module)}
    for node in module.functions:
        if node.name not in takers:
            yield node.name


def _class_takers(classes: Sequence[ast.ClassDef]) -> dict[str, set[int]]:
    """Classes with a field `template`, the errors, and what is derived from either."""
    takers: dict[str, set[int]] = {"PreserveError": {0}}
    is_growing = True
    while is_growing:
        is_growing = False
        for node in classes:
            bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
            positions = _field_position(node) or next((takers[base] for base in bases if base in takers), set())
            if positions and node.name not in takers:
                takers[node.name] = positions
                is_growing = True
    return takers


def _field_position(node: ast.ClassDef) -> set[int]:
    annotated = [each.target for each in node.body if isinstance(each, ast.AnnAssign)]
    names = [target.id for target in annotated if isinstance(target, ast.Name)]
    return {names.index("template")} if "template" in names else set()


def _words(module: _Module) -> Iterator[Message]:
    """Values of the enumerations that people are shown."""
    for node in module.classes:
        if node.name in SHOWN_ENUMERATIONS:
            for each in node.body:
                if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant):
                    yield Message(str(each.value.value), node.name)


class _Reader(ast.NodeVisitor):
    """Reads one module: calls that take a template, and sentences paired with their values."""

    def __init__(
        self, tree: ast.Module, takers: Mapping[str, set[int]], homonyms: Set[str], found: Found, place: str
    ) -> None:
        self._takers = takers
        self._homonyms = homonyms
        self._found = found
        self._place = place
        self._scopes: list[ast.AST] = [tree]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._scopes.append(node)
        self.generic_visit(node)
        self._scopes.pop()

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        name = (
            function.attr
            if isinstance(function, ast.Attribute)
            else function.id
            if isinstance(function, ast.Name)
            else ""
        )
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if name == COUNTED and self._take_pair(node.args):
            self.generic_visit(node)
            return
        for position in self._positions(name) if isinstance(function, ast.Name) else self._takers.get(name, ()):
            argument = node.args[position] if position < len(node.args) else given.get("template")
            if argument is not None:
                self._take(argument, may_be_another=name in self._homonyms)
        self.generic_visit(node)

    def _positions(self, name: str) -> Set[int]:
        """Where a function or class takes a template; also under another name that it was given nearby."""
        others = () if name in self._takers or name in vars(builtins) else self._named(name)
        return {position for other in (name, *others) for position in self._takers.get(other, ())}

    def _named(self, name: str) -> Iterator[str]:
        for scope in reversed(self._scopes):
            for target, value in _assignments(scope):
                match value:
                    case ast.IfExp(body=ast.Name(id=one), orelse=ast.Name(id=other)) if target == name:
                        yield from (one, other)

    def _take_pair(self, arguments: Sequence[ast.expr]) -> bool:
        """What is said of one thing and of several."""
        match arguments:
            case [ast.Constant(value=str() as one), ast.Constant(value=str() as several), *_]:
                self._found.add(Message(one, plural=several), self._place)
                return True
        return False

    def visit_Tuple(self, node: ast.Tuple) -> None:
        match node.elts:
            case [ast.Constant(value=str() as text), ast.Dict()]:
                self._found.add(Message(text), self._place)
        self.generic_visit(node)

    def _take(self, argument: ast.expr, *, may_be_another: bool) -> None:
        texts = list(self._texts(argument))
        for text in texts:
            self._found.add(Message(text), self._place)
        is_passed_on = isinstance(argument, ast.Attribute) or (
            isinstance(argument, ast.Name) and argument.id == "template"
        )
        if not texts and not is_passed_on and not may_be_another:
            self._found.unclear.append(f"{self._place}:{argument.lineno}: {ast.unparse(argument)}")

    def _texts(self, argument: ast.expr) -> Iterator[str]:
        """Constant texts an expression may have, names resolved to what is assigned to them nearby."""
        match argument:
            case ast.Constant(value=str() as text):
                yield text
            case ast.IfExp():
                yield from self._texts(argument.body)
                yield from self._texts(argument.orelse)
            case ast.Dict():
                for value in argument.values:
                    yield from self._texts(value)
            case ast.Tuple() | ast.List():
                for value in argument.elts:
                    yield from self._texts(value)
            case ast.Subscript():
                yield from self._texts(argument.value)
            case ast.Name():
                yield from self._assigned(argument.id)

    def _assigned(self, name: str) -> Iterator[str]:
        for scope in reversed(self._scopes):
            values = [value for target, value in _assignments(scope) if target == name]
            for value in values:
                yield from self._texts(value)
            if values:
                return


def _assignments(scope: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names and the expressions assigned to them, directly or in a loop over constants."""
    for node in ast.walk(scope) if isinstance(scope, ast.FunctionDef) else ast.iter_child_nodes(scope):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def read(path: Path = CATALOGUE) -> dict[Message, str]:
    """The Chinese of each message, from the .po file."""
    return parsed(path.read_text(encoding="utf-8")) if path.exists() else {}


def parsed(text: str) -> dict[Message, str]:
    """The translations in the text of a .po file."""
    translations: dict[Message, str] = {}
    parts: dict[str, str] = {}
    current = ""
    for line in [*text.splitlines(), ""]:
        match = re.fullmatch(r'(?:(msgctxt|msgid|msgid_plural|msgstr)(?:\[0\])? )?"(.*)"', line)
        if match:
            current = match[1] or current
            parts[current] = parts.get(current, "") + _unescaped(match[2])
        elif not line and parts:
            if parts.get("msgid"):
                message = Message(parts["msgid"], parts.get("msgctxt", ""), parts.get("msgid_plural", ""))
                translations[message] = parts.get("msgstr", "")
            parts = {}
    return translations


def written(found: Found, translations: Mapping[Message, str]) -> str:
    """The .po file: every message found, with what Chinese there is."""
    blocks = [f'msgid ""\nmsgstr "{HEADER}"']
    for message, place in sorted(found.places.items(), key=lambda item: (item[1], item[0])):
        lines = [f"#: {place}", "#, python-brace-format"] if fields(message.text) else [f"#: {place}"]
        if message.context:
            lines.append(f'msgctxt "{message.context}"')
        lines.append(f'msgid "{_escaped(message.text)}"')
        if message.plural:
            lines.append(f'msgid_plural "{_escaped(message.plural)}"')
        form = "msgstr[0]" if message.plural else "msgstr"
        lines.append(f'{form} "{_escaped(translations.get(message, ""))}"')
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def compiled(translations: Mapping[Message, str]) -> bytes:
    """A .mo file (GNU gettext, revision 0, without a hash table)."""
    header = HEADER.replace("\\n", "\n")
    texts = {"": header} | {message.key: text for message, text in translations.items() if text}
    entries = sorted((key.encode(), text.encode()) for key, text in texts.items())
    count, start = len(entries), 28
    keys_at = start + 16 * count
    values_at = keys_at + sum(len(key) + 1 for key, _ in entries)
    tables: tuple[list[int], list[int]] = ([], [])
    for table, at, column in ((tables[0], keys_at, 0), (tables[1], values_at, 1)):
        for entry in entries:
            table += [len(entry[column]), at]
            at += len(entry[column]) + 1
    head = struct.pack("<7I", 0x950412DE, 0, count, start, start + 8 * count, 0, 0)
    index = struct.pack(f"<{4 * count}I", *tables[0], *tables[1])
    return head + index + b"".join(entry[column] + b"\0" for column in (0, 1) for entry in entries)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)


def main(arguments: Sequence[str]) -> int:
    """Bring both files up to date; 1 when something lacks Chinese or cannot be found by reading."""
    found, translations = gather(), read()
    missing = [message for message in found.places if not translations.get(message)]
    if "--missing" in arguments:
        for message in missing:
            print(f"{message.context}|{message.text!r}  # {found.places[message]}")
        return bool(missing)
    kept = {message: translations.get(message, "") for message in found.places}
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    CATALOGUE.write_text(written(found, kept), encoding="utf-8")
    COMPILED.write_bytes(compiled(kept))
    for line in found.unclear:
        print(f"cannot tell which sentence: {line}")
    print(f"{len(kept)} messages, {len(missing)} without Chinese")
    return bool(missing or found.unclear)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
