"""Whose certificates a server may show: those that this machine trusts."""

from __future__ import annotations

import os
import ssl
import sys
from functools import lru_cache
from pathlib import Path

from core.errors import SettingsError


@lru_cache(maxsize=4)
def trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Return a context that trusts a file or folder of certificates, else what the system does.

    Reading them takes a tenth of a second, so it is done once.

    Args:
        file: What SSL_CERT_FILE names; it wins.
        folder: What SSL_CERT_DIR names.

    Raises:
        SettingsError: The file has something else than certificates.
    """
    if file:
        try:
            return ssl.create_default_context(cafile=file)
        except OSError as error:  # ssl.SSLError is one
            raise SettingsError(
                f"SSL_CERT_FILE names {file}, whose certificates cannot be read ({error})."
            ) from None
    if folder:
        return ssl.create_default_context(capath=folder)
    if sys.platform in {"darwin", "win32"}:  # their stores are no files
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.create_default_context()
    known = ssl.get_default_verify_paths()
    has_folder = known.capath is not None and any(Path(known.capath).glob("*.0"))
    if known.cafile is None and not has_folder:  # a slim container has none
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    return context


def trusted_here() -> ssl.SSLContext:
    """Return what this process's environment says to trust."""
    return trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
