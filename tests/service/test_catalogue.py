"""The page of formats is what the tables make it."""

from pathlib import Path

from parsers.registry import NAMES
from service import catalogue

PAGE = Path(__file__).parent.parent.parent / "docs" / "formats.md"


def test_the_page_is_current() -> None:
    """Made anew it is the same, byte for byte."""
    made = catalogue.page(catalogue.origins())
    assert PAGE.read_text("utf-8") == made, "run: python -m service.catalogue > docs/formats.md"


def test_every_format_has_its_section() -> None:
    """With what it reads, how many samples prove it, and how many texts are its own."""
    sections = catalogue.page(catalogue.origins()).split("\n## ")[1:]
    headed = {section.partition("\n")[0]: section for section in sections}
    for name in NAMES:
        if name != "auto":
            assert "\nSamples: " in headed[name], name
            assert "Own texts: " in headed[name], name


def test_samples_are_counted_by_origin(tmp_path: Path) -> None:
    """A file of ``envoy_json`` counts for envoy, the longest name that fits owns a file."""
    (tmp_path / "envoy_json.log").write_text(
        "# from: recorded 2026: Envoy 1.40\n#= null\nx\n# from: source: a.cc\n#= null\ny\n"
    )
    (tmp_path / "aws_alb_connection.log").write_text("# from: vendor-doc: AWS, a page\n#= null\nz\n")
    found = catalogue.origins(tmp_path)
    assert found == {
        "envoy": ["recorded 2026: Envoy 1.40", "source: a.cc"],
        "aws_alb_connection": ["vendor-doc: AWS, a page"],
    }
    made = catalogue.page(found)
    assert "\nSamples: 1 recorded, 1 source. Own texts: " in made.split("\n## envoy\n")[1].split("\n## ")[0]
    assert "\nSamples: none. Own texts: " in made.split("\n## nginx\n")[1].split("\n## ")[0]
