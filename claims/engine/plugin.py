"""The pytest plugin: one item for each trial, and the evidence of what came of it.

claims/linear_layers.py::two_linear_layers_equal_one[numpy]
claims/linear_layers.py::two_linear_layers_equal_one[not-forgets_the_first_bias]
"""

import importlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claims.engine import book as books
from claims.engine import evidence, reading, report
from claims.engine.declare import ROOT
from claims.engine.judge import as_test, judge
from claims.engine.ledger import Ledger
from claims.engine.narrow import narrowed
from claims.engine.profiles import PROFILES, run_seed
from claims.engine.subjects import REFERENCE, BadInput, find_subject
from claims.engine.topics import check_topics, concerns
from claims.engine.trials import Trial, trials
from claims.engine.verdict import Verdict
from claims.toolbox import precision

MARKERS = {
    "proved": "a claim settled for good",
    "property": "a claim tried on random inputs",
    "measured": "a claim settled by an experiment",
    "mistake": "a wrong implementation that a claim must refute",
    "legal": "another right implementation, on which a claim must hold",
    "myth": "a false sentence that must be refuted",
    "contract": "what holds for every call of a slot",
}
DTYPES = ("float64", "float32")
TRIAL = pytest.StashKey[Trial]()
RUN = pytest.StashKey["Run"]()


class Run:
    """What one pytest process knows of the run; with xdist, the controller's is the one that writes."""

    def __init__(self, config: pytest.Config) -> None:
        option = config.option
        given = getattr(config, "workerinput", {}).get("claims_seed", option.claims_seed)
        profile, seed = PROFILES[option.claims_profile], run_seed(given)
        precision.choose(option.claims_dtype)  # before any page is read, whose bounds are stated in it
        book = reading.load()
        names = option.claims_subject or [REFERENCE]
        try:
            check_topics(option.claims_topic, book)
            subjects = [find_subject(name, book) for name in dict.fromkeys(names)]
            if precision.dtype != precision.DOUBLE:
                subjects = [narrowed(subject, precision.dtype) for subject in subjects]
        except BadInput as error:
            raise pytest.UsageError(str(error)) from None
        self.path = Path(option.claims_evidence) if option.claims_evidence else None
        if self.path and not self.path.absolute().parent.is_dir():
            raise pytest.UsageError(
                f"{self.path}: there is no folder {self.path.parent} to write the evidence to; create it first"
            )
        self.is_worker = hasattr(config, "workerinput")
        self.started, self.clock = evidence.now(), time.perf_counter()
        self.written: list[Path] = []
        self.touched = bool(self.path)
        redraw = profile.fresh or (option.claims_seed is not None)
        self.ledger = Ledger(
            book, [s.name for s in subjects], profile, seed, redraw, option.claims_topic, selection(config)
        )
        self.ledger.preset(trials(book, subjects))

    def finish(self) -> None:
        """Write the evidence, once, if any claim was asked for."""
        if self.touched and not self.is_worker and not self.written:
            facts = evidence.as_evidence(self.ledger, self.started, time.perf_counter() - self.clock)
            self.written = evidence.write(self.ledger, facts, self.path)


def selection(config: pytest.Config) -> dict[str, Any]:
    """Return what was asked to be left out, as far as it says nothing about the machine."""
    option = config.option
    asked = {
        "topics": option.claims_topic,
        "keyword": option.keyword,
        "markers": option.markexpr,
        "last_failed": bool(getattr(option, "lf", False)),
        "max_failures": option.maxfail,
    }
    return {name: value for name, value in asked.items() if value}


class ClaimModule(pytest.Module):
    """The claims of one page."""

    def _getobj(self) -> Any:
        return importlib.import_module(f"{books.CLAIMS}.{self.path.stem}")

    def collect(self) -> Iterator[pytest.Function]:
        run = self.config.stash[RUN]
        if faults := run.ledger.book.pages[self.path.stem].faults:
            raise self.CollectError("\n".join(faults))
        for entry in run.ledger.entries.values():
            trial = entry.trial
            if trial.page.stem == self.path.stem and concerns(trial, run.ledger.topics, run.ledger.book):
                yield self._item(trial)

    def _item(self, trial: Trial) -> pytest.Function:
        def case(**drawn: Any) -> None:
            trial.claim.body(**trial.functions, **drawn)

        item: pytest.Function = pytest.Function.from_parent(self, name=trial.id, callobj=as_test(trial.claim, case))
        item.stash[TRIAL] = trial
        item.add_marker(trial.claim.kind)
        if trial.must_fail or trial.role == "legal":
            item.add_marker("myth" if trial.role == "search" else trial.role)
        return item


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of a run."""
    group = parser.getgroup("claims", "answers that run")
    group.addoption(
        "--topic",
        dest="claims_topic",
        action="append",
        default=[],
        metavar="TOPIC",
        help="judge only this page, question, claim or slot (may be repeated)",
    )
    group.addoption(
        "--profile",
        dest="claims_profile",
        choices=[*PROFILES],
        default="default",
        help="how hard to try: quick (25 cases, nothing measured), default (100), thorough (1000, fresh seeds)",
    )
    group.addoption(
        "--seed", dest="claims_seed", type=int, metavar="N", help="try the cases of the run that printed this seed"
    )
    group.addoption(
        "--subject",
        dest="claims_subject",
        action="append",
        metavar="NAME|FILE.py",
        help=f"judge this instead of the reference, {REFERENCE} (may be repeated)",
    )
    group.addoption(
        "--dtype",
        dest="claims_dtype",
        choices=DTYPES,
        default=DTYPES[0],
        help="the precision in which the subject is called, and in whose eps the bounds are stated",
    )
    group.addoption(
        "--evidence", dest="claims_evidence", metavar="FILE.json", help="write here what was judged and how it went"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read the book and preset the ledger."""
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    # For the text under a failed `assert` in a claim, pytest has to rewrite the module before anyone imports it.
    pytest.register_assert_rewrite(*(f"{books.CLAIMS}.{stem}" for stem in reading.stems()))
    config.stash[RUN] = Run(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give an xdist worker the seed of the run."""
    node.workerinput["claims_seed"] = node.config.stash[RUN].ledger.seed


def pytest_report_header(config: pytest.Config) -> str:
    """Say how the claims are tried."""
    return f"claims: {report.title(config.stash[RUN].ledger)}"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Collect the claims of a page, and of no other module beside them."""
    run = parent.config.stash[RUN]
    if file_path.parent != ROOT / books.CLAIMS or file_path.stem not in run.ledger.book.pages:
        return None
    run.touched = True
    return ClaimModule.from_parent(parent, path=file_path) if run.ledger.is_about(file_path.stem) else None


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Judge a trial; a test that is none is left to pytest."""
    trial = pyfuncitem.stash.get(TRIAL, None)
    if trial is None:
        return None
    ledger = pyfuncitem.config.stash[RUN].ledger
    verdict = judge(trial, ledger.profile, ledger.seed, redraw=ledger.redraw)
    pyfuncitem.user_properties.append(("verdict", verdict.as_dict()))  # it travels with the report, through xdist too
    ledger.enter(trial.nodeid, verdict)
    if verdict.outcome == "not judged":
        pytest.skip(verdict.reason)
    if ledger.entries[trial.nodeid].bad:
        again = report.replay(trial, ledger.profile, ledger.seed, redraw=ledger.redraw)
        lines = report.failure(trial, verdict, again)
        pytest.fail("\n".join(lines), pytrace=False)
    return True


class Recorder:
    """Takes the reports of a run into its ledger, in the process that writes the evidence."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Overwrite what the ledger says of a trial."""
        ledger = self.run.ledger
        if facts := dict(report.user_properties).get("verdict"):
            ledger.enter(report.nodeid, Verdict(**facts))  # type: ignore[arg-type]
            self.run.touched = True
        elif report.failed and report.nodeid in ledger.entries:  # a crashed worker sends no more than this
            ledger.enter(report.nodeid, Verdict("error", str(report.longrepr).strip().splitlines()[-1][:200]))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note that something could not be collected; what the book says of it is not said twice."""
        said = str(report.longrepr).strip()
        if report.failed and said not in "\n".join(self.run.ledger.book.faults):
            self.run.ledger.errors.append(f"{report.nodeid}: {said.splitlines()[-1][:200]}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember Ctrl-C; pytest calls this, too, when it stops for a reason of its own."""
        if not isinstance(excinfo.value, pytest.Session.Interrupted):
            self.run.ledger.interrupted = True

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Write the evidence."""
        self.run.finish()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Listen to the reports of this process and, with xdist, of all others."""
    session.config.pluginmanager.register(Recorder(session.config.stash[RUN]), "claims-recorder")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was judged; with no claim asked for, nothing."""
    run = config.stash[RUN]
    if run.touched and not run.is_worker:
        terminalreporter.section("claims")
        for line in [*report.summary(run.ledger), "", report.closing(run.ledger)]:
            terminalreporter.write_line(line)
