"""One failure told by two logs of one server counts once."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers import twins
from parsers.failure import Failure
from parsers.twins import Twins


def told(
    channel: str, time: float | None = 10.0, peer: str | None = "192.0.2.1", direction: str = "downstream"
) -> Failure:
    return Failure(time, direction, "expired", "local", peer=peer, channel=channel)  # type: ignore[arg-type]


def admitted(failures: list[Failure]) -> int:
    memory = Twins()
    return sum(memory.admit(failure) for failure in failures)


@pytest.mark.parametrize("order", list(itertools.permutations(["error", "error", "access"])))
def test_two_failures_of_which_one_is_told_twice_count_two_in_any_order(order: tuple[str, ...]) -> None:
    """The access line answers one error line, whichever log was read first."""
    assert admitted([told(channel) for channel in order]) == 2


def test_a_server_with_one_log_is_never_doubted() -> None:
    """Failures without a channel are no twins of anything."""
    assert admitted([told(""), told(""), told("error"), told("")]) == 4


def test_only_the_same_second_leg_and_client_make_a_twin() -> None:
    """Another second, leg or address is another failure; a fraction of the second is not."""
    error = told("error", 10.0)
    assert admitted([error, told("access", 10.9)]) == 1
    assert admitted([error, told("access", 11.0)]) == 2
    assert admitted([error, told("access", direction="upstream")]) == 2
    assert admitted([error, told("access", peer="192.0.2.2")]) == 2


def test_what_has_no_time_or_no_peer_always_counts() -> None:
    """There is nothing to pair it by."""
    assert (
        admitted([told("error", None), told("access", None), told("error", peer=None), told("access", peer=None)]) == 4
    )


def test_ports_must_agree_where_both_logs_tell_one() -> None:
    """Two connections of one address are two failures; a log without ports pairs with either."""
    assert admitted([told("error", peer="192.0.2.1:1000"), told("access", peer="192.0.2.1:1001")]) == 2
    assert admitted([told("error", peer="192.0.2.1:1000"), told("access", peer="192.0.2.1:1000")]) == 1
    assert admitted([told("error", peer="[2001:db8::1]:1000"), told("access", peer="2001:db8::1")]) == 1


_MEMBERS = st.lists(st.tuples(st.sampled_from(["error", "access"]), st.sampled_from(["", ":1", ":2"])), max_size=9)


@given(_MEMBERS, st.randoms(use_true_random=False))
def test_the_count_never_depends_on_the_order(members: list[tuple[str, str]], shuffler: random.Random) -> None:
    """Any interleaving of the two logs admits as many; never fewer than either log tells alone."""
    failures = [told(channel, peer="192.0.2.1" + port) for channel, port in members]
    count = admitted(failures)
    shuffler.shuffle(failures)
    assert admitted(failures) == count
    assert count >= max(sum(channel == wanted for channel, _ in members) for wanted in ("error", "access"))


def test_the_memory_survives_being_stored() -> None:
    """A twin that comes after a restart is known."""
    before = Twins()
    assert before.admit(told("error"))
    assert before.admit(told("error", peer="192.0.2.7:1"))
    after = Twins()
    after.load(before.dump())
    assert not after.admit(told("access"))
    assert not after.admit(told("access", peer="192.0.2.7:1"))
    with pytest.raises(ValueError, match="no memory of twins"):
        after.load(b"nonsense")


def test_the_memory_is_bounded_and_forgets_the_oldest_seconds_first() -> None:
    """A million clients do not make it grow; the latest second is still known."""
    memory = Twins()
    for second in range(3 * twins.KEYS):
        memory.admit(told("error", float(second)))
    assert len(memory._seen) <= twins.KEYS + twins.KEYS // 4
    assert not memory.admit(told("access", float(3 * twins.KEYS - 1)))
    assert memory.admit(told("access", 0.0))
