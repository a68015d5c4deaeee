"""``alerts:`` of streams.yaml: who is told of incidents."""

from collections.abc import Callable

from service.config import values
from service.config.model import WEBHOOK_FORMATS, Alerts, Secret, Webhook
from service.config.table import Mistakes, Table
from service.config.tree import Node


def read_alerts(table: Table, secret: Callable[[Node], Secret], mistakes: Mistakes) -> Alerts:
    """``secret`` reads the file that a node names."""
    default = Alerts()
    alerts = Alerts(
        alertmanager=table.several("alertmanager", values.url),
        webhooks=_webhooks(table, secret, mistakes),
        resend_seconds=table.take("resend", lambda n: values.duration(n, 1, 3600), default.resend_seconds),
        page=table.take("page", values.url, None),
        runbooks=table.take("runbooks", values.text, default.runbooks),
    )
    table.close()
    return alerts


def _webhooks(table: Table, secret: Callable[[Node], Secret], mistakes: Mistakes) -> tuple[Webhook, ...]:
    node = table.take("webhooks", lambda node: node, None)
    if node is None:
        return ()
    listed = node.value if isinstance(node.value, list) else [node]
    found = []
    for index, item in enumerate(listed):
        key = f"{table.key}.webhooks[{index}]" if listed is node.value else f"{table.key}.webhooks"
        webhook = _webhook(item, key, secret, mistakes)
        if webhook is not None:
            found.append(webhook)
    return tuple(found)


def _webhook(item: Node, key: str, secret: Callable[[Node], Secret], mistakes: Mistakes) -> Webhook | None:
    if not isinstance(item.value, dict):  # the address alone
        try:
            return Webhook(Secret(values.url(item)))
        except values.Wrong as wrong:
            mistakes.add(item.line, key, str(wrong))
            return None
    table = Table(item, key, mistakes)

    def from_file(node: Node) -> Secret:
        return Secret(values.url(Node(secret(node).value, node.line)))

    if table.holds("url") and table.holds("url_file"):
        table.wrong("stands beside url; keep one of them", "url_file")
    kept = table.take("url_file", from_file, None)
    if table.holds("url_file"):
        table.take("url", values.text, None)
        url = kept
    else:
        given = table.need("url", values.url, "the receiver's address, or url_file: a file that holds it")
        url = None if given is None else Secret(given)
    signing = table.take("secret_file", secret, None)
    format = table.take("format", lambda n: values.one_of(n, WEBHOOK_FORMATS), WEBHOOK_FORMATS[0])
    table.close()
    return None if url is None else Webhook(url, signing, format)
