"""Signatures of functions whose annotations may name what is there for type checkers alone."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return a function's signature; annotations are text where a name in one is not there.

    Since Python 3.14 they are looked up when they are asked for, and that fails as a whole.

    Raises:
        TypeError: It is no function.
        ValueError: It is of C, and says nothing.
    """
    try:
        return inspect.signature(function)
    except NameError:
        if sys.version_info >= (3, 14):
            from annotationlib import Format

            return inspect.signature(function, annotation_format=Format.STRING)
        raise
