"""Benchmarks side by side with other libraries.

    python -m benchmarks [--quick] [--only ode,normals,...]

Prints tables; a full run also writes benchmarks/results/<date>.json and latest.md.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
import warnings
from contextlib import nullcontext

#: topic → whether it runs on one processor
TOPICS = {
    "ode": True,
    "compression": True,
    "normals": True,
    "sde": True,
    "simulate": True,
    "memory": True,
    "dense": True,
    "chain": True,
    "threads": False,
    "latency": False,
    "growth": True,
    "finite_data": True,
    "edge": False,
    "sweep": True,
    "networks": True,
}
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def arguments() -> argparse.Namespace:
    title = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=title)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, below two minutes")
    parser.add_argument("--only", default=",".join(TOPICS), help=f"of {','.join(TOPICS)}")
    chosen = parser.parse_args()
    chosen.topics = chosen.only.split(",")
    unknown = [name for name in chosen.topics if name not in TOPICS]
    if unknown:
        parser.error(f"unknown topic {unknown[0]!r}; there are {', '.join(TOPICS)}")
    return chosen


def measure(topics: list[str], quick: bool) -> list:
    """The tables of all topics, printed as they come."""
    from .clock import one_processor
    from .report import as_text

    found = []
    for name in topics:
        start = time.perf_counter()
        module = importlib.import_module(f".{name}", __package__)
        with one_processor() if TOPICS[name] else nullcontext():
            for table in module.tables(quick):
                print("\n" + as_text(table), flush=True)
                found.append(table)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return found


def main() -> None:
    chosen, load = arguments(), os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    os.environ.update(_ONE_THREAD)  # before numpy is imported
    os.environ.setdefault("LIMITLAB_QUIET", "1")
    warnings.simplefilter("ignore")
    from . import results
    from .report import as_text, summary

    tables = measure(chosen.topics, chosen.quick)
    print("\n" + as_text(summary(tables)))
    if chosen.quick or set(chosen.topics) != set(TOPICS):
        print("\nnot a full run: no results are written")
    else:
        print("\nwritten:", *results.write(tables, load))


if __name__ == "__main__":
    main()
