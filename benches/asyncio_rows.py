"""The asyncio column of the table: the workloads of src/workloads on CPython's own event loop.

    python3 asyncio_rows.py [--rows WORDS]

Prints one line per row, the row's name as the table has it, a tab, and the figure of one round: nanoseconds
per operation, or bytes per task for "parked task". `--rows` takes words out of the rows' names, separated by
commas, as the table does; rows of the table that asyncio has no equivalent for are left out.

The shapes are those of the Rust workloads, and the function names too, so that they can be read side by side.
There are fewer repetitions: on an idle machine a row takes well under a second, except the 100,000 sleeps, which
take between one and two. Python 3.11 or later is needed, and nothing else.
"""

import argparse
import asyncio
import functools
import gc
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Awaitable, Callable, NamedTuple, Optional

PYTHON_MIN = (3, 11)  # asyncio.timeout

BATCH = 1_000
YIELDERS = 200
YIELDS = 200
PAIRS = 1_000
TIMEOUT_TASKS = 100
TIMEOUTS = 100
TIMEOUT_S = 30
SLEEPS = 100_000
SLEEP_S_MAX = 0.050
IN_FLIGHT = 1_000
CONNECTIONS = 50
ROUND_TRIPS = 100
# Readers ask for more than a message, as the Rust workloads do.
ROOM = 64
CALLBACKS = 1_000
PARKED = 10_000
PARKED_BATCH = 100
LOCK_TASKS = 100
LOCK_TURNS = 100
PERMITS = 10
TURNS = 5_000
MESSAGES = 10_000
PRODUCERS = 4
CONSUMERS = 3
CAPACITY = 100
SENDS = 1_000


class Row(NamedTuple):
    """One row: what is measured, and how often.

    `run` does so many repetitions and returns what they took in all, in the row's unit.
    """

    name: str
    run: Callable[[int], Awaitable[int]]
    operations: int  # in one repetition
    repetitions: int
    blocking_threads: Optional[int] = None  # None: asyncio's default
    warm_up: bool = True  # one repetition before, which is not counted


class Countdown:
    """Counts detached tasks down; the last one to finish resolves `done`."""

    def __init__(self, tasks):
        self.left = tasks
        self.done = asyncio.get_running_loop().create_future()

    def finish(self):
        self.left -= 1
        if self.left == 0:
            self.done.set_result(None)


async def spawn_and_join(repetitions, count, task):
    """Starts `count` tasks of the coroutine function, then awaits each, in the same order."""
    start = time.perf_counter_ns()
    for _ in range(repetitions):
        tasks = [asyncio.create_task(task()) for _ in range(count)]
        for started in tasks:
            await started
    return time.perf_counter_ns() - start


async def nothing():
    """An empty task."""


async def spawn_detached(repetitions):
    """A task starts 1,000 tasks that nobody awaits; the last one signals."""

    async def count_down(countdown):
        countdown.finish()

    start = time.perf_counter_ns()
    for _ in range(repetitions):
        countdown = Countdown(BATCH)
        for _ in range(BATCH):
            # Nobody else keeps the task, as asyncio's documentation asks for: until its first step the loop does,
            # and it has no second one.
            asyncio.create_task(count_down(countdown))
        await countdown.done
    return time.perf_counter_ns() - start


async def chains(repetitions):
    """A task starts a task, which starts a task, 1,000 deep; the last one signals."""

    async def link(left, done):
        if left == 1:
            done.set_result(None)
        else:
            asyncio.create_task(link(left - 1, done))

    start = time.perf_counter_ns()
    for _ in range(repetitions):
        done = asyncio.get_running_loop().create_future()
        asyncio.create_task(link(BATCH, done))
        await done
    return time.perf_counter_ns() - start


async def yield_many():
    """Gives the other tasks a turn, 200 times."""
    for _ in range(YIELDS):
        await asyncio.sleep(0)


async def ping_pongs(repetitions):
    """A task starts 1,000 pairs; one of a pair pings the other through a future, which answers through a second one."""

    async def ping(countdown):
        loop = asyncio.get_running_loop()
        pinged, ponged = loop.create_future(), loop.create_future()
        asyncio.create_task(pong(pinged, ponged))
        pinged.set_result(None)
        await ponged
        countdown.finish()

    async def pong(pinged, ponged):
        await pinged
        ponged.set_result(None)

    start = time.perf_counter_ns()
    for _ in range(repetitions):
        countdown = Countdown(PAIRS)
        for _ in range(PAIRS):
            asyncio.create_task(ping(countdown))
        await countdown.done
    return time.perf_counter_ns() - start


async def time_out_often():
    """100 times over, a time-out of 30 s around something that is pending once."""
    for _ in range(TIMEOUTS):
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.sleep(0)


async def sleeps(repetitions):
    """100,000 tasks each sleep once for up to 50 ms, evenly spread, and are awaited."""
    delays_s = random_delays_s()
    start = time.perf_counter_ns()
    for _ in range(repetitions):
        tasks = [asyncio.create_task(asyncio.sleep(delay_s)) for delay_s in delays_s]
        for task in tasks:
            await task
    return time.perf_counter_ns() - start


def random_delays_s():
    """The delays that the Rust workload takes."""
    delays_s = []
    state = 1
    for _ in range(SLEEPS):
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        delays_s.append(SLEEP_S_MAX * (state >> 40) / 2**24)
    return delays_s


async def jobs(repetitions):
    """A task hands 1,000 functions that do nothing to the default executor, then awaits each."""
    loop = asyncio.get_running_loop()
    start = time.perf_counter_ns()
    for _ in range(repetitions):
        futures = [loop.run_in_executor(None, do_nothing) for _ in range(IN_FLIGHT)]
        for future in futures:
            await future
    return time.perf_counter_ns() - start


def do_nothing():
    """An empty blocking call."""


async def echo(size, repetitions):
    """50 clients each send so many bytes and wait until they came back; asyncio sets TCP_NODELAY by itself."""
    served = Countdown(CONNECTIONS)
    trips = repetitions * ROUND_TRIPS

    async def serve(reader, writer):
        while True:
            data = await reader.read(size + ROOM)
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        served.finish()

    async def ask(reader, writer):
        request = bytes([7]) * size
        for _ in range(trips):
            writer.write(request)
            await writer.drain()
            reply = await reader.readexactly(size)
        assert reply == request, "an echo is what was sent"
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    streams = [await asyncio.open_connection(*address) for _ in range(CONNECTIONS)]
    start = time.perf_counter_ns()
    clients = [asyncio.create_task(ask(*stream)) for stream in streams]
    for client in clients:
        await client
    took = time.perf_counter_ns() - start
    await served.done
    server.close()
    await server.wait_closed()
    return took


async def call_soon(repetitions):
    """A coroutine gives its loop 1,000 callbacks that count, and awaits a future that the last one sets."""
    loop = asyncio.get_running_loop()
    counted = 0

    def count():
        nonlocal counted
        counted += 1

    start = time.perf_counter_ns()
    for _ in range(repetitions):
        done = loop.create_future()
        for _ in range(CALLBACKS - 1):
            loop.call_soon(count)
        loop.call_soon(done.set_result, None)
        await done
    took = time.perf_counter_ns() - start
    assert counted == repetitions * (CALLBACKS - 1)
    return took


async def park_many(repetitions):
    """Bytes in use for 10,000 parked tasks, less their coroutines: those are what a future is in Rust.

    Each task has run once; they are started in batches of 100. All wait for one future, so that what is counted
    beside the task itself is its place in that future's list.
    """
    assert repetitions == 1, "the bytes of one crowd"
    lot = asyncio.get_running_loop().create_future()
    tasks = [None] * PARKED

    async def park():
        await lot

    # Memory that was kept from earlier rows for new objects would not be counted; a full collection frees it.
    gc.collect()
    tracemalloc.start()
    for first in range(0, PARKED, PARKED_BATCH):
        for index in range(first, first + PARKED_BATCH):
            tasks[index] = asyncio.create_task(park())
        await asyncio.sleep(0)
    in_use, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    coroutines = sum(sys.getsizeof(task.get_coro()) for task in tasks)
    lot.set_result(None)
    for task in tasks:
        await task
    return in_use - coroutines


async def lock_uncontended(repetitions):
    """One task takes and gives back a lock that nobody else wants."""
    lock = asyncio.Lock()
    start = time.perf_counter_ns()
    await lock_often(lock, repetitions * LOCK_TASKS * LOCK_TURNS)
    return time.perf_counter_ns() - start


async def lock_contended(repetitions, make):
    """100 tasks take one lock, or one of the permits, again and again; nothing is awaited under it."""
    lock = make()
    return await spawn_and_join(repetitions, LOCK_TASKS, functools.partial(lock_often, lock, LOCK_TURNS))


async def lock_often(lock, turns):
    """Takes and gives back a lock or a permit so often."""
    for _ in range(turns):
        async with lock:
            pass


async def relay(repetitions):
    """Two tasks hand one another a new future, each time as the result of the one before."""

    async def answer(hand):
        loop = asyncio.get_running_loop()
        while (baton := await hand) is not None:
            hand = loop.create_future()
            baton.set_result(hand)

    loop = asyncio.get_running_loop()
    start = time.perf_counter_ns()
    baton = loop.create_future()
    other = asyncio.create_task(answer(baton))
    for _ in range(repetitions * TURNS):
        hand = loop.create_future()
        baton.set_result(hand)
        baton = await hand
    baton.set_result(None)
    await other
    return time.perf_counter_ns() - start


async def send_and_receive(repetitions, producers, capacity):
    """Tasks send 10,000 messages in all over a queue, of unlimited room where the capacity is zero; one receives."""

    async def produce(queue):
        for message in range(MESSAGES // producers):
            await queue.put(message)

    start = time.perf_counter_ns()
    for _ in range(repetitions):
        queue = asyncio.Queue(capacity)
        tasks = [asyncio.create_task(produce(queue)) for _ in range(producers)]
        for _ in range(MESSAGES):
            await queue.get()
        for task in tasks:
            await task
    return time.perf_counter_ns() - start


async def consume(repetitions):
    """One task puts 10,000 items into a queue for 100; three take them and say when they are done."""

    async def process_all(queue):
        while True:
            await queue.get()
            queue.task_done()

    start = time.perf_counter_ns()
    for _ in range(repetitions):
        queue = asyncio.Queue(CAPACITY)
        consumers = [asyncio.create_task(process_all(queue)) for _ in range(CONSUMERS)]
        for item in range(MESSAGES):
            await queue.put(item)
        await queue.join()
        for consumer in consumers:
            consumer.cancel()
        await asyncio.gather(*consumers, return_exceptions=True)
    return time.perf_counter_ns() - start


async def sends(repetitions):
    """A generator is sent 1,000 numbers and yields the sum after each; no loop is involved."""

    def adder():
        total = 0
        while True:
            total += yield total

    generator = adder()
    generator.send(None)
    start = time.perf_counter_ns()
    for _ in range(repetitions):
        for n in range(SENDS):
            generator.send(n)
    return time.perf_counter_ns() - start


ROWS = [
    Row("spawn+join inside", functools.partial(spawn_and_join, count=BATCH, task=nothing), BATCH, 20),
    Row("spawn detached", spawn_detached, BATCH, 20),
    Row("yield", functools.partial(spawn_and_join, count=YIELDERS, task=yield_many), YIELDERS * YIELDS, 5),
    Row("chained spawn", chains, BATCH, 20),
    Row("ping-pong", ping_pongs, PAIRS, 10),
    Row(
        "cancelled time-outs",
        functools.partial(spawn_and_join, count=TIMEOUT_TASKS, task=time_out_often),
        TIMEOUT_TASKS * TIMEOUTS,
        5,
    ),
    # One repetition takes so long that a cold start does not show, and that two would be a nuisance.
    Row("100k sleeps", sleeps, SLEEPS, 1, warm_up=False),
    Row("blocking pool of 2", jobs, IN_FLIGHT, 5, blocking_threads=2),
    Row("blocking pool", jobs, IN_FLIGHT, 5),
    Row("echo 64 B", functools.partial(echo, 64), CONNECTIONS * ROUND_TRIPS, 2),
    Row("echo 16 KiB", functools.partial(echo, 16_384), CONNECTIONS * ROUND_TRIPS, 2),
    Row("call_soon", call_soon, CALLBACKS, 50),
    Row("parked task", park_many, PARKED, 1),
    Row("mutex uncontended", lock_uncontended, LOCK_TASKS * LOCK_TURNS, 10),
    Row("mutex contended", functools.partial(lock_contended, make=asyncio.Lock), LOCK_TASKS * LOCK_TURNS, 10),
    Row(
        "semaphore contended",
        functools.partial(lock_contended, make=functools.partial(asyncio.Semaphore, PERMITS)),
        LOCK_TASKS * LOCK_TURNS,
        10,
    ),
    Row("oneshot", relay, 2 * TURNS, 5),
    Row("mpsc bounded", functools.partial(send_and_receive, producers=PRODUCERS, capacity=CAPACITY), MESSAGES, 5),
    Row("mpsc hand-off", functools.partial(send_and_receive, producers=1, capacity=1), MESSAGES, 3),
    Row("mpsc unbounded", functools.partial(send_and_receive, producers=PRODUCERS, capacity=0), MESSAGES, 5),
    Row("queue 1:3", consume, MESSAGES, 5),
    Row("coroutine send", sends, SENDS, 200),
]


def use_uvloop():
    """Has asyncio.run make uvloop's loops."""
    try:
        import uvloop
    except ImportError:
        sys.exit("asyncio_rows.py --uvloop needs the package uvloop, and it is not there")
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


async def measure(row):
    """The row's figure per operation."""
    if row.blocking_threads:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(row.blocking_threads))
    if row.warm_up:
        await row.run(1)
    # No row pays for the garbage of another.
    gc.collect()
    return await row.run(row.repetitions) / (row.repetitions * row.operations)


def main():
    """Measures the rows that were asked for, each on a loop of its own."""
    if sys.version_info < PYTHON_MIN:
        needed, found = (".".join(map(str, version)) for version in (PYTHON_MIN, sys.version_info[:3]))
        sys.exit(f"asyncio_rows.py needs Python {needed} or later; {sys.executable} is Python {found}")
    parser = argparse.ArgumentParser(description="Prints asyncio's figures for the table of benches.")
    parser.add_argument("--rows", metavar="WORDS", default="", help="only rows whose name contains one of the words")
    parser.add_argument("--uvloop", action="store_true", help="on uvloop's event loop, which has to be installed")
    options = parser.parse_args()
    words = options.rows.split(",")
    if options.uvloop:
        use_uvloop()
    for row in ROWS:
        if any(word in row.name for word in words):
            # Whatever the environment says: the debug mode makes everything many times slower.
            figure = asyncio.run(measure(row), debug=False)
            print(f"{row.name}\t{figure:.1f}", flush=True)


if __name__ == "__main__":
    main()
