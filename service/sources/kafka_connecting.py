"""A consumer as the configuration wants it: doors, keys, and how much it may fetch."""

import ssl

from aiokafka import AIOKafkaConsumer

from service.config.model import KafkaSource as Settings
from service.sources import kafka_wire


def new_consumer(settings: Settings, instance: str | None) -> AIOKafkaConsumer:
    """Subscribes to nothing yet; ``instance``: the name of a static member."""
    return AIOKafkaConsumer(
        bootstrap_servers=list(settings.brokers),
        client_id="handspike",
        group_id=settings.group,
        group_instance_id=instance,
        enable_auto_commit=False,
        value_deserializer=kafka_wire.as_they_are,
        auto_offset_reset="none",
        isolation_level="read_committed",
        fetch_max_bytes=8 << 20,
        max_partition_fetch_bytes=1 << 20,
        metadata_max_age_ms=30_000,
        retry_backoff_ms=250,
        security_protocol=settings.protocol,
        ssl_context=_ssl_context(settings),
        sasl_mechanism=settings.mechanism or "PLAIN",
        sasl_plain_username=settings.username or None,
        sasl_plain_password=None if settings.password is None else settings.password.value,
    )


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    if "SSL" not in settings.protocol:
        return None
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.cert_file is not None:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    return context
