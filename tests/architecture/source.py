"""The package as syntax trees: nothing is imported, so nothing hides in functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "django_bgtasks"


@dataclass(frozen=True)
class Module:
    name: str
    text: str
    is_package: bool = False

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @property
    def part(self) -> str:
        """The first name below the package, such as ``models``; "" for itself."""
        return [*self.name.split("."), ""][1]

    @property
    def anchor(self) -> list[str]:
        """The package that a relative import starts from."""
        names = self.name.split(".")
        return names if self.is_package else names[:-1]


Modules = Mapping[str, Module]


@dataclass(frozen=True)
class Import:
    """One module (or name of one) that another asks for, with the line."""

    importer: Module
    target: str
    line: int
    # Read by type checkers only.
    typing_only: bool = False

    @property
    def part(self) -> str:
        return [*self.target.split("."), ""][1]


def read_package(root: Path) -> dict[str, Module]:
    modules = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        names = list(path.relative_to(root).with_suffix("").parts)
        is_package = names[-1] == "__init__"
        name = ".".join(names[:-1] if is_package else names)
        modules[name] = Module(name, path.read_text(), is_package)
    return modules


def imports_of(module: Module, modules: Modules) -> Iterator[Import]:
    """Yield what the module imports of the package, wherever in it that stands."""
    tree = module.tree
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and _names(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        for target in _targets(node, module, modules):
            if target.split(".")[0] == PACKAGE:
                yield Import(module, target, node.lineno, id(node) in typing_only)  # type: ignore[attr-defined]


def _targets(node: ast.AST, module: Module, modules: Modules) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name
    elif isinstance(node, ast.ImportFrom):
        base = module.anchor[: len(module.anchor) - node.level + 1]
        source = ".".join((base if node.level else []) + (node.module or "").split("."))
        source = source.strip(".")
        for alias in node.names:
            inner = f"{source}.{alias.name}"
            # A name that is no module belongs to the module it is taken from.
            # Of the package itself, the name says where it comes from.
            yield inner if inner in modules or source == PACKAGE else source


def _names(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def chain(node: ast.AST) -> list[str]:
    """Return the names of ``a.b(...).c[...]`` from left to right: a, b, c."""
    names: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, (ast.Subscript, ast.Await)):
            node = node.value
        else:
            if isinstance(node, ast.Name):
                names.append(node.id)
            return names[::-1]


def docstrings(tree: ast.Module) -> set[int]:
    """Return the ids of the constants that are docstrings."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, kinds)
        and node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
    }
