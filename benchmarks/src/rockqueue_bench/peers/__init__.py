"""Other queues, side by side with RockQueue in one run: the same payload, the same shapes, each in its best mode."""

from rockqueue_bench.peers.result import PeerResult
from rockqueue_bench.peers.run import measure_peers
from rockqueue_bench.peers.section import peers_section

__all__ = ["PeerResult", "measure_peers", "peers_section"]
