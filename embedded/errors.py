"""What goes wrong with an embedded server, said so that the reader knows what to do next."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot start or cannot go on.

    The message says what happened and what to do next; when the server itself spoke, it ends with
    the tail of the server's log.
    """


NEXT_STEP = {
    errno.ENOSPC: "the disk is full: free some space, then start again",
    errno.EDQUOT: "the disk quota is used up: free some space, then start again",
    errno.EROFS: "the file system is read-only: choose another data folder",
    errno.EACCES: "the rights do not allow it: choose a data folder that you may write to,"
    " or run as the user who owns it",
    errno.EPERM: "the system does not permit it: choose a data folder of your own,"
    " or run as a user who is not root",
    errno.ENOTDIR: "a part of that path is a file: choose another data folder",
    errno.EEXIST: "a file stands where a folder is needed: choose another data folder",
    errno.ENOENT: "a part of that path is missing: choose another data folder",
}


@contextmanager
def explained(doing: str, folder: Path) -> Iterator[None]:
    """Turn an operating system's error inside the block into an `EmbeddedServerError`.

    Args:
        doing: What was being done, as in "starting PostgreSQL".
        folder: The data folder to name in the message.
    """
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        next_step = NEXT_STEP.get(number, "see the system's message above")
        raise EmbeddedServerError(
            f"{doing} in {folder} failed: {error}. What to do: {next_step}."
        ) from error
