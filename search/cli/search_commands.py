"""`memgan search`, `export` and `doctor`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memgan.machine import with_own_version
from search.cli.notifier import told_of_the_end
from search.cli.options import Json, Results
from search.cli.search_output import CAUTIONS_SHOWN, print_result, warn
from search.cli.study_options import with_study_options
from search.stopping import current, is_interruption, stoppable
from search.study import DRIVING_OPTIONS

if TYPE_CHECKING:
    from search.ray import WantedNodes
    from search.results import GoingOn
    from search.workflow import StudyResult


@with_study_options
@stoppable(process_ends=True)
def search(
    study_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[STUDY.yaml]",
            help="The study to run (default: one made for --data, or digits, in minutes).",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The study's name.")] = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="NAME", help="Go on with a study.")
    ] = None,
    resume_or_start: Annotated[
        bool,
        typer.Option(
            "--resume-or-start",
            help="With --name: begin the study, go on with it, or do nothing if it is done.",
        ),
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Fix a parameter (one value) or search it (a list)."
        ),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch missing data and weights of a backbone.")
    ] = False,
    address: Annotated[
        str | None, typer.Option(metavar="ADDR", help="A Ray cluster [RAY_ADDRESS]; else local.")
    ] = None,
    dashboard: Annotated[
        bool,
        typer.Option("--dashboard", help="Start Ray's dashboard, on this machine only."),
    ] = False,
    mend_journal: Annotated[
        bool,
        typer.Option("--mend-journal", help="Leave out damaged lines when a study goes on."),
    ] = False,
    results: Results = Path("results"),
    tracking_uri: Annotated[
        str | None, typer.Option(metavar="URI", help="[MLFLOW_TRACKING_URI]; else under DIR.")
    ] = None,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Find, record and export the best configuration of a detector.

    Example: memgan search configs/studies/mnist.yaml --data-dir ~/data --trials 30
    """
    from search.ray import standard_output_kept_clean

    out = standard_output_kept_clean()
    from memgan.errors import BadInput
    from memgan.waiting import waiting_for

    driving = {option.name: options.pop(option.name) for option in DRIVING_OPTIONS}
    wanted = _wanted_nodes(driving)
    how: dict[str, Any] = {
        "results": results,
        "tracking_uri": tracking_uri,
        "experiment": driving["experiment"],
        "address": address,
        "download": download,
        "note": _note,
    }
    going_on = _going_on(results, tracking_uri, address, wanted, repeat=resume_or_start)
    with (
        _dashboard(address) if dashboard else nullcontext(),
        _told_how_to_go_on(going_on),
        told_of_the_end(driving["notify"], going_on, _whole(results), _note) as ending,
    ):
        how["wait_for"] = wanted and replace(wanted, told=ending.waits)
        if resume is not None:
            if study_file is not None or name is not None:
                raise BadInput("--resume NAME goes with neither a study file nor --name")
            if resume_or_start:
                raise BadInput("--resume NAME goes on, --resume-or-start begins too; give one")
            going_on.name = resume
            given: dict[str, Any] = {"options": options, "settings": settings or []}
            with waiting_for("loading memgan", logged=False):
                from search.workflow import resume as resume_study
            result = _mended(partial(resume_study, resume, **given, **how), mend_journal)
        else:
            with waiting_for("loading memgan", logged=False):
                from search.study import begun_study

                study = begun_study(
                    study_file, {"name": name, **options}, settings or [], download=download
                )
                going_on.name = study.name
                from search.workflow import resume_or_start as restart
                from search.workflow import run
            if resume_or_start:
                result = _mended(partial(restart, study, **how), mend_journal)
            else:
                result = run(study, **how)
        ending.result = result
        if as_json:
            typer.echo(json.dumps(with_own_version(result.document())), out)
        else:
            print_result(result, out)
        warn(result, _note)
        if result.interrupted:
            raise KeyboardInterrupt


def export(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study's name.")],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where the export goes (default: the study's own folder)."
        ),
    ] = None,
    false_alarm_rate: Annotated[
        float | None,
        typer.Option(
            help="The share of normal images that bundles may flag, such as 0.01 (default 0.05)."
        ),
    ] = None,
    register: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Add a version of NAME to MLflow's Model Registry."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --register: make it the champion, better or not.")
    ] = False,
    tracking_uri: Annotated[
        str | None,
        typer.Option(metavar="URI", help="The registry; else where the study is recorded."),
    ] = None,
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Write the best configuration and bundles of a study, and register them.

    A registered export becomes the champion of NAME if it is better than the present champion on
    the validation images of the same data and objective, by the rule of `compare`.

    Example: memgan export digits --out best-of-digits --register digits
    """
    from memgan.errors import BadInput
    from memgan.fitting_table import show
    from memgan.waiting import waiting_for

    with waiting_for("loading memgan", logged=False):
        from search.report import caution_lines, report_remarks, report_table, verdict_lines
        from search.results import StudyFolder
        from search.workflow import export_study, register_study
        from tracking.registry import check_name

    if register is None and (force or tracking_uri):
        raise BadInput("--force and --tracking-uri go only with --register NAME")
    if register is not None:
        check_name(register)
    folder = out or StudyFolder.at(results, study).export
    report = export_study(
        study, results=results, out=out, false_alarm_rate=false_alarm_rate, note=_note
    )
    if not as_json:
        show(report_table(report))
        for line in report_remarks(report):
            typer.echo(line)
        for line in caution_lines(report, CAUTIONS_SHOWN):
            typer.echo(f"caution: {line}")
        for line in verdict_lines(report):
            typer.echo(f"doctor: {line}")
        typer.echo(f"best configuration and bundles: {folder}")
    document = {**report.document(), "export": str(folder)}
    if register is not None:
        with waiting_for(f"registering {register}"):
            registered = register_study(
                study, register, results=results, out=out, tracking_uri=tracking_uri, force=force
            )
        document["registered"] = registered.model_dump()
        if not as_json:
            for line in registered.lines():
                typer.echo(line)
    if as_json:
        typer.echo(json.dumps(with_own_version(document)))


@stoppable(process_ends=True)
def doctor(
    data_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where named data sets lie [MEMGAN_DATA].")
    ] = None,
    results: Results = Path("results"),
    tracking_uri: Annotated[
        str | None, typer.Option(metavar="URI", help="The record to reach.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(metavar="ADDR", help="The Ray cluster to reach.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check versions, device, Ray, tracking and data, and say what to do about what fails.

    Example: memgan doctor --tracking-uri http://127.0.0.1:5000
    """
    from search.ray import standard_output_kept_clean

    out = standard_output_kept_clean()
    from memgan.waiting import waiting_for
    from search.cli.doctor import examine

    with waiting_for("looking at versions, device, Ray, tracking and data"):
        findings = examine(results, tracking_uri, address, data_dir)
    if as_json:
        document = with_own_version({"findings": [finding.document() for finding in findings]})
        typer.echo(json.dumps(document), out)
    else:
        for finding in findings:
            line = f"{'ok  ' if finding.works else 'FAIL'}  {finding.what}: {finding.line}"
            typer.echo(line, out)
    if not all(finding.works for finding in findings):
        raise typer.Exit(1)


def _mended(go_on: Callable[..., StudyResult], mend: bool) -> StudyResult:
    """Go on with a study; at a terminal ask whether to leave out what its journal lost."""
    from search.journal import JournalDamaged

    try:
        return go_on(mend=mend)
    except JournalDamaged as fault:
        if mend or not (sys.stdin and sys.stdin.isatty()):
            raise
        typer.confirm(f"{fault}\nleave them out and go on?", abort=True, err=True)
        return go_on(mend=True)


@contextmanager
def _dashboard(address: str | None) -> Iterator[None]:
    from memgan.errors import BadInput
    from search.ray import is_own, with_dashboard

    if not is_own(address):
        raise BadInput(
            "--dashboard goes only with a Ray that the search starts; a cluster has its own, on"
            " its head node"
        )
    with with_dashboard(_note):
        yield


def _whole(results: Path) -> str:
    """Results as somebody elsewhere can read them."""
    from tracking.address import as_address, is_address, local_folder

    return as_address(results) if is_address(results) else str(local_folder(results).absolute())


def _wanted_nodes(driving: Mapping[str, str | None]) -> WantedNodes | None:
    asked, bound = driving["wait_for"], driving["wait_at_most"]
    if asked is None and bound is None:
        return None
    from memgan.errors import BadInput
    from search.ray import WantedNodes, read_wanted
    from search.study import parse_duration

    if asked is None:
        raise BadInput("--wait-at-most goes only with --wait-for")
    return WantedNodes(read_wanted(asked), None if bound is None else parse_duration(bound))


def _going_on(
    results: Path | str,
    tracking_uri: str | None,
    address: str | None,
    wanted: WantedNodes | None,
    *,
    repeat: bool,
) -> GoingOn:
    from search.results import GoingOn

    waits = wanted.options if wanted else ()
    return GoingOn(results, tracking_uri, address, waits=waits, repeat=repeat)


@contextmanager
def _told_how_to_go_on(going_on: GoingOn) -> Iterator[None]:
    from memgan.waiting import left_behind

    def tell() -> None:
        if line := going_on.line():
            _note(line)

    def tell_at_worst() -> None:
        left_behind()
        tell()
        _note("memgan: interrupted")

    current().at_worst(tell_at_worst)
    try:
        yield
    except BaseException as error:
        if is_interruption(error):
            with current().held():
                tell()
        raise


def _note(line: str) -> None:
    from memgan.waiting import tell

    tell(line)
