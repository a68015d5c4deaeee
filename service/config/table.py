"""One map of the configuration: keys are taken from it by name; what is left over at the end is a mistake."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from service.config.tree import Node
from service.config.values import Wrong, did_you_mean, listed, shown
from service.errors import Mistake

T = TypeVar("T")


class Mistakes:
    """Gathers what is wrong; reading goes on behind a mistake, so all of them come out at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Mistake] = []

    def add(self, line: int | None, key: str, text: str) -> None:
        self.found.append(Mistake(self.file, line, key, text))


class Table:
    """A map under ``key``. Anything else there is one mistake, and reads as an empty map."""

    def __init__(self, node: Node, key: str, mistakes: Mistakes) -> None:
        self.key = key
        self.line = node.line
        self._mistakes = mistakes
        self._asked: list[str] = []
        self._held: dict[str, Node] = {}
        self.is_map = isinstance(node.value, dict) or node.value is None
        if isinstance(node.value, dict):
            self._held = node.value
        elif node.value is not None:
            self.wrong(f"{shown(node.value)} is no map; write keys below it, indented")

    def take(self, name: str, read: Callable[[Node], T], default: T) -> T:
        """The value, or the default if the key is absent, empty or wrong."""
        self._asked.append(name)
        node = self._held.get(name)
        if node is None or node.value is None:
            return default
        try:
            return read(node)
        except Wrong as wrong:
            self._mistakes.add(node.line, self._path(name), str(wrong))
            return default

    def need(self, name: str, read: Callable[[Node], T], expected: str) -> T | None:
        """The value; absent is a mistake too. None after any mistake."""
        self._asked.append(name)
        node = self._held.get(name)
        if node is None or node.value is None:
            if self.is_map:
                line = self.line if node is None else node.line
                self._mistakes.add(line, self._path(name), f"is missing; write {expected}")
            return None
        try:
            return read(node)
        except Wrong as wrong:
            self._mistakes.add(node.line, self._path(name), str(wrong))
            return None

    def table(self, name: str) -> "Table":
        """The map under ``name``; an empty one if it is absent."""
        self._asked.append(name)
        return Table(self._held.get(name) or Node(None, self.line), self._path(name), self._mistakes)

    def several(self, name: str, read: Callable[[Node], T]) -> tuple[T, ...]:
        """The list under ``name``; a single value stands for a list of one. Every wrong item is a mistake."""
        self._asked.append(name)
        node = self._held.get(name)
        if node is None or node.value is None:
            return ()
        items = node.value if isinstance(node.value, list) else [node]
        good = []
        for index, item in enumerate(items):
            try:
                good.append(read(item))
            except Wrong as wrong:
                at = f"{self._path(name)}[{index}]" if items is node.value else self._path(name)
                self._mistakes.add(item.line, at, str(wrong))
        return tuple(good)

    def item(self, name: str, number: int, node: Node) -> "Table":
        """The map that is the item ``number`` of the list under ``name``."""
        return Table(node, self._path(f"{name}[{number}]"), self._mistakes)

    def value_of(self, name: str) -> object:
        """The raw value; None if it is absent or null."""
        return self._held[name].value if name in self._held else None

    @property
    def mistakes(self) -> int:
        """How many have been noted so far, anywhere in the file."""
        return len(self._mistakes.found)

    def entries(self) -> Iterator[tuple[str, Node]]:
        """Every key and value, for maps whose keys are the user's own."""
        self._asked.extend(self._held)
        yield from self._held.items()

    def holds(self, name: str) -> bool:
        return name in self._held

    def line_of(self, name: str) -> int:
        return self._held[name].line if name in self._held else self.line

    def wrong(self, text: str, name: str = "") -> None:
        self._mistakes.add(self.line_of(name) if name else self.line, self._path(name), text)

    def close(self) -> None:
        """Names every key that nobody asked for."""
        known = tuple(dict.fromkeys(self._asked))
        for name in self._held:
            if name not in known:
                plain = "".join(c if c.isprintable() else "?" for c in name[:60])
                hint = did_you_mean(name, known) or (
                    f"; known here: {listed(known)}" if known else "; nothing goes here"
                )
                self._mistakes.add(self._held[name].line, self._path(plain), f"is no known key{hint}")

    def _path(self, name: str) -> str:
        return f"{self.key}.{name}" if self.key and name else self.key or name
