"""Files of schedules: a mapping of their names, as YAML or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ...payload import printable

FORMATS = ("json", "yaml")


class Unreadable(ValueError):
    """A file is not what it should be; the message says where."""


def format_of(path: str) -> str | None:
    """Return the format that the name of a file says, if it says one."""
    ending = path.rpartition(".")[2].lower()
    return {"json": "json", "yaml": "yaml", "yml": "yaml"}.get(ending)


def dump(records: Mapping[str, Any], form: str) -> str:
    """Return the text of a file. Raise Unreadable where YAML is not installed."""
    if form == "json":
        return json.dumps(records, indent=2, ensure_ascii=False) + "\n"
    yaml = _yaml()
    text: str = yaml.safe_dump(
        dict(records), allow_unicode=True, sort_keys=False, width=88
    )
    return text


def load(text: str, form: str) -> dict[str, dict[str, Any]]:
    """Return the records by the names of their schedules. Raise Unreadable."""
    found = _load_json(text) if form == "json" else _load_yaml(text)
    if not isinstance(found, dict):
        raise Unreadable(
            "The file is no mapping: it has the names of schedules, and below each "
            "what is said of it."
        )
    for name, record in found.items():
        if not isinstance(name, str):
            raise Unreadable(f"The name {name!r} is no text: put it in quotes.")
        if printable(name) != name:
            raise Unreadable(f"The name {printable(name)} is no valid text.")
        if not isinstance(record, dict):
            raise Unreadable(f"{name}: {record!r} is no mapping of keys to values.")
    return found


def _load_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Unreadable(f"{key!r} is there twice.")
        found[key] = value
    return found


def _load_yaml(text: str) -> Any:
    yaml = _yaml()

    class Loader(yaml.SafeLoader):  # type: ignore[name-defined,misc]
        """Refuses what PyYAML overlooks: a key that is there twice.

        And says where, of a value that is not what its tag says.
        """

        def construct_object(self, node: Any, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep=deep)
            except Unreadable:
                raise
            except (ArithmeticError, AttributeError, LookupError, ValueError):
                line, kind = node.start_mark.line + 1, node.tag.rpartition(":")[2]
                raise Unreadable(
                    f"{node.value!r} in line {line} is no {kind}."
                ) from None

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key_node, _ in node.value:
                key = key_node.value if isinstance(key_node.value, str) else None
                if key is not None and key in seen:
                    line = key_node.start_mark.line + 1
                    raise Unreadable(f"{key!r} is there twice, again in line {line}.")
                seen.add(key)
            return super().construct_mapping(node, deep=deep)

    try:
        return yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable(str(error)) from error


def _yaml() -> ModuleType:
    try:
        import yaml
    except ImportError:
        raise Unreadable(
            'YAML needs the package PyYAML: pip install "django-bgtasks[yaml]", or '
            "use JSON."
        ) from None
    return yaml
