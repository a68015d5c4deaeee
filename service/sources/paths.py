"""The files and directories that a glob speaks of: ``*``, ``?``, ``[...]``, and ``**`` for any depth."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import translate
from pathlib import Path
from typing import Final

import msgspec

_WILD: Final = re.compile(r"[*?[]")


class Found(msgspec.Struct):
    files: dict[str, os.stat_result]
    directories: set[str]
    """Those that hold a match or may come to hold one; worth watching."""
    problems: dict[str, str]
    """Path -> why it can't be looked at."""
    targets: set[str] = set()
    """What matches that are links point at."""


class Glob:
    """Like the shell's: ``*`` passes over names that begin with a dot, ``**`` does not follow links to directories."""

    def __init__(self, pattern: str) -> None:
        self.pattern = os.path.abspath(os.path.expanduser(pattern))  # noqa: PTH100, PTH111  # keeps ** and ..
        parts = [part for part in self.pattern.split("/") if part]
        self._parts: list[re.Pattern[str] | str] = [_compiled(part) for part in parts]
        fixed = next((i for i, part in enumerate(parts) if _WILD.search(part)), len(parts) - 1)
        self.base = "/" + "/".join(parts[:fixed])
        """The directory above the first wildcard."""
        self._fixed = fixed

    def find(self) -> Found:
        """Looks at the directories and at each match once."""
        found = Found({}, {_nearest_directory(self.base)}, {})
        for path in self._expand(self.base, self._fixed, found):
            try:
                stat = os.stat(path)  # noqa: PTH116  # thousands of them
            except FileNotFoundError:
                continue
            except OSError as error:
                found.problems[path] = error.strerror or str(error)
                continue
            if stat.st_mode & 0o170000 == 0o100000:
                found.files[path] = stat
                found.directories.add(os.path.dirname(path))  # noqa: PTH120
                if os.path.islink(path):  # noqa: PTH114
                    target = Path(path).resolve()
                    found.targets.add(str(target))
                    found.directories.add(str(target.parent))
        return found

    def concerns(self, path: str) -> bool:
        """Whether ``path`` is a match, or a directory that may come to hold one."""
        return _leads_on([part for part in path.split("/") if part], self._parts)

    def matches(self, path: str) -> bool:
        return _matches([part for part in path.split("/") if part], self._parts)

    def _expand(self, directory: str, index: int, found: Found) -> Iterator[str]:
        part, last = self._parts[index], index == len(self._parts) - 1
        prefix = directory.rstrip("/") + "/"
        if isinstance(part, str) and part != "**":
            if last:
                yield prefix + part
            else:
                yield from self._expand(prefix + part, index + 1, found)
            return
        try:
            with os.scandir(directory) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            found.problems[directory] = error.strerror or str(error)
            return
        found.directories.add(directory)
        if isinstance(part, str):  # ** is no directory, or one and ** again
            if last:
                yield from (entry.path for entry in listed if entry.name[0] != "." and not entry.is_dir())
            else:
                yield from self._expand(directory, index + 1, found)
            for entry in listed:
                with suppress(OSError):
                    if entry.name[0] != "." and entry.is_dir(follow_symlinks=False):
                        yield from self._expand(entry.path, index, found)
            return
        for entry in listed:
            if part.match(entry.name):
                if last:
                    yield entry.path
                else:
                    with suppress(OSError):
                        if entry.is_dir():
                            yield from self._expand(entry.path, index + 1, found)


def _compiled(part: str) -> re.Pattern[str] | str:
    if part == "**" or not _WILD.search(part):
        return part
    return re.compile(("" if part.startswith(".") else r"(?!\.)") + translate(part.replace("**", "*")))


def _leads_on(names: list[str], parts: list[re.Pattern[str] | str]) -> bool:
    for index, name in enumerate(names):
        if index >= len(parts):
            return False
        part = parts[index]
        if part == "**":
            return True
        if not (name == part if isinstance(part, str) else part.match(name)):
            return False
    return True


def _matches(names: list[str], parts: list[re.Pattern[str] | str]) -> bool:
    if not parts or not names:
        return not parts and not names
    part = parts[0]
    if part == "**":
        return _matches(names, parts[1:]) or _matches(names[1:], parts if len(names) > 1 else [])
    fits = names[0] == part if isinstance(part, str) else part.match(names[0]) is not None
    return fits and _matches(names[1:], parts[1:])


def _nearest_directory(path: str) -> str:
    """The directory itself, or the one above it that exists: there it will show up."""
    while not os.path.isdir(path) and path != "/":  # noqa: PTH112
        path = os.path.dirname(path)  # noqa: PTH120
    return path
