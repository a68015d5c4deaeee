"""The layers of the house: who may import whom, and who may touch the world outside."""

import ast
from collections.abc import Set
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

IO_MODULES = frozenset(
    {
        "os", "io", "pathlib", "shutil", "tempfile", "glob", "socket", "ssl",
        "select", "selectors", "asyncio", "threading", "multiprocessing", "subprocess", "signal", "time",
        "sqlite3", "sqlalchemy", "alembic", "httpx", "urllib.request", "http", "fastapi", "uvicorn",
        "watchfiles", "aiokafka", "zstandard", "gzip", "logging", "random", "secrets", "ruamel",
        "click", "rich", "prometheus_client",
    }
)  # fmt: skip
CLOCKS = frozenset({"now", "utcnow", "today"})
PURE = ("service/detector", "service/correlator", "service/verdict")


def modules(*folders: str) -> list[Path]:
    found = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    assert found, f"nothing under {folders}"
    return found


def imports(path: Path) -> set[str]:
    return imported(path.read_text("utf-8"), ".".join(path.relative_to(ROOT).parent.parts))


def imported(source: str, package: str) -> set[str]:
    """Every module imported anywhere in a module of ``package``; ``from a import b`` gives a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            above = parents[: len(parents) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def is_in(name: str, packages: Set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_parsers_never_import_service() -> None:
    """``parsers/`` turns bytes into facts and knows nothing of who waits for them."""
    wrong = [relative(path) for path in modules("parsers") if any(is_in(name, {"service"}) for name in imports(path))]
    assert wrong == []


def test_parsers_know_no_network_and_no_threads_of_their_own() -> None:
    """Bytes come in as arguments."""
    banned = {"socket", "ssl", "asyncio", "subprocess", "sqlite3", "sqlalchemy", "httpx", "watchfiles", "aiokafka"}
    wrong = {relative(path) for path in modules("parsers") if any(is_in(name, banned) for name in imports(path))}
    assert wrong == set()


def test_a_format_never_imports_what_stands_behind_it() -> None:
    """A format reads one record: it needs no reader and no other blocks."""
    banned = {"parsers.reader", "parsers.gathering", "parsers.twins"}
    wrong = [relative(path) for path in modules("parsers/formats") if any(is_in(n, banned) for n in imports(path))]
    assert wrong == []


@pytest.mark.parametrize("path", modules(*PURE), ids=relative)
def test_what_decides_does_no_io_and_has_no_clock(path: Path) -> None:
    """Detector, correlator and verdict: values in, values out; time is passed in."""
    assert sorted(name for name in imports(path) if is_in(name, IO_MODULES)) == []
    tree = ast.parse(path.read_bytes())
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert [call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS] == []
    assert [call.id for call in calls if isinstance(call, ast.Name) and call.id in {"open", "print", "input"}] == []


@pytest.mark.parametrize("path", modules(*PURE), ids=relative)
def test_what_decides_imports_nothing_of_the_service_that_waits(path: Path) -> None:
    """A pure module that imports an impure one is impure."""
    waits = {f"service.{name}" for name in ("sources", "engine", "api", "cli", "scan", "metrics", "demo", "config")}
    waits |= {"service.store.sqlite", "service.store.writer", "service.store.queries", "service.store.schema"}
    assert sorted(name for name in imports(path) if is_in(name, waits)) == []


def test_the_walk_sees_relative_and_late_imports() -> None:
    """Otherwise the tests above could pass by not looking."""
    source = "from ..sources import file\ndef late() -> None:\n    import os.path\n"
    found = imported(source, "service.detector")
    assert found == {"service.sources", "service.sources.file", "os.path"}
    assert is_in("os.path", IO_MODULES)
