"""``python -m service.cli``: the same command, where its script is not on the PATH."""

from service.cli.root import main

main()
