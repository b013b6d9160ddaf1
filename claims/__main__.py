"""The command line: `claims`, or `python -m claims`."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from claims.command import benching, catalogue, checking, judging, progress, scaffold, siting, starting, weaving
from claims.engine.profiles import ProfileName
from claims.engine.subjects import REFERENCE, BadInput

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Answers that run: judge, read and write the claims behind 44 interview questions.",
)


@app.command()
def check(
    topics: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC]...", help="pages, questions, claims or slots; all if none is given", show_default=False
        ),
    ] = None,
    profile: Annotated[
        ProfileName, typer.Option(help="25 cases and nothing measured, 100, or 1000 and fresh seeds")
    ] = "default",
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="try the cases of the run that printed this seed", show_default=False),
    ] = None,
    subject: Annotated[str, typer.Option(metavar="NAME|FILE", help="judge this instead of the reference")] = REFERENCE,
    dtype: Annotated[
        Literal["float64", "float32"], typer.Option(help="the precision that it is called in, and bounds are stated in")
    ] = "float64",
    evidence: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the evidence here, too", show_default=False)
    ] = None,
    workers: Annotated[
        int, typer.Option("-n", metavar="WORKERS", min=1, help="share the work among so many processes")
    ] = 1,
) -> None:
    """Judge the claims, and report for people. Exit 0: all held; 1: not so; 2: bad input; 130: Ctrl-C."""
    raise typer.Exit(checking.check(topics or [], profile, seed, subject, dtype, evidence, workers))


@app.command()
def start(
    stem: Annotated[str, typer.Argument(metavar="STEM")],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", show_default=False)] = None,
) -> None:
    """Write a file with the functions that a page shows, to be filled in."""
    starting.start(stem, file)


@app.command()
def judge(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a Python file that defines slots", show_default=False)],
    profile: Annotated[ProfileName, typer.Option(help="25, 100 or 1000 cases of each claim")] = "default",
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="try the cases of the run that printed this seed", show_default=False),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="judge what changed on every save")] = False,
) -> None:
    """Judge the functions of a file, each by the claims on its slot. Exit 0: all are right; 1: not so; 2: bad input."""
    raise typer.Exit(judging.judge(file, profile, seed, watch=watch))


@app.command()
def hint(slot: Annotated[str, typer.Argument(metavar="SLOT")]) -> None:
    """Tell the law that a judged function broke, then the case, then the page; of a right one, why it is right."""
    progress.hint(slot)


@app.command()
def show(name: Annotated[str, typer.Argument(metavar="CLAIM|SLOT")]) -> None:
    """Tell all about one claim or one slot."""
    catalogue.show(name)


@app.command("list")
def list_() -> None:
    """List the questions, pages, claims and slots, and what is missing."""
    catalogue.list_all()


@app.command()
def new(stem: Annotated[str, typer.Argument(metavar="STEM")]) -> None:
    """Write the three files of a new page, ready to fill."""
    scaffold.new(stem)


@app.command()
def weave(
    check: Annotated[bool, typer.Option("--check", help="change nothing; exit 1 if something is out of date")] = False,
    results: Annotated[bool, typer.Option("--results", help="take the numbers from the last complete run")] = False,
) -> None:
    """Bring code blocks, claim links, figures and numbers in the prose up to date."""
    raise typer.Exit(weaving.weave(check=check, take=results))


@app.command()
def bench(
    full: Annotated[
        bool, typer.Option("--full", help="more rounds and four times the seeds: some ten minutes")
    ] = False,
    batch_sizes: Annotated[
        str | None, typer.Option(metavar="1,8,64", help="measure these only", show_default=False)
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="run on this Dask cluster", show_default=False)
    ] = None,
    results: Annotated[
        Path | None, typer.Option(metavar="FILE", help="keep the runs here, and go on from those", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="write here, not to build", show_default=False)
    ] = None,
    reference: Annotated[bool, typer.Option("--reference", help="make this the run that the page shows")] = False,
) -> None:
    """Measure what batch size does to throughput, steps and noise on this machine: three minutes or less."""
    raise typer.Exit(benching.bench(batch_sizes, scheduler, results, output, full=full, renew=reference))


@app.command()
def site(
    evidence: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="of this run; build/evidence.json if none is given", show_default=False),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="where to; build/site if none is given", show_default=False)
    ] = None,
) -> None:
    """Build the book with its evidence, to be read in a browser."""
    siting.site(evidence, output)


def main() -> None:
    """Run the command line; bad input is one line, without a traceback."""
    try:
        app()
    except BadInput as error:
        print(f"claims: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
