"""The command `limitlab`: a thin layer of arguments over the package.

Exit status: 0 theory and simulation agree, 1 they do not, 2 bad input, 3 the runs decide nothing.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

from . import __version__
from .theory.core.errors import InvalidInput, LimitlabError

AGREES, DISAGREES, BAD_INPUT, UNDECIDED, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    chosen = _parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = _show_warning
        try:
            return int(chosen.command(chosen))
        except LimitlabError as error:
            _say(f"limitlab: error: {_one_line(error)}")
            return BAD_INPUT
        except KeyboardInterrupt:
            _say("limitlab: interrupted")
            return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="limitlab", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"limitlab {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (
        _add_derive,
        _add_run,
        _add_sweep,
        _add_fit,
        _add_figure,
        _add_gallery,
        _add_validity,
        _add_listing,
        _add_explore,
        _add_cache,
        _add_doctor,
    ):
        add(commands)
    return parser


Commands = Any  # argparse has no public name for what add_subparsers returns


def _add_derive(commands: Commands) -> None:
    derive = commands.add_parser("derive", help="print the limit of a method", description=_DERIVE)
    derive.add_argument("method", nargs="+", metavar="METHOD [NAME=VALUE ...]")
    derive.add_argument("--problem", nargs="+", metavar="KIND [NAME=VALUE ...]")
    derive.add_argument("--noise", nargs="+", metavar="LAW [NAME=VALUE ...]", help="of a stream")
    derive.add_argument("--limit", metavar="NAME", help="where the derivation depends on it")
    shape = derive.add_mutually_exclusive_group()
    shape.add_argument("--latex", action="store_true", help="the equations as LaTeX")
    shape.add_argument("--source", action="store_true", help="the generated code")
    derive.set_defaults(command=_derive)


def _add_run(commands: Commands) -> None:
    run = commands.add_parser("run", help="carry out an experiment file", description=_RUN)
    run.add_argument("experiment", metavar="EXPERIMENT.toml")
    run.add_argument("--output", metavar="FOLDER", help="write here instead")
    run.set_defaults(command=_run)


def _add_sweep(commands: Commands) -> None:
    sweep = commands.add_parser("sweep", help="carry out a sweep", description=_SWEEP)
    sweep.add_argument("experiment", metavar="EXPERIMENT.toml")
    sweep.add_argument("--output", metavar="FOLDER", help="write here instead")
    sweep.add_argument("--shard", metavar="I/N", help="the i-th of n parts, for batch systems")
    sweep.add_argument("--workers", type=int, metavar="N", help="threads")
    sweep.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="of a dask cluster")
    sweep.set_defaults(command=_sweep)


def _add_fit(commands: Commands) -> None:
    fit = commands.add_parser("fit", help="numbers of a theory from runs", description=_FIT)
    fit.add_argument("experiment", metavar="EXPERIMENT.toml", help="the problem and the method")
    fit.add_argument("runs", metavar="RUNS.csv", help="times, and one column a run")
    fit.add_argument("--free", nargs="+", required=True, metavar="NAME", help="such as noise.scale")
    fit.add_argument("--quantity", choices=["risk", "loss"], default="risk")
    fit.add_argument("--figure", metavar="FILE", help="theory at the estimates over the runs")
    fit.set_defaults(command=_fit)


def _add_figure(commands: Commands) -> None:
    figure = commands.add_parser("figure", help="draw a figure of the gallery", description=_FIGURE)
    figure.add_argument("name", metavar="NAME", help='as "limitlab list figures" prints it')
    form = figure.add_mutually_exclusive_group()
    form.add_argument("--quick", action="store_true", help="half a minute at most (default)")
    form.add_argument("--full", action="store_true", help="ensembles for publication")
    figure.add_argument("--out", metavar="DIR", default="figures")
    figure.add_argument("--format", nargs="+", default=["pdf"], metavar="pdf|svg|png")
    figure.add_argument(
        "--width",
        default="neurips",
        metavar="neurips|icml|two-column|INCHES",
        help="of a column: 5.5 in, 3.25 in, or a number of inches",
    )
    figure.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        dest="values",
        help="in place of a stated parameter; several values: NAME=1,2,3",
        action="extend",
    )
    figure.add_argument("--data", action="store_true", help="the numbers beside it, as csv")
    figure.set_defaults(command=_figure)


def _add_gallery(commands: Commands) -> None:
    gallery = commands.add_parser("gallery", help="the figures as a page", description=_GALLERY)
    gallery.add_argument("--out", metavar="DIR", default="docs")
    gallery.add_argument("--only", nargs="+", metavar="NAME", default=[], help="draw only these")
    gallery.set_defaults(command=_gallery)


def _add_validity(commands: Commands) -> None:
    validity = commands.add_parser("validity", help="measure every theory", description=_VALIDITY)
    validity.add_argument("--out", metavar="FILE.md", default="validity.md")
    validity.add_argument("--only", metavar="WORD", default="", help="only theories so named")
    validity.set_defaults(command=_validity)


def _add_listing(commands: Commands) -> None:
    listing = commands.add_parser("list", help="methods, noise laws, covariances, data sets")
    listing.add_argument(
        "what",
        nargs="?",
        choices=["figures", "limits"],
        help="the figures by name; the limits with their options",
    )
    listing.set_defaults(command=_list)


def _add_explore(commands: Commands) -> None:
    explore = commands.add_parser("explore", help="curves that follow knobs", description=_EXPLORE)
    explore.add_argument("--port", type=int, default=0, help="0 (default): a free one")
    explore.add_argument("--no-browser", action="store_true", help="only say the address")
    explore.set_defaults(command=_explore)


def _add_cache(commands: Commands) -> None:
    cache = commands.add_parser("cache", help="size of the compiled code on disk")
    cache.add_argument("--clear", action="store_true", help="delete it")
    cache.set_defaults(command=_cache)


def _add_doctor(commands: Commands) -> None:
    doctor = commands.add_parser("doctor", help="check this installation")
    doctor.set_defaults(command=_doctor)


_DESCRIPTION = "Limit theories of optimisers in high dimension, and whether simulation agrees."
_DERIVE = "Print the steps of a derivation. Example: limitlab derive signsgd --noise student_t df=3"
_FIGURE = (
    "Draw a figure, check its numbers. Exit status: 0 they hold, 1 they do not, 2 bad input, "
    "3 undecided."
)
_GALLERY = (
    "Draw small pictures of the figures, check their numbers, and write the page around them, in "
    "some minutes. Exit status: 0 all numbers hold, 1 they do not, 2 bad input."
)
_VALIDITY = "Measure the error of every theory against simulation: a page, in about ten minutes."
_SWEEP = (
    "Solve and simulate every cell of the [sweep] table. What is finished is kept: the same "
    "command goes on where it was stopped. Exit status: 0 done, 2 bad input, 130 interrupted."
)
_FIT = (
    "Estimate numbers of a theory, with intervals, from observed curves. Exit status: 0 the curve "
    "tells them, 3 it does not tell all of them."
)
_EXPLORE = "Serve a page on this machine, for this machine only; needs the extra [explore]."
_RUN = (
    "Solve, simulate, compare and draw. Exit status: 0 agrees, 1 does not, 2 bad input, "
    "3 undecided (the report says how many runs would decide)."
)


def _derive(chosen: argparse.Namespace) -> int:
    from .validation.experiment.names import derive_by_name

    system = derive_by_name(
        _table(chosen.method, "method"),
        None if chosen.noise is None else _table(chosen.noise, "noise"),
        None if chosen.problem is None else _table(chosen.problem, "problem"),
        chosen.limit,
    )
    print(system.latex() if chosen.latex else system.source if chosen.source else system.explain())
    return AGREES


def _table(words: list[str], field: str) -> dict[str, Any]:
    """Turn ``student_t df=3`` into ``{"kind": "student_t", "df": "3"}``."""
    kind, *pairs = words
    return {"kind": kind, **_pairs(pairs, field)}


def _pairs(pairs: list[str], field: str) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise InvalidInput(field, pair, "write NAME=VALUE after the name")
    return dict(pair.split("=", 1) for pair in pairs)


def _run(chosen: argparse.Namespace) -> int:
    from .validation.experiment.carry_out import agrees, conduct, decided
    from .validation.experiment.figure import draw
    from .validation.experiment.read import read_experiment
    from .validation.experiment.report import report
    from .validation.experiment.write import prepare_folder, write_folder

    experiment = read_experiment(chosen.experiment, chosen.output)
    replaced = prepare_folder(experiment)
    if replaced:
        _say(f"limitlab: {replaced}")
    results = conduct(experiment, say=_say)
    files = write_folder(experiment, results, draw(results, experiment.output.width))
    print(report(experiment, results))
    print("\n".join(f"wrote {file}" for file in files))
    if not decided(results):
        return UNDECIDED
    return AGREES if agrees(results) else DISAGREES


def _sweep(chosen: argparse.Namespace) -> int:
    from .validation.experiment.read import read_experiment
    from .validation.experiment.sweep import carry_out, summary, write
    from .validation.sweep.cluster import connected

    experiment = read_experiment(chosen.experiment, chosen.output)
    with connected(chosen.scheduler) as executor:
        results = carry_out(
            experiment, shard=chosen.shard, workers=chosen.workers, executor=executor
        )
    if any(result.provenance["interrupted"] for _, result in results):
        _say("limitlab: interrupted; the same command goes on from here")
        return INTERRUPTED
    if chosen.shard is not None:
        print(f"part {chosen.shard} is done; the command without --shard puts the parts together")
        return AGREES
    print(summary(results))
    print("\n".join(f"wrote {file}" for file in write(experiment, results)))
    return AGREES


def _fit(chosen: argparse.Namespace) -> int:
    from .validation.fit.table import fit_file

    found = fit_file(chosen.experiment, chosen.runs, chosen.free, chosen.quantity)
    print(found.summary())
    if chosen.figure:
        found.figure().savefig(chosen.figure)
        print(f"wrote {chosen.figure}")
    return UNDECIDED if found.remarks else AGREES


def _figure(chosen: argparse.Namespace) -> int:
    from .validation.gallery.make import make, module_of, write, writing

    values = _pairs(chosen.values, "set")
    module_of(chosen.name)
    with writing(chosen.out, tuple(chosen.format)):
        pass
    made = make(chosen.name, full=chosen.full, width=chosen.width, values=values)
    print(made.report, end="")
    files = write(made, chosen.out, tuple(chosen.format), chosen.data)
    print("\n".join(f"wrote {file}" for file in files))
    if made.passed:
        return AGREES
    return UNDECIDED if all(check.within for check in made.checks) else DISAGREES


def _gallery(chosen: argparse.Namespace) -> int:
    from .validation.gallery.page import write_page

    held = True
    for drawn in write_page(chosen.out, chosen.only):
        print(drawn, flush=True)
        held &= drawn.passed
    return AGREES if held else DISAGREES


def _validity(chosen: argparse.Namespace) -> int:
    from .validation.gallery.make import writing
    from .validation.validity.page import measured, page, studies, write

    with writing(Path(chosen.out).parent):
        pass
    print(f"wrote {write(page(measured(studies(chosen.only))), chosen.out)}")
    return AGREES


def _list(chosen: argparse.Namespace) -> int:
    if chosen.what == "figures":
        from .validation.gallery.make import figures, module_of

        print("\n".join(f"{name}: {module_of(name).TITLE}" for name in figures()))
        return AGREES
    from .validation.experiment.names import catalogue, limit_tables

    if chosen.what == "limits":
        from .solvers.core.limits import described

        for name, table in limit_tables().items():
            print(f"{name}:\n{indent(described(table), '  ')}")
        return AGREES

    for title, names in catalogue().items():
        print(f"{title}:")
        print("\n".join(f"  {name}" for name in names))
    return AGREES


def _explore(chosen: argparse.Namespace) -> int:
    from .validation.explorer.serve import explore

    explore(chosen.port, not chosen.no_browser, _say)
    return AGREES


def _cache(chosen: argparse.Namespace) -> int:
    from .solvers.core import cache

    modules, size = cache.size()
    print(f"{modules} compiled modules, {size / 1e6:.1f} MB in {cache.folder()}")
    if chosen.clear:
        print(f"deleted {cache.clear()} modules")
    return AGREES


def _doctor(chosen: argparse.Namespace) -> int:
    from .validation.doctor import doctor

    sound = True
    for passed, line in doctor():
        print(f"{'ok  ' if passed else 'FAIL'}  {line}", flush=True)
        sound = sound and passed
    return AGREES if sound else DISAGREES


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _one_line(error: BaseException | Warning) -> str:
    return " ".join(str(error).split())


def _show_warning(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
    _say(f"limitlab: warning: {_one_line(message)}")


if __name__ == "__main__":
    sys.exit(main())
