"""Errors with a sentence: what is wrong, with the values, and what to do next."""

from sqlalchemy.exc import InterfaceError, OperationalError

AWAY = (OperationalError, InterfaceError)  # a database that does not answer: nobody's mistake, and it passes


class StorageError(Exception):
    """Base of what `storage` raises on purpose."""


class Conflict(StorageError):
    """Somebody else was faster; the sentence says who and with what."""


class NotFound(StorageError):
    """No row of that name or number."""


class DamagedObject(StorageError):
    """An object whose bytes do not match its key."""


class Unavailable(StorageError):
    """An object store that does not answer, or a disk that is full or may not be used: later, the same may work."""


class Unwritable(StorageError):
    """A database whose disk is full or may not be written."""


class BadMask(StorageError):
    """A mask that is no 1-bit picture of its image's size."""


class BadText(StorageError):
    """A text or a number that not every database can hold."""


class BadName(StorageError):
    """A name of a defect type that cannot be one."""
