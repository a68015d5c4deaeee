"""A running service whose Kafka can't be reached: this stream says so, the others go on. Needs no broker."""

from pathlib import Path

from tests.service.live import LiveService, free_port


def states(service: LiveService) -> list[str]:
    return [stream["state"] for stream in service.get("/api/v1/streams")["items"]]


def test_a_broker_that_is_not_there_stops_its_own_stream_only(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("a line\n" * 5)
    service = LiveService(
        tmp_path,
        f"  edge: {{format: nginx, source: {{kafka: {{brokers: ['127.0.0.1:{free_port()}'], topic: t}}}}}}\n"
        "  lb: {format: nginx, source: {file: {path: a.log, start: beginning}}}\n",
    )
    service.start()
    try:
        service.wait_for(lambda: service.counts()["lb"]["lines"] == 5, "the file read")
        service.wait_for(lambda: states(service) == ["failed", "reading"], "failed")
        metrics = service.text("/metrics")
        assert 'handspike_stream_up{stream="edge"} 0.0' in metrics
        assert 'handspike_stream_up{stream="lb"} 1.0' in metrics
    finally:
        assert service.stop() == 0
