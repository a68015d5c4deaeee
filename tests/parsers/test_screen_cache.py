"""The compiled database is kept for the next start, and never trusted further than that."""

import os
from pathlib import Path

import pytest

from parsers import cache, screen
from parsers.lexicon import Lexicon
from parsers.lexicon import load as load_lexicon


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of our own, for a lexicon that compiles in no time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    few(monkeypatch)
    return tmp_path / "handspike"


def few(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = LEXICON.entries[:40] + tuple(LEXICON.entries[number] for number in LEXICON.ids_of("no shared cipher"))
    monkeypatch.setattr(screen, "load_lexicon", lambda: Lexicon(entries))


def load() -> screen.Screen:
    """As a new process would."""
    return screen.load.__wrapped__()


LEXICON = load_lexicon()
LINE = b"x no shared cipher y"


def test_the_database_goes_round(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second start compiles nothing and finds the same."""
    first = load().hits(LINE)
    (kept,) = folder.iterdir()
    assert kept.name.startswith("screen-")
    assert (folder.stat().st_mode & 0o777, kept.stat().st_mode & 0o777) == (0o700, 0o600)
    monkeypatch.setattr(screen.Screen, "compile", lambda entries: pytest.fail("compiled again"))
    assert load().hits(LINE) == first != []


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "garbage", "directory"])
def test_a_damaged_file_is_replaced(folder: Path, damage: str) -> None:
    """Compiled anew, and whole on the disk again."""
    load()
    (kept,) = folder.iterdir()
    whole = kept.read_bytes()
    if damage == "directory":
        kept.unlink()
        kept.mkdir()
    else:
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        kept.write_bytes({"cut": whole[:-9], "flipped": bytes(flipped), "empty": b"", "garbage": b"x" * 99}[damage])
    assert load().hits(LINE) != []
    if damage != "directory":
        assert kept.read_bytes() == whole


def test_a_database_of_another_processor_is_compiled_anew(folder: Path) -> None:
    """Whole, but not loadable."""
    load()
    (kept,) = folder.iterdir()
    cache.put(kept.name, b"no hyperscan database")
    assert load().hits(LINE) != []


def test_old_databases_are_removed(folder: Path) -> None:
    """One lexicon is kept, not the history of all."""
    cache.put("screen-old", b"x")
    cache.put("other", b"x")
    load()
    assert len(list(folder.glob("screen-*"))) == 1
    assert cache.get("screen-old") is None
    assert cache.get("other") == b"x"


def test_what_others_could_have_written_is_ignored(folder: Path) -> None:
    """A file, or its folder, that a group or everybody may write to is not ours alone."""
    cache.put("name", b"content")
    assert cache.get("name") == b"content"
    (folder / "name").chmod(0o620)
    assert cache.get("name") is None
    (folder / "name").chmod(0o600)
    folder.chmod(0o707)
    assert cache.get("name") is None
    cache.put("another", b"content")
    assert not (folder / "another").exists()


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    """It could lead anywhere."""
    cache.put("name", b"content")
    (folder / "name").rename(tmp_path / "elsewhere")
    (folder / "name").symlink_to(tmp_path / "elsewhere")
    assert cache.get("name") is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cache, no error."""
    few(monkeypatch)
    tmp_path.chmod(0o500)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert load().hits(LINE) != []
    tmp_path.chmod(0o700)


def test_a_folder_that_cannot_be_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file stands where the folder should."""
    few(monkeypatch)
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    cache.put("name", b"content")
    assert cache.get("name") is None
    assert load().hits(LINE) != []


def test_a_relative_cache_home_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the XDG Base Directory Specification demands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    cache.put("name", b"content")
    assert (tmp_path / "home" / ".cache" / "handspike" / "name").exists()
    assert not (tmp_path / "relative").exists()
