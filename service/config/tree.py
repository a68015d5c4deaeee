"""YAML as a tree in which every value knows its line; bounded, and never more than texts, numbers, lists and maps.

The tree comes from ruamel.yaml's composer, not from its constructor: so duplicate keys are all seen
(a constructor stops at the first), tags such as ``!!python/object`` build nothing, and an alias is one
shared node, which keeps a "billion laughs" file as small as it looks.
"""

from typing import Any, Final

import msgspec

MAX_BYTES: Final = 256 * 1024
MAX_NODES: Final = 50_000
"""Values after aliases are written out; a real file has some hundred."""

_TAG: Final = "tag:yaml.org,2002:"


class Node(msgspec.Struct):
    """One value. ``value`` is a str, int, float, bool, None, a list of nodes, or a dict of nodes by key."""

    value: Any
    line: int
    """Of the value's first character, from 1; for a map under a key, the key's line."""
    size: int = 1
    """Nodes in it, aliases written out."""


class UnreadableError(ValueError):
    """The text is no YAML that could be a configuration."""

    def __init__(self, line: int | None, text: str) -> None:
        super().__init__(text)
        self.line = line


def parse(text: str) -> tuple[Node, list[tuple[int, str, str]]]:
    """The tree of a YAML document, and what is wrong in it as (line, key, text): duplicate keys and odd keys.

    Raises:
        UnreadableError: bad syntax, or too large, deep or entangled to be a configuration.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > MAX_BYTES:
        raise UnreadableError(None, f"more than {MAX_BYTES // 1024} KiB is no configuration of mine")
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(part) for part in (error.context, error.problem) if part)
        line = None if mark is None else mark.line + 1
        hint = "; indent with spaces" if "'\\t'" in what else ""
        raise UnreadableError(line, f"not valid YAML: {what}{hint}") from None
    except YAMLError as error:
        raise UnreadableError(None, f"not valid YAML: {' '.join(str(error).split())[:200]}") from None
    except (RecursionError, ValueError):
        raise UnreadableError(None, "not valid YAML: nested too deep") from None
    if root is None:
        return Node({}, 1), []
    return _Grower().grow(root)


class _Grower:
    def __init__(self) -> None:
        self.odd: list[tuple[int, str, str]] = []
        self.grown: dict[int, Node] = {}
        self.open: set[int] = set()

    def grow(self, root: Any) -> tuple[Node, list[tuple[int, str, str]]]:
        try:
            return self._node(root, ""), self.odd
        except RecursionError:
            raise UnreadableError(None, "not valid YAML: nested too deep") from None

    def _node(self, raw: Any, key: str) -> Node:
        line = raw.start_mark.line + 1
        if (known := self.grown.get(id(raw))) is not None:
            return known
        if id(raw) in self.open:
            raise UnreadableError(line, "not valid YAML: an anchor contains itself")
        self.open.add(id(raw))
        node = Node(None, line)
        if raw.id == "scalar":
            node.value = _scalar(raw)
        elif raw.id == "sequence":
            node.value = [self._node(item, f"{key}[{index}]") for index, item in enumerate(raw.value)]
            node.size += sum(item.size for item in node.value)
        else:
            node.value = self._map(raw, key)
            node.size += sum(item.size for item in node.value.values())
        if node.size > MAX_NODES:
            raise UnreadableError(line, f"not a configuration: its aliases stand for more than {MAX_NODES:,} values")
        self.open.discard(id(raw))
        self.grown[id(raw)] = node
        return node

    def _map(self, raw: Any, key: str) -> dict[str, Node]:
        found: dict[str, Node] = {}
        lines: dict[str, int] = {}
        merged: list[Any] = []
        for raw_name, raw_value in raw.value:
            line = raw_name.start_mark.line + 1
            if raw_name.tag == f"{_TAG}merge":
                merged.extend(raw_value.value if raw_value.id == "sequence" else [raw_value])
                continue
            if raw_name.id != "scalar":
                self.odd.append((line, key, "a key must be a plain text"))
                continue
            name = str(raw_name.value)
            path = f"{key}.{name}" if key else name
            if name in lines:
                self.odd.append((line, path, f"stands here twice (first in line {lines[name]}); keep one"))
                continue
            lines[name] = line
            child = self._node(raw_value, path)
            # Without a value of its own ("edge:" and nothing), or with one further down, people look at the key.
            found[name] = msgspec.structs.replace(child, line=line)
        for other in merged:
            node = self._node(other, key)
            if not isinstance(node.value, dict):
                raise UnreadableError(node.line, "not valid YAML: << takes a map, or a list of maps")
            for name, child in node.value.items():
                found.setdefault(name, child)
        return found


def _scalar(raw: Any) -> object:
    """The scalar in YAML 1.2's core schema; whatever has another tag (dates, ``!!binary``) stays its text."""
    text = str(raw.value)
    kind = str(raw.tag).removeprefix(_TAG)
    try:
        if kind == "int":
            return int(text.replace("_", ""), 0) if text.lstrip("+-")[:1] == "0" else int(text.replace("_", ""))
        if kind == "float":
            return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text
    if kind == "bool":
        return text.lower() in {"true", "yes", "on"}
    return None if kind == "null" else text
