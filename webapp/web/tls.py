"""A certificate of our own for trying the app on a real phone: cameras and keys need https."""

from __future__ import annotations

import io
import ipaddress
import os
import socket
from datetime import timedelta
from pathlib import Path

import qrcode
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from webapp.kit import clock

YEAR = timedelta(days=365)


def own_address() -> str:
    """This computer's address on the local network; 127.0.0.1 when there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks which way out
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def certificate(folder: Path, address: str) -> tuple[Path, Path]:
    """Paths of certificate and key for `address`, valid a year; made once per address."""
    cert_path, key_path = folder / f"{address}.crt", folder / f"{address}.key"
    if not cert_path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nuanchao")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(clock.now() - timedelta(days=1))
            .not_valid_after(clock.now() + YEAR)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        with os.fdopen(os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(pem)
        cert_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return cert_path, key_path


def poster(url: str) -> str:
    """The address as text and as a code to scan from the terminal."""
    code = qrcode.QRCode(border=2)
    code.add_data(url)
    out = io.StringIO()
    code.print_ascii(out=out, invert=True)
    return f"{out.getvalue()}\n{url}\n手机会提醒证书不认识：点「高级」「继续」。The phone will warn about the certificate: go on."
