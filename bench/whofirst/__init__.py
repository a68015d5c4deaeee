"""The public benchmark of "who was first": simulated incidents over five streams; who finds them, and how soon."""
