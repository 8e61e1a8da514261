"""What can go wrong, in one small tree.

Every error is an `ActivityFailed`, so that Chaos Toolkit journals it as a failed activity and goes on to the
rollbacks; an exception of any other kind would abort the run, in a hypothesis without rollbacks.

    ActivityFailed (chaoslib)
    └── ChaosextError
        ├── BadInput          an experiment, an SLO file or a manifest is wrong: file, place, what to do
        ├── Refused           a safety rule said no; nothing was changed
        ├── GrafanaError      Grafana could not be asked, or its answer could not be used
        ├── NoData            the question was answered, and there is nothing to measure
        └── KubernetesError   the cluster could not be asked, or said no
"""

from chaoslib.exceptions import ActivityFailed

__all__ = ["BadInput", "ChaosextError", "GrafanaError", "KubernetesError", "NoData", "Refused"]


class ChaosextError(ActivityFailed):  # type: ignore[misc]
    """Anything that this extension raises on purpose; its text is one line for a person."""


class BadInput(ChaosextError):
    """A file or an argument is wrong; the text names it, the place in it, and what to do."""


class Refused(ChaosextError):
    """A safety rule said no before anything was changed."""


class GrafanaError(ChaosextError):
    """Grafana, or a data source behind it, could not answer."""


class NoData(ChaosextError):
    """An SLI has nothing to measure: no traffic, an absent series, NaN. Never success."""


class KubernetesError(ChaosextError):
    """The Kubernetes API could not be asked, or refused."""
