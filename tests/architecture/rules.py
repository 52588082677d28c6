"""What the package may not do. Each rule returns its violations, one line each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .source import PACKAGE, Module, Modules, chain, docstrings, imports_of

# From left to right: a part imports from those before its own, and from its own.
LAYERS: tuple[tuple[str, ...], ...] = (
    (
        *("conf", "exceptions", "signals", "compat", "backoff", "payload", "ids"),
        *("log", "log_capture", "sensitive", "audience"),
    ),
    ("bgtask", "registry", "results", "task_options"),
    ("vendors",),
    ("models",),
    ("lifecycle",),
    ("periodic", "upkeep"),
    ("processes",),
    (
        *("backend", "management", "admin", "metrics", "testing", "checks", "apps"),
        *("overview", "pytest_plugin", "migrations", "templatetags"),
        *("site", "urls"),
    ),
)
_RANKS = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}

VENDOR_WORDS = re.compile(r"postgres|mysql|mariadb|sqlite|skip_locked", re.IGNORECASE)

STATE_TABLES = {"ReadyJob", "DeferredJob", "RunningJob", "FinishedJob", "Attempt"}
STATE_TABLES |= {"Failure"}
_WRITES = {"create", "update", "delete", "save", "bulk_create", "bulk_update"}
_WRITES |= {"get_or_create", "update_or_create"}
_WRITES |= {f"a{verb}" for verb in _WRITES}
# The words in which a vendor is told to write.
_ROW_WORDS = {"Insert", "Move", "Swap", "Take"}
_WRITERS = ("lifecycle", "upkeep")
_WRITING_SQL = re.compile(
    r"\s*(INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM)\b", re.IGNORECASE
)

MODULE_LINES = 300
FUNCTION_LINES = 40


def imports_go_left(modules: Modules) -> list[str]:
    """A module imports only from layers before its own, or from its own."""
    found = []
    for module in modules.values():
        if not module.part:
            # The package itself offers names of all layers, loaded when asked for.
            continue
        if module.part not in _RANKS:
            found.append(f"{module.name} belongs to no layer: name it in LAYERS")
            continue
        for each in imports_of(module, modules):
            if each.part == "__version__":
                continue
            rank = _RANKS.get(each.part, len(LAYERS))
            if rank > _RANKS[module.part]:
                found.append(f"{module.name}:{each.line} imports {each.target}")
    return found


# What the steps hand on, and what they make of it: they may import these.
_VALUES = ("call", "fresh", "job_rows", "outcome")


def steps_stand_alone(modules: Modules) -> list[str]:
    """A step of the lifecycle imports no other; ``run`` lines them up."""
    home = f"{PACKAGE}.lifecycle"
    return [
        f"{module.name}:{each.line} imports {each.target}"
        for module in modules.values()
        if module.part == "lifecycle" and module.name != f"{home}.run"
        for each in imports_of(module, modules)
        if each.part == "lifecycle"
        and each.target not in {f"{home}.{value}" for value in _VALUES}
    ]


def no_circles(modules: Modules) -> list[str]:
    """No module is imported, by whatever way, by what it imports."""
    graph = {
        name: sorted(
            {
                each.target
                for each in imports_of(module, modules)
                if not each.typing_only and each.target in modules
            }
            - {name}
        )
        for name, module in modules.items()
    }
    found: list[str] = []
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            found.append(" -> ".join((*path[path.index(name) :], name)))
        elif name not in done:
            for target in graph[name]:
                visit(target, (*path, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())
    return found


def vendor_words_stay_home(modules: Modules) -> list[str]:
    """Only ``vendors`` names a database, in code or in strings."""
    return [
        f"{module.name}:{line} says {word!r}"
        for module in modules.values()
        if module.part != "vendors"
        for line, word in _vendor_words(module)
    ]


def _vendor_words(module: Module) -> Iterator[tuple[int, str]]:
    tree = module.tree
    documentation = docstrings(tree)
    for node in ast.walk(tree):
        if id(node) in documentation:
            continue
        for word in _words(node):
            if VENDOR_WORDS.search(word):
                yield getattr(node, "lineno", 0), word
        if isinstance(node, ast.Attribute) and node.attr in ("vendor", "features"):
            owner = (chain(node.value) or [""])[-1]
            if owner in ("connection", "connections", "conn"):
                yield node.lineno, f"{owner}.{node.attr}"


def _words(node: ast.AST) -> Iterator[str]:
    for field in ("id", "attr", "arg", "name", "module"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield value
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def states_are_written_in_the_lifecycle(modules: Modules) -> list[str]:
    """The tables of states are written under lifecycle and upkeep only."""
    return [
        f"{module.name}:{line} {deed}"
        for module in modules.values()
        if module.part not in (*_WRITERS, "vendors", "migrations")
        for line, deed in _state_writes(module)
    ]


def _state_writes(module: Module) -> Iterator[tuple[int, str]]:
    tree = module.tree
    documentation = docstrings(tree)
    held = _names_of_state_rows(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            names = chain(node.func)
            if len(names) > 1 and names[-1] in _WRITES and held & set(names[:-1]):
                yield node.lineno, f"calls {'.'.join(names)}()"
            elif names and names[-1] in _ROW_WORDS:
                yield node.lineno, f"tells a vendor to write: {names[-1]}()"
        elif id(node) not in documentation and _WRITING_SQL.match(_text(node)):
            yield node.lineno, f"writes by SQL: {_text(node)!r}"  # type: ignore[attr-defined]


def _text(node: ast.AST) -> str:
    """Return the text of a string, with a mark for each value that it takes in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value) or "{}" for value in node.values)
    value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else ""


def _names_of_state_rows(tree: ast.Module) -> set[str]:
    """Return the tables' own names and those of variables that hold their rows."""
    held = set(STATE_TABLES)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            held |= {a.asname for a in node.names if a.asname and a.name in held}
    while True:
        before = len(held)
        for node in ast.walk(tree):
            if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
                targets, value = [node.target], node.iter
            elif isinstance(node, ast.Assign):
                targets, value = node.targets, node.value
            elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value:
                targets, value = [node.target], node.value
            else:
                continue
            if held & set(chain(value)):
                held |= {each.id for each in targets if isinstance(each, ast.Name)}
        if len(held) == before:
            return held


def modules_are_short(modules: Modules) -> list[str]:
    return [
        f"{module.name} has {lines} lines, more than {MODULE_LINES}"
        for module in modules.values()
        if module.part != "migrations"
        and (lines := len(module.text.splitlines())) > MODULE_LINES
    ]


def functions_are_short(modules: Modules) -> list[str]:
    """The lines of a function are counted without its docstring."""
    return [
        f"{module.name}:{node.lineno} {node.name}() has {lines} lines, "
        f"more than {FUNCTION_LINES}"
        for module in modules.values()
        if module.part != "migrations"
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (lines := _length(node)) > FUNCTION_LINES
    ]


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


RULES = (
    imports_go_left,
    steps_stand_alone,
    no_circles,
    vendor_words_stay_home,
    states_are_written_in_the_lifecycle,
    modules_are_short,
    functions_are_short,
)
