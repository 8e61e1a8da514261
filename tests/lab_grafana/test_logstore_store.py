"""What the log store keeps and what it drops, and how it follows the node's log files."""

import time

import pytest

from lab.grafana.logstore.answers import Answers, Parameters
from lab.grafana.logstore.store import LogStore, TooManyStreams, label_set
from lab.grafana.logstore.tail import ContainerTail, Tailer, nanoseconds
from lab.node.logs import LogFile, LogFolder, timestamp

LABELS = label_set({"a": "b"}.items())


def texts(store, labels=LABELS):
    [stream] = store.streams(lambda found: label_set(found.items()) == labels) or [None]
    views = stream.views(0, 1 << 62) if stream else ()
    return [view.line(index) for view in views for index in range(view.first, view.last)]


class TestRoom:
    def test_the_oldest_lines_make_room_and_are_counted(self):
        store = LogStore(max_bytes=1_000_000)
        now = time.time_ns()
        for number in range(10_000):
            store.append(LABELS, [now + number], [f"{number:06d}" + "x" * 100])
        kept = texts(store)
        assert store.cost <= 1_000_000
        assert 0 < len(kept) < 10_000
        assert kept[-1].startswith("009999")
        assert int(kept[0][:6]) == 10_000 - len(kept)
        assert store.counters.lines == 10_000
        assert store.counters.dropped_for_room == 10_000 - len(kept)

    def test_lines_pass_their_age(self):
        store = LogStore(max_age_seconds=100)
        now = time.time_ns()
        store.append(LABELS, [now - 101 * 10**9], ["too old"])
        store.append(LABELS, [now - 20 * 10**9], ["old"])
        store.append(label_set({"a": "c"}.items()), [now], ["new"])
        assert texts(store) == ["old"]
        assert store.counters.dropped_for_age == 1
        assert len(store.streams(lambda _labels: True)) == 2

    def test_a_stream_may_come_back_after_all_its_lines_went(self):
        store = LogStore(max_bytes=100_000)
        for _ in range(5):
            store.append(LABELS, [time.time_ns()], ["x" * 90_000])
            store.append(label_set({"a": "c"}.items()), [time.time_ns()], ["y" * 90_000])
        assert [len(texts(store, label_set({"a": value}.items()))) for value in "bc"] == [0, 1]

    def test_lines_that_come_late_are_found_in_their_place(self):
        store = LogStore()
        now = time.time_ns()
        for offset in (5, 9, 1, 7):
            store.append(LABELS, [now - offset * 10**9], [f"minus {offset}"])
        asked = {"query": ['{a="b"}'], "direction": ["forward"]}
        [stream] = Answers(store).query_range(Parameters(asked))["data"]["result"]
        assert [line for _, line in stream["values"]] == ["minus 9", "minus 7", "minus 5", "minus 1"]

    def test_the_number_of_streams_is_bounded(self):
        store = LogStore()
        for number in range(5000):
            store.append(label_set({"n": str(number)}.items()), [time.time_ns()], ["x"])
        with pytest.raises(TooManyStreams):
            store.append(LABELS, [time.time_ns()], ["x"])


class Known:
    """Stands in the place of discovery where its answers do not matter."""

    def __init__(self, service="shop"):
        self.answer = service

    def service(self, _uid):
        return self.answer

    def forget(self, _uid):
        pass


def all_of(tail):
    found = []
    while lines := tail.read()[1]:
        found += lines
    return found


def write(log, *lines):
    log.write("stdout", [(line.encode(), True) for line in lines])


class TestFollowing:
    def test_a_file_that_grows_and_rotates(self, tmp_path):
        log = LogFile(tmp_path / "0.log", limit=2000)
        tail = ContainerTail(tmp_path, 0)
        found = []
        for number in range(200):
            write(log, f"line {number} " + "x" * 50)
            found += all_of(tail)
        log.close()
        assert [line.split()[1] for line in found] == [str(number) for number in range(200)]
        assert tail.gaps == 0
        tail.close()

    def test_what_was_written_before_a_rotation_is_still_read(self, tmp_path):
        log = LogFile(tmp_path / "0.log", limit=2000)
        tail = ContainerTail(tmp_path, 0)
        write(log, "first")
        assert all_of(tail) == ["first"]
        expected = [f"{number} " + "x" * 300 for number in range(6)]
        for line in expected:
            write(log, line)
        assert (tmp_path / "0.log.1").exists()
        assert all_of(tail) == expected
        assert tail.gaps == 0
        tail.close()

    def test_a_rotation_that_may_have_hidden_lines_is_counted(self, tmp_path):
        log = LogFile(tmp_path / "0.log", limit=500)
        tail = ContainerTail(tmp_path, 0)
        write(log, "first")
        all_of(tail)
        for number in range(9):
            write(log, f"{number} " + "x" * 500)
        found = all_of(tail)
        assert found[-1].startswith("8")
        assert len(found) < 9
        assert tail.gaps == 1
        tail.close()

    def test_runs_follow_each_other(self, tmp_path):
        folder = LogFolder(tmp_path)
        pod = folder.pod("ns", "pod", "uid")
        tail = ContainerTail(pod / "main", 0)
        found = []
        for run in range(4):
            log = folder.open(pod, "main", run)
            write(log, f"run {run} begins")
            found += all_of(tail)
            write(log, f"run {run} ends")
            log.close()
        found += all_of(tail)
        assert found == [f"run {run} {what}" for run in range(4) for what in ("begins", "ends")]
        tail.close()

    def test_parts_become_one_line_and_each_stream_has_its_own(self, tmp_path):
        log = LogFile(tmp_path / "0.log")
        log.write("stdout", [(b"one ", False)])
        log.write("stderr", [("é whole".encode(), True), (b"two ", False)])
        log.write("stdout", [(b"line", True), (b"", True)])
        log.write("stderr", [(b"lines \xff", True)])
        tail = ContainerTail(tmp_path, 0)
        assert all_of(tail) == ["é whole", "one line", "", "two lines \ufffd"]
        tail.close()

    def test_times_are_those_of_the_runtime(self):
        moment = 1_795_489_973_184_122_746
        assert nanoseconds(timestamp(moment)) == moment

    def test_the_last_lines_of_a_pod_are_read_and_then_it_is_let_go(self, tmp_path):
        folder, store = LogFolder(tmp_path), LogStore()
        tailer = Tailer(tmp_path, "lab", time.time_ns(), Known(), store)
        pod = folder.pod("ns", "pod", "uid")
        log = folder.open(pod, "main", 0)
        write(log, "first")
        tailer.step()
        write(log, "last")
        log.close()
        folder.gone(pod)
        while tailer.step():
            pass
        tailer.step()
        labels = {"cluster": "lab", "namespace": "ns", "pod": "pod", "container": "main", "service": "shop"}
        assert texts(store, label_set(labels.items())) == ["first", "last"]
        assert not tailer._tails

    def test_a_pod_waits_until_its_service_is_known(self, tmp_path):
        folder, store, pods = LogFolder(tmp_path), LogStore(), Known(None)
        tailer = Tailer(tmp_path, "lab", time.time_ns(), pods, store)
        log = folder.open(folder.pod("ns", "pod", "uid"), "main", 0)
        write(log, "line")
        log.close()
        tailer.step()
        assert not store.streams(lambda _labels: True)
        pods.answer = "late"
        tailer.step()
        [stream] = store.streams(lambda _labels: True)
        assert dict(stream.labels)["service"] == "late"

    def test_what_another_lab_left_is_not_read(self, tmp_path):
        folder, store = LogFolder(tmp_path), LogStore()
        for name in ("a", "b"):
            log = folder.open(folder.pod("ns", name, "uid"), "main", 0)
            write(log, "of the last lab")
            log.close()
        folder.gone(folder.pod("ns", "a", "uid"))
        tailer = Tailer(tmp_path, "lab", time.time_ns(), Known(), store)
        tailer.step()
        log = folder.open(folder.pod("ns", "c", "uid"), "main", 0)
        write(log, "of this one")
        log.close()
        tailer.step()
        assert [dict(stream.labels)["pod"] for stream in store.streams(lambda _labels: True)] == ["c"]
