"""Errors with a sentence for the person who reads them: what is wrong, with the values, and what to do next."""

# torch raises a class of its own on CUDA only; other allocators tell by the words of a plain RuntimeError.
_MEMORY = ("can't allocate memory", "out of memory", "not enough memory", "bad_alloc", "could not create a memory")


class BGADError(Exception):
    """Base of every error that `bgad_core` raises on purpose."""


class BadImageError(BGADError):
    """An image that cannot be read, or not safely."""


class MaskSizeError(BGADError):
    """A mask whose size differs from its image's."""


class DatasetError(BGADError):
    """A data set that lacks what the method needs (no normals, a leaked image, an unknown layout)."""


class WeightsError(BGADError):
    """Backbone weights that cannot be had or do not fit."""


class CheckpointError(BGADError):
    """A saved model that cannot be read or belongs to another backbone, size or format."""


class ExportError(BGADError):
    """A model that cannot leave as a graph, or whose graph does not score as the model does."""


class DeviceError(BGADError):
    """A device that was asked for and is not there, or is full."""


class Cancelled(BGADError):
    """`should_stop` answered true; the last checkpoint is complete."""


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whichever device; knows torch's by name, without importing it."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MEMORY)
