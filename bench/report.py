"""The table: what was measured, what it must at least be, and whether it is."""

import msgspec


class Row(msgspec.Struct):
    what: str
    value: float
    unit: str
    """``x`` for a ratio, else behind the number."""
    floor: float | None
    at_least: bool = True
    """False: the floor is the most it may be."""
    detail: str = ""

    @property
    def is_met(self) -> bool:
        if self.floor is None:
            return True
        return self.value >= self.floor if self.at_least else self.value <= self.floor


def table(rows: list[Row]) -> str:
    """Markdown."""
    lines = ["| what | measured | floor | | from |", "| --- | ---: | ---: | --- | --- |"]
    for row in rows:
        floor = "" if row.floor is None else f"{'≥' if row.at_least else '≤'} {_number(row.floor, row.unit)}"
        verdict = "" if row.floor is None else "met" if row.is_met else "**missed**"
        lines.append(f"| {row.what} | {_number(row.value, row.unit)} | {floor} | {verdict} | {row.detail} |")
    return "\n".join(lines)


def _number(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}{'' if unit == 'x' else ' '}{unit}"
