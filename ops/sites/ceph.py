"""A Ceph object gateway on this machine: one monitor, one OSD in memory, gateways over HTTP and TLS; no systemd.

Debian's Ceph 16 is the second, different implementation of S3 in the tests: old, strict about signatures, without
checksum headers; the best stand-in for an appliance that nobody updates.  It needs the packages radosgw, ceph-mon,
ceph-osd and ceph-common.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ops.sites.ports import free_block
from ops.sites.site import Command, Login, Server, answers, make_buckets

PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool", "ceph")
WRITER = Login("ceph-writer", "ceph-writer-secret")
_CAPS = ("--cap", "mon", "allow *", "--cap", "osd", "allow *")

# Settings of a cluster of one; `auth none` would make the gateway loop for ever, so it must be cephx.
_CONFIGURATION = """[global]
fsid = {fsid}
mon initial members = a
mon host = [v2:127.0.0.1:{mon_port},v1:127.0.0.1:{mon_port_v1}]
public addr = 127.0.0.1
ms bind ipv4 = true
ms bind port min = {first_port}
ms bind port max = {last_port}
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd pool default pg num = 1
osd pool default pgp num = 1
osd crush chooseleaf type = 0
mon max pg per osd = 2000
mon pg warn min per osd = 0
osd objectstore = memstore
memstore device bytes = 4294967296
run dir = {folder}/run
log file = {folder}/log/$name.log
admin socket = {folder}/run/$name.asok
pid file = {folder}/run/$name.pid
mon data = {folder}/mon
osd data = {folder}/osd
keyring = {folder}/keyring
mon data avail crit = 1
mon data avail warn = 1
rgw data = {folder}/rgw
rgw enable ops log = false
[osd]
keyring = {folder}/osd/keyring
"""


def missing() -> list[str]:
    """Which of the programs it needs this machine does not have."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


class CephSite:
    """A running cluster; made by `start`.  `endpoint` speaks HTTP, `tls_endpoint` TLS with the certificate `ca`."""

    writer = WRITER

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        port = free_block(range(64))
        self._mon_port, self._first_port = port, port + 10
        self.endpoint = f"http://127.0.0.1:{port + 2}"
        self.tls_endpoint = f"https://127.0.0.1:{port + 3}"
        self.ca = folder / "ca.pem"
        plain, tls = f"beast endpoint=127.0.0.1:{port + 2}", f"beast ssl_endpoint=127.0.0.1:{port + 3}"
        self._mon = self._server("ceph-mon", "-i", "a")
        self._osd = self._server("ceph-osd", "-i", "0")
        self._gateways = {
            self.endpoint: self._server("radosgw", "-n", "client.rgw.a", f"--rgw-frontends={plain}"),
            self.tls_endpoint: self._server(
                "radosgw", "-n", "client.rgw.b", f"--rgw-frontends={tls} ssl_certificate={folder / 'tls.pem'}"
            ),
        }

    def start(self, buckets: Iterable[str], object_lock: Iterable[str]) -> None:
        """Make the cluster and start it; half a minute."""
        for name in ("mon", "osd", "rgw", "run", "log"):
            (self.folder / name).mkdir(parents=True)
        self._write_configuration()
        self._make_monitor()
        self._mon.start(lambda: self._succeeds("ceph", "mon", "stat", "--connect-timeout", "5"))
        self._make_osd()
        self._osd.start(lambda: b"1 up" in self._output("ceph", "osd", "stat"))
        _make_certificate(self.folder)
        for endpoint, gateway in self._gateways.items():
            gateway.start(lambda endpoint=endpoint: answers(endpoint, self.ca))  # type: ignore[misc]
        self._run(
            "radosgw-admin",
            "user",
            "create",
            "--uid=writer",
            "--display-name=writer",
            f"--access-key={WRITER.access_key}",
            f"--secret-key={WRITER.secret_key}",
        )
        make_buckets(self.endpoint, WRITER, buckets, object_lock)

    def stop(self) -> None:
        """End it; nothing of it is kept, for the OSD lives in memory."""
        for server in (*self._gateways.values(), self._osd, self._mon):
            server.kill()

    def _server(self, program: str, *arguments: str) -> Server:
        command = [program, *self._configuration, *arguments, "-f"]
        return Server(Command(command, self.folder, os.environ, self.folder / f"{program}.out"))

    @property
    def _configuration(self) -> tuple[str, str]:
        return "-c", str(self.folder / "ceph.conf")

    def _write_configuration(self) -> None:
        text = _CONFIGURATION.format(
            fsid=uuid.uuid4(),
            mon_port=self._mon_port,
            mon_port_v1=self._mon_port + 1,
            first_port=self._first_port,
            last_port=self._first_port + 50,
            folder=self.folder,
        )
        (self.folder / "ceph.conf").write_text(text)

    def _make_monitor(self) -> None:
        keyring, monmap = str(self.folder / "keyring"), str(self.folder / "monmap")
        fsid = (self.folder / "ceph.conf").read_text().split("fsid = ")[1].split()[0]
        addresses = f"[v2:127.0.0.1:{self._mon_port},v1:127.0.0.1:{self._mon_port + 1}]"
        _run("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        for client in ("client.admin", "client.rgw.a", "client.rgw.b"):
            _run("ceph-authtool", keyring, "--gen-key", "-n", client, *_CAPS)
        _run("monmaptool", "--create", "--clobber", "--addv", "a", addresses, "--fsid", fsid, monmap)
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap, "--keyring", keyring)

    def _make_osd(self) -> None:
        identity, secret = str(uuid.uuid4()), _run("ceph-authtool", "--gen-print-key").decode().strip()
        (self.folder / "new.json").write_text(json.dumps({"cephx_secret": secret}))
        self._run("ceph", "osd", "new", identity, "-i", str(self.folder / "new.json"))
        (self.folder / "osd" / "keyring").write_text(f"[osd.0]\n\tkey = {secret}\n")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--key", secret, "--osd-uuid", identity)

    def _run(self, program: str, *arguments: str) -> bytes:
        return _run(program, *self._configuration, *arguments)

    def _succeeds(self, program: str, *arguments: str) -> bool:
        command = [program, *self._configuration, *arguments]
        return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0

    def _output(self, program: str, *arguments: str) -> bytes:
        command = [program, *self._configuration, *arguments]
        return subprocess.run(command, capture_output=True, check=False, timeout=30).stdout


def start(folder: Path, *, buckets: Iterable[str], object_lock: Iterable[str] = ()) -> CephSite:
    """A running cluster in `folder`.  Raises RuntimeError where a program is missing."""
    if absent := missing():
        raise RuntimeError(f"Ceph's object gateway needs {', '.join(absent)}")
    site = CephSite(folder)
    try:
        site.start(buckets, object_lock)
    except BaseException:
        site.stop()
        raise
    return site


def _run(*command: str) -> bytes:
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(
            f"{command[0]} failed with {done.returncode}: {done.stderr.decode(errors='replace')[-1000:]}"
        )
    return done.stdout


def _make_certificate(folder: Path) -> None:
    """A certificate for 127.0.0.1, signed by itself: `ca.pem`, and with its key `tls.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test site {secrets.token_hex(4)}")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(public)
    (folder / "tls.pem").write_bytes(public + private)
