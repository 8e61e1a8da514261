"""The run's events as log lines in Loki, by chaostoolkit-grafana's control.

    "controls": [{"name": "run-events", "provider": {"type": "python", "module": "chaosext.grafana.control"}}]

The events, their words and their times are chaostoolkit-grafana's; on the way to Loki this control mends what
that extension (0.2.0) gets wrong: it is given no credentials, an experiment's list of tags ends it, each event
waits for Loki, an interrupted activity breaks it, and outputs and times become labels. Here the events go
through Grafana's data source proxy with the run's own token, on a thread of its own; what Loki does not take in
time is dropped and counted. Without a Loki data source the control does nothing.
"""

from __future__ import annotations

import atexit
import json
import logging
import logging.handlers
import queue
import threading
from typing import Any

from chaoslib.run import EventHandlerRegistry
from chaoslib.types import Activity, Configuration, Experiment, Secrets
from chaoslib.types import Run as ActivityRun

from ..errors import ChaosextError
from ..polling import poll
from ..run import Run, current
from .client import DataSource, Grafana, connect

__all__ = ["after_activity_control", "before_activity_control", "configure_control", "send_event"]

logger = logging.getLogger("chaostoolkit")
_EVENTS = "chaostoolkit-loki"  # the logger that chaostoolkit-grafana writes its events to
_QUEUE_SIZE = 1000
_FLUSH_SECONDS = 3.0
_LABELS = ("type", "status")


def configure_control(
    experiment: Experiment,
    configuration: Configuration = None,
    secrets: Secrets = None,
    *,
    event_registry: EventHandlerRegistry,
) -> None:
    """Send the run's events to the Loki data source of the experiment's Grafana, if it has one."""
    try:
        grafana = connect(configuration, secrets)
        source = grafana.source("loki")
    except ChaosextError as error:
        logger.debug("No run events go to Loki: %s", error)
        return
    from chaosgrafana.controls.loki import LokiRunEventHandler  # noqa: PLC0415 - heavy, and only now needed

    events = logging.getLogger(_EVENTS)
    events.setLevel(logging.INFO)
    events.propagate = False
    _sender.start(_Push(grafana, source, str(experiment.get("title", ""))))
    # Not in the last hook: Chaos Toolkit tells of the experiment's end after it.
    atexit.register(_sender.stop)
    event_registry.register(LokiRunEventHandler())
    events.info("Experiment started", extra={"tags": {"type": "experiment-started"}})


def before_activity_control(context: Activity, **_: Any) -> None:
    """Say that an activity has begun."""
    if _sender.sends:
        from chaosgrafana.controls import loki  # noqa: PLC0415 - as above

        loki.before_activity_control(context)


def after_activity_control(context: Activity, state: ActivityRun = None, **_: Any) -> None:
    """Say how an activity ended; one that was interrupted has no state."""
    if _sender.sends:
        from chaosgrafana.controls import loki  # noqa: PLC0415 - as above

        unknown = dict.fromkeys(("start", "end", "duration", "output"))
        loki.after_activity_control(context, {**unknown, "status": "interrupted", **(state or {})})


def send_event(message: str, tags: dict[str, Any]) -> None:
    """Send an event of the run's own; its type and status become labels, what is None is left out."""
    if _sender.sends:
        logging.getLogger(_EVENTS).info(message, extra={"tags": tags})


class _Push(logging.Handler):
    """Sends one event a request; slow, and so only to be called by the sender's thread."""

    def __init__(self, grafana: Grafana, source: DataSource, title: str) -> None:
        super().__init__(logging.INFO)
        self._grafana, self._source, self._title = grafana, source, title
        self.failures = 0
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Push a record: few labels, all else in the line."""
        run: Run = record.__dict__["run"]
        tags = {key: value for key, value in getattr(record, "tags", {}).items() if value is not None}
        labels = {"source": "chaostoolkit", "experiment": run.experiment}
        labels |= {name: str(tags[name]) for name in _LABELS if name in tags}
        line = {"msg": record.getMessage(), "run_id": run.run_id, "title": self._title, **tags}
        at = str(int(record.created * 1e9))
        try:
            self._grafana.push_logs(self._source, labels, [(at, json.dumps(line, default=str))])
        except ChaosextError as error:
            self.failures += 1
            self.last = str(error)


class _Sender:
    """The thread between the run, which never waits, and Loki."""

    def __init__(self) -> None:
        self._handler: _Dropping | None = None
        self._push: _Push | None = None

    @property
    def sends(self) -> bool:
        """Whether events go to Loki."""
        return self._handler is not None

    def start(self, push: _Push) -> None:
        """Begin to take events."""
        self._push, self._handler = push, _Dropping(queue.Queue(_QUEUE_SIZE))
        logging.getLogger(_EVENTS).addHandler(self._handler)
        # A daemon: a Loki that hangs must not keep the run's process.
        threading.Thread(
            target=self._run, args=(self._handler.queue, push), name="run-events", daemon=True
        ).start()

    def stop(self) -> None:
        """Take no more events, wait a little for those on their way, and say what was lost."""
        handler, push = self._handler, self._push
        self._handler = self._push = None
        if handler is None or push is None:
            return
        logging.getLogger(_EVENTS).removeHandler(handler)
        left = poll(lambda: "unsent" if handler.queue.unfinished_tasks else None, _FLUSH_SECONDS, interval=0.05)
        lost = handler.dropped + push.failures + (handler.queue.unfinished_tasks if left else 0)
        if lost:
            logger.warning("%d run events did not reach Loki: %s", lost, push.last or "it was too slow")

    @staticmethod
    def _run(waiting: queue.Queue[logging.LogRecord], push: _Push) -> None:
        while True:
            push.emit(waiting.get())
            waiting.task_done()


class _Dropping(logging.handlers.QueueHandler):
    """Drops what does not fit, and counts it: a run waits for no log."""

    dropped = 0
    queue: queue.Queue[logging.LogRecord]

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Give the record its run, which only the run's own thread knows; leave all else as it is."""
        record.__dict__["run"] = current()
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put a record into the queue, or count it as lost."""
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


_sender = _Sender()
