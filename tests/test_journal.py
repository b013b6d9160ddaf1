"""Results on disk are whole, of one kind, and written by one process, whatever happens to that process or the disk."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from claims.bench.journal import Journal
from claims.engine.declare import ROOT
from claims.engine.subjects import BadInput

HEADER = {"schema": 1, "code": "abc", "numpy": "2.4.6", "options": {"target": (1, 2)}}
KEY = ("batch_size", "seed")


def result(seed):
    return {"batch_size": 8, "seed": seed, "loss": 1 / (seed + 3), "steps": None}


@pytest.fixture(autouse=True)
def syncs(monkeypatch):
    """Return the files that were synced; nothing here waits for a disk."""
    found = []
    monkeypatch.setattr(os, "fsync", found.append)
    return found


def written(path):
    with Journal(path, HEADER, KEY) as journal:
        for seed in range(4):
            journal.append(result(seed))
    return path.read_bytes()


def test_what_was_written_is_read_bit_for_bit(tmp_path):
    """A number that changed on its way through the file would make a resumed sweep another one."""
    written(tmp_path / "new" / "r.jsonl")
    with Journal(tmp_path / "new" / "r.jsonl", HEADER, KEY) as journal:
        assert journal.results == {(8, seed): result(seed) for seed in range(4)}


def test_a_power_cut_takes_a_second_of_results_at_most(tmp_path, monkeypatch, syncs):
    """Waiting for the disk after each line would take longer than the runs; never waiting would risk them all."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    synced = []
    with Journal(tmp_path / "r.jsonl", HEADER, KEY) as journal:
        syncs.clear()
        for seed in range(10):
            now += 0.4
            journal.append(result(seed))
            synced.append(len(syncs))

    assert synced == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3]
    assert len(syncs) == 4


def test_a_disk_that_fails_late_is_told(tmp_path, monkeypatch):
    """A network disk tells only when it is asked whether the results are there."""

    def fail(_file):
        raise OSError(5, "Input/output error")

    journal = Journal(tmp_path / "r.jsonl", HEADER, KEY)
    journal.append(result(0))
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(BadInput, match=r"r\.jsonl: Input/output error; it keeps its 1 result: make room, and run this"):
        journal.close()


def test_a_line_torn_at_any_byte_is_cut_off_and_written_again(tmp_path):
    """A process may be killed, and power lost, after any byte of the last line."""
    path = tmp_path / "r.jsonl"
    whole = written(path)
    last = whole[:-1].rindex(b"\n") + 1
    for end in range(last, len(whole)):
        path.write_bytes(whole[:end])
        with Journal(path, HEADER, KEY) as journal:
            assert list(journal.results) == [(8, 0), (8, 1), (8, 2)]
            journal.append(result(3))

        assert path.read_bytes() == whole


def test_a_header_torn_at_any_byte_is_written_again(tmp_path):
    """Whoever is killed in the first millisecond finds no broken file the next time."""
    path = tmp_path / "r.jsonl"
    whole = written(path)
    for end in range(whole.index(b"\n") + 1):
        path.write_bytes(whole[:end])

        assert written(path) == whole


HEAD = json.dumps(HEADER).encode() + b"\n"
LINES = [json.dumps(result(seed)).encode() + b"\n" for seed in range(3)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEAD.replace(b'"schema": 1', b'"schema": 2'), "1: written with schema 2, not 1; name another file, or"),
        (HEAD.replace(b"abc", b"xyz"), "1: written with code xyz, not abc; name another file, or delete this one"),
        (HEAD.replace(b"2.4.6", b"1.26"), "1: written with numpy 1.26, not 2.4.6; name another file, or delete"),
        (
            HEAD.replace(b"[1, 2]", b"3"),
            "1: written with options {'target': 3}, not {'target': [1, 2]}; name another file, or delete this one",
        ),
        (LINES[0], "1: it does not begin with the header of a results file; name another file"),
        (b"my notes", "1: it does not begin with the header of a results file; name another file"),
        (b"[]\n", "1: it does not begin with the header of a results file; name another file"),
        (b"\xff\n", "1: it does not begin with the header of a results file; name another file"),
        (HEAD + LINES[0] + LINES[1][7:] + LINES[2], "3: this is no result; delete the line, and its run is done again"),
        (HEAD + b"\0" * 9 + b"\n" + LINES[2], "2: this is no result; delete the line, and its run is done again"),
        (HEAD + LINES[0] + b"\n" + LINES[1], "3: this is no result; delete the line, and its run is done again"),
        (HEAD + LINES[0] + b"{}\n", "3: this is no result; delete the line, and its run is done again"),
        (
            HEAD + json.dumps({"batch_size": [], "seed": 1}).encode() + b"\n",
            "2: this is no result; delete the line, and its run is done again",
        ),
        (HEAD + LINES[0] * 2, "3: the result of this run stands in an earlier line; delete one of the two"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path, content, said):
    """Results of two versions in one file would be taken for one experiment; a damaged one for a right one."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInput) as refused:
        Journal(path, HEADER, KEY)

    assert str(refused.value).startswith(f"{path}:{said}")
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    """A folder's name is an easy slip."""
    with pytest.raises(BadInput, match="it is no file; name another"):
        Journal(tmp_path, HEADER, KEY)


def test_a_device_is_refused_before_it_is_read():
    """A file that never ends would fill the memory."""
    with pytest.raises(BadInput, match="/dev/zero: it is no file; name another"):
        Journal(Path("/dev/zero"), HEADER, KEY)


def test_one_file_is_written_by_one_run_at_a_time(tmp_path):
    """Two sweeps on one file would do each run twice and tear each other's lines."""
    path = tmp_path / "r.jsonl"
    with (
        Journal(path, HEADER, KEY),
        pytest.raises(BadInput, match="another run writes to it; wait for its end, or name another file"),
    ):
        Journal(path, HEADER, KEY)

    assert written(path).count(b"\n") == 5


FULL = """
import os, resource, sys
from pathlib import Path
from claims.bench.journal import Journal
from claims.engine.subjects import BadInput
from tests.test_journal import HEADER, KEY, result, written

os.fsync = lambda file: None
path = Path(sys.argv[1])
whole = written(path)
ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
for room in range(ends[0], len(whole)):
    path.unlink()
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    kept = sum(end <= room for end in ends) - 1
    try:
        written(path)
    except BadInput as error:
        said = f"{path}: File too large; it keeps its {kept} result{'s' * (kept != 1)}: make room, and run this again"
        assert str(error).startswith(said), error
    else:
        raise AssertionError(f"{room} bytes were enough")
    assert path.read_bytes() == whole[: ends[kept]], room
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with Journal(path, HEADER, KEY) as journal:
        for seed in range(kept, 4):
            journal.append(result(seed))
    assert path.read_bytes() == whole
print("fine")
"""


def test_a_disk_that_is_full_after_any_byte_keeps_whole_results(tmp_path):
    """A sweep that fills the disk has not lost the hours before."""
    command = [sys.executable, "-c", FULL, str(tmp_path / "r.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr
