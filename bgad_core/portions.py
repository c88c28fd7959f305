"""As many items at once as the device's memory takes: it is asked for less when it is full, and failed only at one."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from bgad_core.errors import DeviceError, ran_out

log = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")


class Portions:
    """Does work in portions; one that memory refused is halved, and the smaller size stays for those that follow.

    Attributes:
        at_once: items of a portion.
    """

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once

    def each(
        self, work: Callable[[Sequence[Item]], Result], items: Sequence[Item], device: torch.device
    ) -> list[Result]:
        """The results of `work` on consecutive portions of the items, in order.

        Raises:
            DeviceError: not even one item fits.
        """
        results: list[Result] = []
        start = 0
        while start < len(items):
            portion = items[start : start + self.at_once]
            try:
                results.append(work(portion))
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error):
                    raise
                if len(portion) == 1:
                    raise DeviceError(
                        f"one image does not fit the memory of {device} ({error}): choose a smaller image size or "
                        "backbone, or another device"
                    ) from error
                self.at_once = len(portion) // 2
                log.warning("the memory of %s is full: %d images at once from now on", device, self.at_once)
            else:
                start += len(portion)
        return results
