"""Speed as ratios: handspike against mtail and ripgrep on the same logs, on the same machine, in the same run."""
