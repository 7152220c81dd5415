from rockqueue_bench.loads.redis_push import rpush


def test_a_push_to_a_list_is_written_as_redis_reads_it() -> None:
    assert rpush("bench", b"{}") == b"*3\r\n$5\r\nRPUSH\r\n$5\r\nbench\r\n$2\r\n{}\r\n"
