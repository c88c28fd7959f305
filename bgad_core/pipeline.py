"""One stage of work runs while its caller uses what the stage made before."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(work: Callable[[Item], Result], items: Iterator[Item]) -> Iterator[Result]:
    """`work` of each item in order; that of the next runs in another thread while the caller uses the last.

    Where `items` fails, what was begun is given first, then the error.
    """
    threads = torch.get_num_threads()  # torch counts them per thread
    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(threads,)) as worker:
        begun: Future[Result] | None = None
        failed: Exception | None = None
        while failed is None:
            try:
                item = next(items)
            except StopIteration:
                break
            except Exception as error:  # whatever it is: it is raised again below, after what came before it
                failed = error
                break
            following = worker.submit(work, item)
            if begun is not None:
                yield begun.result()
            begun = following
        if begun is not None:
            yield begun.result()
        if failed is not None:
            raise failed
