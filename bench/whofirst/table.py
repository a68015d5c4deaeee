"""The figures as a Markdown table."""

from bench.whofirst.score import Score


def table(scores: list[Score]) -> str:
    """One column each; delays are related to both bounds'."""
    bound, patient = (score for score in scores if score.name.startswith("bound"))
    rows = [
        ("incidents found", [f"{score.found} of {score.incidents}" for score in scores]),
        ("false incidents per 30 h of five streams", [f"{score.false_per_30_hours:.2f}" for score in scores]),
        ("median delay from the incident's onset", [_seconds(score.delay) for score in scores]),
        ("... relative to the bound", [_ratio(score.delay, bound.delay) for score in scores]),
        (f"... relative to the {patient.name}", [_ratio(score.delay, patient.delay) for score in scores]),
        ("median delay from each spike's own onset", [_seconds(score.spike_delay) for score in scores]),
        ("... relative to the bound", [_ratio(score.spike_delay, bound.spike_delay) for score in scores]),
        (f"... relative to the {patient.name}", [_ratio(score.spike_delay, patient.spike_delay) for score in scores]),
        ("spikes of single hops found", [f"{len(score.spike_delays)} of {score.spikes}" for score in scores]),
        ("first hop right (several hops)", [_share(score.first_right, score.judged) for score in scores]),
        ("... named exactly, without ties", [_share(score.strictly_first, score.judged) for score in scores]),
        ("... of which told as a tie", [_share(score.ties, score.judged) for score in scores]),
        ("onset error, median", [_seconds(score.onset_error) for score in scores]),
        ("incidents told per true one", [_pieces(score) for score in scores]),
    ]
    head = "| | " + " | ".join(score.name for score in scores) + " |"
    lines = [head, "| --- |" + " ---: |" * len(scores)]
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows]
    return "\n".join(lines)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _ratio(value: float | None, bound: float | None) -> str:
    return "-" if value is None or not bound else f"{value / bound:.2f} x"


def _share(part: int, whole: int) -> str:
    return "-" if whole == 0 else f"{100.0 * part / whole:.1f} %"


def _pieces(score: Score) -> str:
    return "-" if not score.pieces else f"{score.pieces / score.found:.2f}"
