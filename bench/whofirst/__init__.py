"""The public benchmark of "who was first": simulated incidents over five streams, and who finds them, when, and where."""
