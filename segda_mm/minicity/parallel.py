"""Runs the jobs of a writer in one or several processes."""

import gc
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed

import cv2


def run_jobs(job, arguments, workers=1, progress=None):
    """Call a function once for every argument.

    Args:
        job (Callable): Takes one argument; must be picklable.
        arguments (list): One entry per job.
        workers (int): Processes; 1 stays in this one.
        progress (Callable, optional): Called as ``progress(done, total)``
            after every job.

    Raises:
        ValueError: If ``workers`` is below 1.
    """
    if workers < 1:
        raise ValueError(f'workers is {workers}, but must be at least 1.')
    total = len(arguments)
    if workers == 1:
        for done, argument in enumerate(arguments, start=1):
            job(argument)
            if progress:
                progress(done, total)
        return
    # A forked worker inherits the imported package; a spawned one would
    # import all of it, deep-learning libraries included.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context('fork' if 'fork' in methods else 'spawn')
    threads = cv2.getNumThreads()
    # One thread ends OpenCV's pool: a child forked beside a living pool
    # would crash or hang over threads that it does not have.
    cv2.setNumThreads(1)
    try:
        with ProcessPoolExecutor(
            workers, mp_context=context, initializer=_start_worker
        ) as pool:
            _collect(pool, job, arguments, progress)
    finally:
        cv2.setNumThreads(threads)


def _collect(pool, job, arguments, progress):
    futures = [pool.submit(job, argument) for argument in arguments]
    try:
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            if progress:
                progress(done, len(arguments))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def _start_worker():
    cv2.setNumThreads(1)
    # What was imported stays: the collector need not walk through it after
    # every few streets.
    gc.freeze()
