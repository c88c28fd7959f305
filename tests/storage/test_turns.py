"""The writers' turns: in the order of asking, one at a time, and nobody who gave up holds up the rest."""

import threading

from storage.turns import Turns
from tests.patience import PATIENCE, wait_for


def queued(turns, count, act):
    """Threads that ask for the turn one after the other while it is held, each calling `act(number)` in its turn."""

    def ask(number):
        assert turns.acquire(timeout=PATIENCE)
        act(number)
        turns.release()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for number, thread in enumerate(threads):
        thread.start()
        wait_for(lambda: len(turns._queue) >= number + 2, what="its place", every=0.001)  # noqa: B023
    return threads


def test_who_asks_first_comes_first():
    turns, order = Turns(), []
    assert turns.acquire(timeout=0)
    threads = queued(turns, 20, order.append)
    turns.release()
    for thread in threads:
        thread.join()
    assert order == list(range(20))


def test_one_at_a_time():
    turns, inside, most = Turns(), [0], [0]

    def work():
        for _ in range(300):
            assert turns.acquire(timeout=PATIENCE)
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1
            turns.release()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] and not turns._queue


def test_who_gives_up_leaves_the_queue():
    turns, order = Turns(), []
    assert turns.acquire(timeout=0)
    assert not turns.acquire(timeout=0.05)
    threads = queued(turns, 2, order.append)
    turns.release()
    for thread in threads:
        thread.join()
    assert order == [0, 1] and turns.acquire(timeout=0)
