"""Writes what Alertmanager reads: python setup/kind/alertmanager.py FOLDER; prints its configuration's digest.

Slack is reached by SLACK_WEBHOOK_URL, or by SLACK_TOKEN (a bot's, scope chat:write) and SLACK_CHANNEL; without
them alerts go nowhere from here. The folder gets alertmanager.yaml, made from the contract file of
manifests/observability, and the secret in a file of its own beside it: Alertmanager looks into that one for
each message, so that only another configuration, whose digest is another one, needs another pod.
"""

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CONTRACT = Path(__file__).parents[2] / "manifests" / "observability" / "alertmanager.yaml"
WEBHOOK, TOKEN, CHANNEL = "SLACK_WEBHOOK_URL", "SLACK_TOKEN", "SLACK_CHANNEL"


class SettingsError(Exception):
    """The environment says how to reach Slack by halves; the message holds no secret."""


def main(folder: Path) -> None:
    """Write the files, readable by their owner only, and nothing else into the folder."""
    configuration, secrets = rendered(yaml.safe_load(CONTRACT.read_text(encoding="utf-8")), os.environ)
    text = yaml.safe_dump(configuration, sort_keys=False, allow_unicode=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, content in {"alertmanager.yaml": text, **secrets}.items():
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content)
    print(hashlib.sha256(text.encode()).hexdigest()[:16])


def rendered(contract: dict[str, Any], environment: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return Alertmanager's configuration and its secrets by the name of their file.

    A webhook goes before a bot. Raises SettingsError for a token without a channel, or the reverse.
    """
    webhook, token, channel = (environment.get(name, "") for name in (WEBHOOK, TOKEN, CHANNEL))
    if not webhook and bool(token) != bool(channel):
        raise SettingsError(f"{TOKEN} and {CHANNEL} belong together: {CHANNEL if token else TOKEN} is not set")
    name = "slack" if webhook or not token else "slack-bot"
    (receiver,) = [r for r in contract["receivers"] if r["name"] == name]
    (slack,) = receiver["slack_configs"]
    slack = {key: value for key, value in slack.items() if value is not None}
    if name == "slack-bot":
        slack["channel"] = channel
    told = {"name": name, "slack_configs": [slack]} if webhook or token else {"name": "nobody"}
    configuration = {"route": contract["route"] | {"receiver": told["name"]}, "receivers": [told]}
    return configuration, {"webhook-url": webhook} if webhook else {"token": token} if token else {}


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except SettingsError as error:
        sys.exit(f"alertmanager: {error}")
