"""A real Apache Kafka broker (KRaft mode, one node) on free loopback ports, for tests and benchmarks."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

POM: Final = Path(__file__).with_name("pom.xml")
CLUSTER_ID: Final = "aGFuZHNwaWtlLXRlc3RzMA"
USER: Final = "handspike"
PASSWORD: Final = "correct horse battery"
START_SECONDS: Final = 60.0
_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{plain},SECURE://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SECURE://127.0.0.1:{secure}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/log
num.partitions=1
auto.create.topics.enable=true
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.io.threads=4
num.network.threads=2
log.cleaner.enable=false
log.segment.delete.delay.ms=100
message.max.bytes=8000000
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location={folder}/broker.pem
listener.name.secure.ssl.client.auth=requested
listener.name.secure.ssl.truststore.type=PEM
listener.name.secure.ssl.truststore.location={folder}/ca.pem
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  user_{user}="{password}";
listener.name.secure.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


def jars() -> Path:
    """The folder of the broker's jars, fetched from Maven Central once per machine and version of the pom.

    Raises:
        RuntimeError: Maven could not fetch them; with its last words.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "handspike-tests" / f"kafka-{_version()}"
    if (folder / "complete").exists():
        return folder
    command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"mvn could not fetch Kafka's jars: {done.stdout[-1500:]}{done.stderr[-500:]}")
    (folder / "complete").touch()
    return folder


def _version() -> str:
    text = POM.read_text()
    return text[text.index("<version>3") + 9 :].partition("<")[0]


class Broker:
    """`start` it, `stop` it, start it again on the same ports with the same data."""

    def __init__(self, folder: Path) -> None:
        from tests.kafka.certificates import write_certificates

        self.folder = folder
        self.plain, self.secure, self._controller = free_ports(3)
        self.address = f"127.0.0.1:{self.plain}"
        self.secure_address = f"127.0.0.1:{self.secure}"
        self.ca = folder / "ca.pem"
        self.process: subprocess.Popen[bytes] | None = None
        self._java = [
            "java",
            "-Xmx384m",
            "-Xms128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            f"{jars()}/*",
        ]
        folder.mkdir(parents=True, exist_ok=True)
        write_certificates(folder)
        self._properties = folder / "server.properties"
        self._properties.write_text(
            _PROPERTIES.format(
                controller=self._controller,
                plain=self.plain,
                secure=self.secure,
                folder=folder,
                user=USER,
                password=PASSWORD,
            )
        )
        scram = f"SCRAM-SHA-256=[name={USER},iterations=4096,password={PASSWORD}]"
        command = [*self._java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._properties)]
        subprocess.run([*command, "--add-scram", scram], check=True, capture_output=True, timeout=60)

    def start(self) -> None:
        with (self.folder / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self._java, "kafka.Kafka", str(self._properties)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.plain), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the broker did not start: {(self.folder / 'broker.log').read_text()[-3000:]}")

    def stop(self, *, kill: bool = False) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def free_ports(count: int) -> list[int]:
    taken = [socket.socket() for _ in range(count)]
    try:
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in taken]
    finally:
        for one in taken:
            one.close()
