"""The files of certificates and keys that an address names: looked at when it is read.

A driver opens them much later, in each process for itself. Its message does not name the parameter
that is wrong, and for a pass phrase it asks whoever sits at the terminal, while all else waits.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.addresses.text import AddressError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

_OTHER_KEY: Final = "KEY_VALUES_MISMATCH"


def check_files(
    given: Mapping[str, str],
    *,
    authorities: tuple[str, ...],
    certificate: str,
    key: str,
    password: str | None,
) -> None:
    """Refuse a file that cannot be read here, or that is not what its parameter says.

    Args:
        given: An address's parameters.
        authorities: Those that name files of authorities to trust, or what they took back.
        certificate: The one that names the file of our own certificate.
        key: The one that names the file of its key.
        password: The one with the key's pass phrase; None where there is no such parameter.

    Raises:
        AddressError: One cannot be used; the message names its parameter.
    """
    for name in (*authorities, certificate, key):
        path = given.get(name)
        if path and not (Path(path).is_file() and os.access(path, os.R_OK)):
            raise AddressError(f"has as {name} the file {path}, which cannot be read")
    for name in (*authorities, certificate):
        if given.get(name):
            _check_certificates(name, given[name])
    if given.get(certificate):
        _check_key(given, certificate=certificate, key=key, password=password)


def _context() -> ssl.SSLContext:
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _check_certificates(name: str, path: str) -> None:
    try:
        _context().load_verify_locations(cafile=path)
    except OSError:  # ssl.SSLError is one
        raise AddressError(
            f"has as {name} the file {path}, which has no certificate in PEM form"
        ) from None


def _check_key(
    given: Mapping[str, str], *, certificate: str, key: str, password: str | None
) -> None:
    asked = False

    def phrase() -> str:
        nonlocal asked
        asked = True
        return given.get(password, "") if password else ""

    path = given.get(key) or given[certificate]
    try:
        _context().load_cert_chain(given[certificate], given.get(key) or None, phrase)
    except (OSError, ValueError) as error:  # an endless pass phrase is a ValueError
        if getattr(error, "reason", None) == _OTHER_KEY:
            said = f"is not the key of {certificate}"
        elif not asked:
            said = "has no key in PEM form"
        elif password is None:
            said = "has a pass phrase; take it off"
        else:
            said = f"has a pass phrase, which {password} does not say"
        raise AddressError(
            f"has as {key if given.get(key) else certificate} the file {path}, which {said}"
        ) from None
