"""Many answer files checked: one after another or in processes, with a progress bar where it takes long."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from gradcalc.errors import UsageError

if TYPE_CHECKING:
    from gradcalc.checking.api import Checker
    from gradcalc.checking.records import CheckResult

#: From so many files on there is a progress bar, if anybody can see it.
_MANY = 20

#: What takes the finished bar away: to the line above, which is erased.
_LINE_UP = "\x1b[1A\x1b[2K"


def checked(
    spec: str, answers: Sequence[str], options: Mapping[str, Any], own: Mapping[str, Any], jobs: int
) -> list[CheckResult]:
    """The result of every file, in the order they were named. Errors: those of the spec, UsageError."""
    from gradcalc.checking.answers import read_input
    from gradcalc.checking.api import load_checker
    from gradcalc.spec.document import read_document

    if [spec, *answers].count("-") > 1:
        raise UsageError(
            "standard input (-) can be read only once", hint="give the spec or one of the answers as a file"
        )
    document = read_document(spec)
    checker = load_checker(document, options, **own)
    jobs = min(jobs, len(answers))
    tasks = [(name, read_input(checker.lookup.room) if name == "-" else None) for name in answers]
    with _progress(len(tasks)) as advance:
        found = _in_processes(document, options, own, tasks, jobs) if jobs > 1 else _one_by_one(checker, tasks)
        results = []
        for result in found:
            results.append(result)
            advance(1)
    return results


def _one_by_one(checker: Checker, tasks: Sequence[tuple[str, bytes | None]]) -> Iterator[CheckResult]:
    for name, data in tasks:
        yield checker.check_file(name, data)


def _in_processes(
    document: Any,
    options: Mapping[str, Any],
    own: Mapping[str, Any],
    tasks: Sequence[tuple[str, bytes | None]],
    jobs: int,
) -> Iterator[CheckResult]:
    """The files shared among processes, each of which solves the spec once."""
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(jobs, initializer=_prepare, initargs=(document, options, own)) as pool:
        yield from pool.map(_check_one, tasks)


#: The checker of this process, where it is one of several.
_own_checker: list[Checker] = []


def _prepare(document: Any, options: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    from gradcalc.checking.api import load_checker

    _own_checker[:] = [load_checker(document, options, **own)]


def _check_one(task: tuple[str, bytes | None]) -> CheckResult:
    return _own_checker[0].check_file(*task)


@contextmanager
def _progress(count: int) -> Iterator[Any]:
    """Something to call with the number of files done: a bar on a terminal where there are many, else nothing."""
    if count < _MANY or sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    try:
        with click.progressbar(length=count, label="Checking", file=sys.stderr) as bar:
            yield bar.update
    finally:  # also before an error, or after an interruption, the line is free again
        click.echo(_LINE_UP, file=sys.stderr, nl=False)
