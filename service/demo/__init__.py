"""``handspike demo``: a real incident, replayed or made now, found before your eyes."""


def run(live: bool) -> None:
    """Shows it, until Ctrl-C where somebody watches (standard output is a terminal).

    Raises:
        HandspikeError: the incident was not found in time, or what ``live`` needs is not installed.
    """
    from service.demo.show import show

    show(live)
