import pytest

from rockqueue_bench.peers.catalogue import SETUPS
from rockqueue_bench.peers.result import DURABILITIES
from rockqueue_bench.peers.run import UnknownPeer, chosen
from rockqueue_bench.peers.setup import BUSY, ONE_BY_ONE


def test_all_setups_are_measured_when_none_is_named() -> None:
    assert chosen([]) == list(SETUPS)


def test_a_key_chooses_each_way_in_which_a_peer_is_run() -> None:
    assert [(setup.name, setup.kind) for setup in chosen(["rabbitmq"])] == [
        ("RabbitMQ quorum", "quorum"),
        ("RabbitMQ classic", "classic"),
    ]


def test_an_unknown_key_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UnknownPeer, match=r"no peer 'kafka'; there are: rockqueue, rustqueue, redis"):
        chosen(["redis", "kafka"])


def test_no_two_setups_have_the_same_name_and_durability() -> None:
    names = [(setup.name, setup.durability) for setup in SETUPS]
    assert len(set(names)) == len(names)
    assert {durability for _, durability in names} == set(DURABILITIES)


def test_one_by_one_means_one_delivery_at_a_time() -> None:
    assert ONE_BY_ONE.window == 1
    assert BUSY.window > BUSY.batch
