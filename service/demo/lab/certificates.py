"""Certificates made with the ``openssl`` command line: a root, an intermediate, leaves with any validity.

``openssl ca`` is what sets both ends of a validity in every version of OpenSSL (``x509 -not_before`` came with 3.4).
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from service.demo.lab.process import find_program
from service.errors import HandspikeError

_CONFIG: Final = """\
[req]
distinguished_name = dn
prompt = no
[dn]
CN = unused
[self_signed]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = {name}
[{name}]
database = {folder}/{name}.index
serial = {folder}/{name}.serial
new_certs_dir = {folder}
certificate = {folder}/{name}.pem
private_key = {folder}/{name}.key
default_md = sha256
policy = any
unique_subject = no
email_in_dn = no
[any]
commonName = supplied
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The files of one certificate."""

    certificate: Path
    """The leaf alone, PEM."""
    chain: Path
    """The leaf and the intermediate that signed it."""
    key: Path
    combined: Path
    """Chain and key in one file, as HAProxy reads it."""


class Authority:
    """A root CA (``root``, the trust anchor) and an intermediate (``intermediate``) that signs leaves."""

    def __init__(self, folder: Path, name: str = "Shop") -> None:
        """Makes both in ``folder``, which is created."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._openssl = find_program("openssl")["openssl"]
        self.root = folder / "root.pem"
        self.intermediate = folder / "intermediate.pem"
        self._settings("root")
        self._settings("intermediate")
        self._key("root")
        self._run("req", "-x509", "-new", "-key", "root.key", "-out", "root.pem", "-days", "3650", "-sha256",
                  "-subj", f"/CN={name} Root CA", "-config", "root.cnf", "-extensions", "self_signed")  # fmt: skip
        self._signed("intermediate", f"{name} Issuing CA", "root", "basicConstraints=critical,CA:TRUE,pathlen:0\n"
                     "keyUsage=critical,keyCertSign,cRLSign\n", timedelta(days=-1), timedelta(days=1800))  # fmt: skip

    def leaf(
        self,
        name: str,
        hosts: Sequence[str],
        not_before: timedelta = timedelta(days=-1),
        not_after: timedelta = timedelta(days=90),
        client: bool = False,
    ) -> Leaf:
        """A certificate for ``hosts`` (DNS names), valid between two moments counted from now."""
        usage = "clientAuth" if client else "serverAuth"
        names = ",".join(f"DNS:{host}" for host in hosts)
        extensions = f"basicConstraints=critical,CA:FALSE\nextendedKeyUsage={usage}\nsubjectAltName={names}\n"
        self._signed(name, hosts[0], "intermediate", extensions, not_before, not_after)
        leaf = Leaf(*(self._folder / f"{name}{end}" for end in (".pem", ".chain.pem", ".key", ".combined.pem")))
        leaf.chain.write_bytes(leaf.certificate.read_bytes() + self.intermediate.read_bytes())
        leaf.combined.write_bytes(leaf.chain.read_bytes() + leaf.key.read_bytes())
        leaf.combined.chmod(0o600)
        return leaf

    def _signed(
        self, name: str, common_name: str, issuer: str, extensions: str, begin: timedelta, end: timedelta
    ) -> None:
        self._key(name)
        (self._folder / f"{name}.ext").write_text(extensions)
        self._run("req", "-new", "-key", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={common_name}",
                  "-config", "root.cnf")  # fmt: skip
        now = datetime.now(UTC)
        self._run("ca", "-batch", "-notext", "-config", f"{issuer}.cnf", "-in", f"{name}.csr", "-out", f"{name}.pem",
                  "-startdate", _stamp(now + begin), "-enddate", _stamp(now + end),
                  "-extfile", f"{name}.ext")  # fmt: skip

    def _settings(self, name: str) -> None:
        (self._folder / f"{name}.cnf").write_text(_CONFIG.format(name=name, folder=self._folder))
        (self._folder / f"{name}.index").touch()
        (self._folder / f"{name}.serial").write_text("1001\n")

    def _key(self, name: str) -> None:
        self._run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [self._openssl, *arguments], cwd=self._folder, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise HandspikeError(f"openssl {arguments[0]} failed: {said[-1] if said else 'without a word'}")


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%SZ")
