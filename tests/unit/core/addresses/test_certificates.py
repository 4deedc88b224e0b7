"""The files of certificates and keys in an address, held against real ones."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from core.addresses import AddressError, postgres_address, redis_address
from core.addresses.amqp import amqp_address
from tests.system_packages import need_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READERS: dict[str, Callable[[str], object]] = {
    "postgresql": postgres_address,
    "rediss": redis_address,
    "amqps": amqp_address,
}
NAMES = {
    "postgresql": ("sslrootcert", "sslcert", "sslkey", "sslpassword"),
    "rediss": ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_password"),
    "amqps": ("cacertfile", "certfile", "keyfile", "no_such_parameter"),
}
WITH_PASS_PHRASE = ("postgresql", "rediss")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key, the key behind a pass phrase, another's key, and no PEM."""
    made = tmp_path_factory.mktemp("certificates")
    openssl = need_program("openssl")
    for arguments in (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=us -keyout our.key -out our.pem",
        "rsa -aes256 -passout pass:open-up -in our.key -out locked.key",
        "genrsa -out other.key 2048",
        "x509 -in our.pem -outform DER -out binary.pem",
    ):
        subprocess.run([openssl, *arguments.split()], cwd=made, check=True, capture_output=True)
    (made / "empty.pem").touch()
    return made


def read(scheme: str, folder: Path, **files: str) -> None:
    """Read an address that names these files."""
    authority, certificate, key, password = NAMES[scheme]
    names = {"authority": authority, "certificate": certificate, "key": key, "password": password}
    given = [
        f"{names[name]}={value if name == 'password' else folder / value}"
        for name, value in files.items()
    ]
    if scheme == "postgresql":
        given.append("sslmode=require")
    READERS[scheme](f"{scheme}://us:secret@host/1?{'&'.join(given)}")


@pytest.mark.parametrize("scheme", READERS)
def test_files_that_can_be_used_are_taken(scheme: str, folder: Path) -> None:
    """An authority, a certificate and its key are no reason to refuse an address."""
    read(scheme, folder, authority="our.pem", certificate="our.pem", key="our.key")


@pytest.mark.parametrize("scheme", WITH_PASS_PHRASE)
def test_the_pass_phrase_of_the_address_opens_the_key(scheme: str, folder: Path) -> None:
    """A key with a pass phrase is taken where the address has it."""
    read(scheme, folder, certificate="our.pem", key="locked.key", password="open-up")


@pytest.mark.parametrize("scheme", READERS)
@pytest.mark.parametrize(
    ("files", "named", "said"),
    [
        ({"authority": "binary.pem"}, 0, "no certificate in PEM form"),
        ({"authority": "empty.pem"}, 0, "no certificate in PEM form"),
        ({"authority": "gone.pem"}, 0, "cannot be read"),
        ({"certificate": "our.key"}, 1, "no certificate in PEM form"),
        ({"certificate": "our.pem"}, 1, "no key in PEM form"),
        ({"certificate": "our.pem", "key": "our.pem"}, 2, "no key in PEM form"),
        ({"certificate": "our.pem", "key": "other.key"}, 2, "is not the key of"),
        ({"certificate": "our.pem", "key": "locked.key"}, 2, "pass phrase"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_by_its_parameter(
    scheme: str, folder: Path, files: dict[str, str], named: int, said: str
) -> None:
    """What is no certificate or no key is refused when the address is read, and nobody is asked."""
    with pytest.raises(AddressError) as refused:
        read(scheme, folder, **files)
    assert f"has as {NAMES[scheme][named]} the file {folder}" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize("scheme", WITH_PASS_PHRASE)
def test_a_wrong_pass_phrase_is_refused_and_not_shown(scheme: str, folder: Path) -> None:
    """A pass phrase that does not open the key is told of, without the phrase itself."""
    with pytest.raises(AddressError, match="pass phrase") as refused:
        read(scheme, folder, certificate="our.pem", key="locked.key", password="wrong-one")
    assert "wrong-one" not in str(refused.value)
