"""Every row of the lexicon holds what its columns promise."""

from typing import get_args

import pytest

from parsers.lexicon import load, tables
from parsers.lexicon.entry import MEANINGFUL, SEARCHED, Kind, parse
from parsers.vocabulary import FAMILY_OF, RejectedBy

ENTRIES = load().entries


def test_ids_are_places_in_the_list() -> None:
    """The screen reports ids; whoever gets one finds the entry under it."""
    assert [entry.id for entry in ENTRIES] == list(range(len(ENTRIES)))


def test_it_is_the_whole_lexicon() -> None:
    """Every stack file is there and none has shrunk to a stub."""
    stacks = {entry.stack for entry in ENTRIES}
    assert {"openssl", "openssl_verify", "boringssl", "go", "java", "python", "node", "rustls", "dotnet"} <= stacks
    assert len(ENTRIES) > 4000


def test_every_cell_is_a_word_of_its_column() -> None:
    """Kinds, reasons, sides, ranks and legs come from the vocabulary only."""
    wrong = [
        entry
        for entry in ENTRIES
        if entry.kind not in get_args(Kind)
        or entry.rejected_by not in get_args(RejectedBy)
        or entry.leg not in (None, "downstream", "upstream")
        or entry.rank not in ((1, 2, 3, 4, 5, 6) if entry.kind in MEANINGFUL else range(1, 10))
        or (entry.kind in MEANINGFUL and entry.reason not in FAMILY_OF)
        or (entry.kind not in MEANINGFUL and entry.reason != "")
        or (entry.alert is not None and not 0 <= entry.alert <= 255)
    ]
    assert wrong == []


def test_every_row_names_its_source() -> None:
    """Where a text was read stands beside it."""
    assert [entry for entry in ENTRIES if len(entry.source) < 2] == []


def test_searched_texts_are_long_enough_to_mean_something() -> None:
    """Four characters are no evidence; line breaks can never match."""
    too_short = [entry.text for entry in ENTRIES if entry.kind in SEARCHED and len(entry.text) < 5]
    assert too_short == []
    assert [entry for entry in ENTRIES if "\n" in entry.text or "\r" in entry.text] == []


def test_one_text_means_one_thing_within_a_stack() -> None:
    """No file contradicts itself."""
    seen: dict[tuple[str, str, str], str] = {}
    for entry in ENTRIES:
        key = (entry.stack, entry.text, entry.kind)
        assert key not in seen, key
        seen[key] = entry.reason


def test_a_legs_row_tells_a_leg() -> None:
    """A row of kind leg without a leg would be of no use."""
    assert [entry for entry in ENTRIES if entry.kind == "leg" and entry.leg is None] == []


def test_alert_numbers_are_found_by_number() -> None:
    """All alerts of the TLS registry are known; 255 is none."""
    lexicon = load()
    assert [number for number in (0, 10, 20, 22, *range(40, 52), 70, 71, 80, 86, 90, 109, 110, 112, 113, 115, 116, 120)
            if lexicon.alert(number) is None] == []  # fmt: skip
    unknown_ca = lexicon.alert(48)
    assert unknown_ca is not None
    assert (unknown_ca.reason, unknown_ca.rejected_by, unknown_ca.alert) == ("unknown_issuer", "peer", 48)
    assert lexicon.alert(255) is None


def test_exit_codes_are_found_by_program() -> None:
    """curl and wget number differently."""
    lexicon = load()
    curl, wget = lexicon.exit_code(60), lexicon.exit_code(5, "wget")
    assert curl is not None
    assert wget is not None
    assert (curl.reason, wget.reason) == ("certificate_unknown", "certificate_unknown")
    assert lexicon.exit_code(28) is None


def test_a_row_with_too_few_columns_is_named() -> None:
    """A mistake in a file is told by file and line."""
    with pytest.raises(ValueError, match=r"^nginx\.tsv:2: 3 columns, expected text, kind"):
        list(parse([("nginx", b"text\tkind\treason\ntext\tonly\tthree\n")]))


def test_the_alert_column_may_be_left_out() -> None:
    """Eight columns are a whole row."""
    (entry,) = parse([("x", b"some text\ttext\tother\tlocal\t2\t-\t-\tsource\n")])
    assert (entry.stack, entry.text, entry.alert, entry.leg) == ("x", "some text", None, None)


def test_the_tables_are_all_the_tsv_files() -> None:
    """A new file needs no registration."""
    assert [name for name, _ in tables()] == sorted(name for name, _ in tables())


def test_weak_texts_are_consulted_by_place() -> None:
    """On a record already picked, general words count too, in their order."""
    lexicon = load()
    ids = lexicon.weak_ids(b"handshake: hostname mismatch, then path loop")
    assert [lexicon.entries[number].text for number in ids] == ["hostname mismatch", "path loop"]
    assert lexicon.weak_ids(b"all is well") == ()
