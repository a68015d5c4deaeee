"""The page ``docs/formats.md``, made of the tables: ``python -m service.catalogue > docs/formats.md``.

What a format reads and from which versions on stands in its module's docstring, what its log can't show in
`blindspots`, its own texts in the lexicon, its samples and where they came from in ``tests/parsers/samples``. A test
holds the page to what this makes of them.
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import Final

from parsers import lexicon
from parsers.registry import NAMES
from service.blindspots import BLINDSPOTS

SAMPLES: Final = Path(__file__).parent.parent / "tests" / "parsers" / "samples"
ORIGINS: Final = ("recorded", "vendor-doc", "source")
OWN_TEXTS: Final = {"gonet": "gonet_server", "app": "app_wrappers"}
"""Formats whose own texts stand in a file of another name."""
_ORIGIN: Final = b"\n# from: "


def origins(folder: Path = SAMPLES) -> dict[str, list[str]]:
    """Format -> what stands after ``# from: `` above each of its samples.

    A file belongs to the format whose name it has, or that its name begins with (``envoy_json.log``: envoy).
    """
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.log")):
        texts = (b"\n" + path.read_bytes()).split(_ORIGIN)[1:]
        found.setdefault(format_of(path), []).extend(text.partition(b"\n")[0].decode() for text in texts)
    return found


def format_of(path: Path) -> str:
    """The format that a sample file is of; its whole stem if there is none."""
    owners = [name for name in NAMES if path.stem == name or path.stem.startswith(name + "_")]
    return max(owners, key=len, default=path.stem)


def own_stack(name: str) -> str:
    """The lexicon's file with the texts that only this format's program writes."""
    return OWN_TEXTS.get(name, name)


def page(samples: Mapping[str, Sequence[str]]) -> str:
    """The whole page; ``samples`` as `origins` gives them."""
    names = [name for name in NAMES if name != "auto"]
    kinds = {name: Counter(origin.split(":")[0].split(" ")[0] for origin in samples.get(name, ())) for name in names}
    stacks = Counter(entry.stack for entry in lexicon.load().entries)
    texts = {name: stacks[own_stack(name)] for name in names}
    lines = [
        _HEAD,
        "| format | reads | samples: recorded | vendor-doc | source | own texts |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for name in names:
        counts = " | ".join(str(kinds[name][origin]) for origin in ORIGINS)
        lines.append(f"| [`{name}`](#{name}) | {_title(name)} | {counts} | {texts[name]} |")
    total = " | ".join(str(sum(counted[origin] for counted in kinds.values())) for origin in ORIGINS)
    lines.append(f"| all | | {total} | {sum(texts.values())} |")
    for name in names:
        lines += ["", f"## {name}", "", *_section(name, kinds[name], texts[name])]
    lines += ["", *_stacks(stacks, {own_stack(name) for name in names})]
    return "\n".join(lines) + "\n"


_HEAD: Final = """\
# What each format shows

Made from the tables by `python -m service.catalogue > docs/formats.md`; a test holds it current. *Recorded* samples
were written by the real program, *vendor-doc* ones are or follow the examples of its documentation, *source* ones
follow the program's source code. `auto` takes each record to the first of these formats that knows its shape.

The texts of TLS libraries are known to every format; *own texts* are those of one program alone.
"""


def _section(name: str, kinds: Mapping[str, int], texts: int) -> list[str]:
    lines = [_prose(_doc(name))]
    spots = BLINDSPOTS.get(name, ())
    if spots:
        lines += ["", "Can't show, as it is set up by default:", ""]
        for spot in spots:
            way_out = f" Shown by: {_code(spot.way_out)}." if spot.way_out else " No setting shows it."
            lines.append(f"- {_capital(spot.missing)}.{way_out} ({spot.source})")
    versions = Counter(
        entry.versions
        for entry in lexicon.load().entries
        if entry.stack == own_stack(name) and entry.versions not in ("-", "all")
    )
    counted = ", ".join(f"{kinds[origin]} {origin}" for origin in ORIGINS if kinds[origin])
    lines += ["", f"Samples: {counted or 'none'}. Own texts: {texts}" + ("," if versions else ".")]
    if versions:
        lines[-1] += " by version " + ", ".join(f"{version} ({n})" for version, n in sorted(versions.items())) + "."
    return lines


def _stacks(stacks: Mapping[str, int], own: set[str]) -> list[str]:
    """The libraries and runtimes, whose texts every format knows."""
    lines = ["## Texts that every format knows", "", "| library or runtime | texts, codes and numbers |", "|---|--:|"]
    return lines + [f"| {stack} | {count} |" for stack, count in sorted(stacks.items()) if stack not in own]


def _doc(name: str) -> str:
    return cleandoc(import_module(f"parsers.formats.{name}").__doc__ or "")


def _title(name: str) -> str:
    return _prose(_doc(name).partition("\n\n")[0]).replace("\n", " ").replace("|", "\\|").rstrip(".")


def _prose(text: str) -> str:
    return text.replace("``", "`")


def _code(setting: str) -> str:
    return f"`` {setting} ``" if "`" in setting else f"`{setting}`"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    if not SAMPLES.is_dir():
        sys.exit(f"{SAMPLES}: not found; the page is made in a checkout, where the samples are")
    sys.stdout.write(page(origins()))
