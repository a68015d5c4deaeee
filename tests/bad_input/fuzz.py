"""The coverage-guided fuzzer: ``python tests/bad_input/fuzz.py [--seconds N]``; needs atheris (``pip install atheris``).

The first byte of an input picks the target, the rest is the record. It starts from the samples, mixes in the lexicon's
texts, and ends with status 0 unless something raised, hung, or took too much memory; then the input is shown.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["parsers"]):
    from targets import seeds, targets

    from parsers import lexicon, registry, screen

    FORMATS = [registry.get(name) for name in registry.NAMES]
    """Imported here, for only what is imported under instruments leads the fuzzer."""

MEMORY_MIB = 1500
SECONDS_AN_INPUT = 5
LONGEST = 4096


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=int, default=60)
    seconds = asked.parse_args().seconds
    screen.load()
    functions = list(targets().values())

    def one(data: bytes) -> None:
        if data:
            functions[data[0] % len(functions)](data[1:])

    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, record in enumerate(seeds()):
            for target in {number % len(functions), (number * 7 + 3) % len(functions)}:
                (corpus / f"{number}-{target}").write_bytes(bytes([target]) + record[: LONGEST - 1])
        words = Path(folder, "words")
        words.write_text("".join(f'"{_escaped(entry.text)}"\n' for entry in lexicon.load().entries[::5]))
        atheris.Setup(
            [
                sys.argv[0],
                f"-max_total_time={seconds}",
                f"-max_len={LONGEST}",
                f"-rss_limit_mb={MEMORY_MIB}",
                f"-timeout={SECONDS_AN_INPUT}",
                f"-dict={words}",
                f"-artifact_prefix={folder}/",
                "-print_final_stats=1",
                "-verbosity=1",
                str(corpus),
            ],
            one,
        )
        atheris.Fuzz()


def _escaped(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode()[:60])


if __name__ == "__main__":
    main()
