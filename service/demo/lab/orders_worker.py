"""An ordinary worker: asks the shop's API for orders and logs what happens. Runs as a script, knows nothing of us.

Usage: python orders_worker.py LOG PORT HOST CA_FILE SECONDS_BETWEEN
"""

import http.client
import logging
import socket
import ssl
import sys
import time

log = logging.getLogger("orders.sync")


class Api(http.client.HTTPSConnection):
    """The load balancer's address, the API's name."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(host, port, context=context, timeout=5)
        self.tls = context

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        self.sock = self.tls.wrap_socket(plain, server_hostname=self.host)


def fetch(host: str, port: int, context: ssl.SSLContext, number: int) -> int:
    api = Api(host, port, context)
    try:
        api.request("GET", f"/v1/orders/{number}", headers={"User-Agent": "orders-sync/2.4"})
        return api.getresponse().status
    finally:
        api.close()


def main() -> None:
    path, port, host, trusted, pause = sys.argv[1:]
    logging.basicConfig(filename=path, level=logging.INFO, format="%(asctime)s %(levelname)s [%(name)s] %(message)s")
    logging.Formatter.converter = time.gmtime
    context = ssl.create_default_context(cafile=trusted)
    number = 0
    while True:
        number += 1
        began = time.monotonic()
        try:
            status = fetch(host, int(port), context, number)
        except OSError:
            log.exception("GET https://%s:%s/v1/orders/%d failed", host, port, number)
        else:
            log.info("GET https://%s:%s/v1/orders/%d -> %d in %.0f ms", host, port, number, status,
                     (time.monotonic() - began) * 1000)  # fmt: skip
        time.sleep(float(pause))


if __name__ == "__main__":
    main()
