"""Which service a pod belongs to: its label app.kubernetes.io/name, asked of the lab's service discovery."""

from __future__ import annotations

import json
import logging
import time
import urllib.request

_LOG = logging.getLogger(__name__)
_PREFIX = "__meta_kubernetes_pod_"
_PAUSE_SECONDS = 0.5  # between two questions
_PATIENCE_SECONDS = 10.0  # then a pod that discovery does not know gets no service
_TIMEOUT_SECONDS = 2.0
# The lab is on this machine, whatever proxy the environment names.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Pods:
    """The services of pods, by pod uid; `url` answers as Prometheus' HTTP service discovery."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._services: dict[str, str] = {}
        self._asked = 0.0
        self._unknown: dict[str, float] = {}

    def service(self, uid: str) -> str | None:
        """Return the service of a pod, "" when it has none, None when it is not known yet."""
        if uid in self._services:
            return self._services[uid]
        now = time.monotonic()
        if now - self._unknown.setdefault(uid, now) > _PATIENCE_SECONDS:
            return ""
        if now - self._asked >= _PAUSE_SECONDS:
            self._ask()
            self._asked = time.monotonic()
        return self._services.get(uid)

    def forget(self, uid: str) -> None:
        """Forget a pod whose log has been read to its end."""
        self._services.pop(uid, None)
        self._unknown.pop(uid, None)

    def _ask(self) -> None:
        try:
            with _DIRECT.open(self._url, timeout=_TIMEOUT_SECONDS) as answer:
                targets = json.load(answer)
        except (OSError, ValueError) as error:
            _LOG.warning("%s: %s", self._url, error)
            return
        for target in targets:
            labels = target["labels"]
            name = labels.get(f"{_PREFIX}label_app_kubernetes_io_name", "")
            self._services[labels[f"{_PREFIX}uid"]] = name
