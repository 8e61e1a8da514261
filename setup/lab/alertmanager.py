"""The configuration of Alertmanager, from the same file as on a cluster, and the words that start it.

Two things differ in the lab. Its times are seconds, as its windows are: what a cluster waits for half a minute,
the lab must have sent before an experiment of a minute is over. And its messages go to the lab's own receiver
(lab.alerts) whatever the environment says of Slack: the lab's traffic stays on loopback.
"""

import os
from pathlib import Path
from typing import Any

import yaml

from lab.errors import LabError
from lab.kube.pki import write_private
from lab.node.processes import User
from lab.settings import HOST, Settings

Object = dict[str, Any]
_TIMES = {"group_wait": "1s", "group_interval": "2s", "repeat_interval": "1h"}
_URL_FILE = "slack-url"


def configuration(settings: Settings, folder: Path) -> Object:
    """Return Alertmanager's configuration for this lab.

    :raises LabError: the contract file has no receiver with an ``api_url_file``.
    """
    path = settings.manifests / "observability" / "alertmanager.yaml"
    found: Object = yaml.safe_load(path.read_text(encoding="utf-8"))
    found["route"] |= _TIMES
    receivers = {receiver["name"]: receiver for receiver in found["receivers"]}
    slack = receivers.get(found["route"]["receiver"], {}).get("slack_configs", [])
    if not slack or any("api_url_file" not in entry for entry in slack):
        raise LabError(f"{path}: the route's receiver needs slack_configs with an api_url_file")
    for entry in slack:
        entry["api_url_file"] = str(folder / _URL_FILE)
    # The others may send elsewhere, and are no part of the lab.
    found["receivers"] = [receivers[found["route"]["receiver"]]]
    return found


def write(settings: Settings, folder: Path, url: str, user: User | None) -> None:
    """Write the configuration, the secret address that messages go to, and the storage folder.

    :param url: where the receiver takes Slack's messages; only the user that runs Alertmanager may read it.
    """
    (folder / "storage").mkdir(parents=True)
    text = yaml.safe_dump(configuration(settings, folder), sort_keys=False)
    (folder / "alertmanager.yaml").write_text(text, encoding="utf-8")
    write_private(folder / _URL_FILE, url.encode())
    if user is not None:
        for path in (folder / "storage", folder / _URL_FILE):
            os.chown(path, user.uid, user.gid)


def words(settings: Settings, folder: Path) -> list[str]:
    """Return the words that start Alertmanager, alone: without the port for its like."""
    address = f"{HOST}:{settings.ports.alertmanager}"
    return [
        "prometheus-alertmanager",
        f"--config.file={folder / 'alertmanager.yaml'}",
        f"--storage.path={folder / 'storage'}",
        f"--web.listen-address={address}",
        f"--web.external-url=http://{address}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
