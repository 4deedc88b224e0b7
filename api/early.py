"""The script that a page carries in itself: it runs before anything else of the page is there.

It asks for what the page is about while the page's modules are still on their way; a request of its
own would cost a slow phone the time of a way there and back. The policy of the pages names its
digest, so that no other script in a page would run.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import Final

from api.tight import tight

SCRIPT: Final = tight(
    (Path(__file__).parent / "static" / "first.js").read_text(encoding="utf-8")
).strip()
DIGEST: Final = b"sha256-" + b64encode(hashlib.sha256(SCRIPT.encode()).digest())
