"""What runs beside the pods: Debian's Prometheus, Alertmanager and exporters, and the log and trace stores."""

import os
import time

from lab import alertmanager, exporters, leftovers, prometheus
from lab.components import Component
from lab.grafana.logstore import wiring
from lab.grafana.tracestore import wiring as traces
from lab.layout import Layout
from lab.node import procfs
from lab.node.names import HostsFiles
from lab.node.processes import Command, User
from lab.settings import HOST, Settings

_NOBODY = User(65534, 65534)
POSTGRES_EXPORTER = "postgres-exporter"
_LOG_STORE, _TRACE_STORE = "loki", "tempo"
# Code of the checkout, and logs, that only the daemon's own user may be able to read.
_OWN = {_LOG_STORE, _TRACE_STORE}


def components(lab: Settings, places: Layout, hosts: HostsFiles, webhook: str) -> list[Component]:
    """Write the programs' configuration and return them, ready to be started.

    :param hosts: the names that exporters find Services by.
    :param webhook: where Alertmanager sends its messages.
    :raises LabError: a contract file lacks what the lab needs.
    """
    user = _NOBODY if os.geteuid() == 0 else None
    prometheus.write(lab, places.prometheus, user)
    alertmanager.write(lab, places.alertmanager, webhook, user)
    # Exporters ask Services by name, so they need the C library's resolver and the pods' hosts file.
    names = {
        "GODEBUG": "netdns=cgo",
        "LD_PRELOAD": "libnss_wrapper.so",
        "NSS_WRAPPER_HOSTS": str(hosts.cluster),
    }
    ports = lab.ports
    started = {
        "prometheus": (prometheus.prometheus_words(lab, places.prometheus), {}, ports.prometheus, "/-/ready"),
        "alertmanager": (alertmanager.words(lab, places.alertmanager), {}, ports.alertmanager, "/-/ready"),
        "blackbox": (prometheus.blackbox_words(lab, places.prometheus), names, ports.blackbox, "/-/healthy"),
        POSTGRES_EXPORTER: (
            exporters.postgres_words(lab),
            names | exporters.postgres_environment(),
            ports.postgres,
            "/",
        ),
        "redis-exporter": (exporters.redis_words(lab), names, ports.redis, "/health"),
        _LOG_STORE: (
            wiring.words(lab, places.pod_logs, time.time_ns()),
            wiring.environment(),
            ports.loki,
            "/ready",
        ),
        _TRACE_STORE: (traces.words(lab), wiring.environment(), ports.tempo, "/ready"),
    }
    path, mark = os.environ.get("PATH", os.defpath), leftovers.mark_of(lab.state)
    return [
        Component(
            name,
            Command(
                words,
                {"PATH": path, **extra, procfs.MARK: f"{mark}{name}/"},
                places.data,
                None if name in _OWN else user,
            ),
            f"http://{HOST}:{port}{ready}",
        )
        for name, (words, extra, port, ready) in started.items()
    ]
