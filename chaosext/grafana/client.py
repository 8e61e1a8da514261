"""A client for the part of Grafana's HTTP API that verification needs.

Paths and shapes: https://grafana.com/docs/grafana/latest/developers/http_api/ (data source, annotations).
The token is sent in one header, to one address; redirects are not followed, so that it goes nowhere else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
from chaoslib.types import Configuration, Secrets

from ..errors import BadInput, GrafanaError
from . import alerts, frames

__all__ = ["Answer", "DataSource", "Frames", "Grafana", "connect"]

TIMEOUT_SECONDS = 5.0
_NO_CONTENT = 204
_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 400, 401, 403, 404
_EXCERPT = 160
_INTERVAL_MS = 1000
_MAX_POINTS = 1000


@dataclass(frozen=True)
class DataSource:
    """A data source of Grafana."""

    uid: str
    name: str
    type: str
    is_default: bool


@dataclass(frozen=True)
class Answer:
    """What one query of a batch got: its series, or why there are none."""

    series: list[frames.Series]
    error: str | None = None


@dataclass(frozen=True)
class Frames:
    """What one query of a batch got: its data frames as they came, or why there are none."""

    frames: list[dict[str, Any]]
    error: str | None = None


class Grafana:
    """One Grafana, asked with one service account token.

    Raises BadInput for an address or a token that cannot be used, GrafanaError for everything that goes wrong
    on the way. Every request ends within `timeout` seconds of silence.
    """

    def __init__(self, url: str, token: str, timeout: float = TIMEOUT_SECONDS) -> None:
        if not url:
            raise BadInput("GRAFANA_URL is not set: run 'source setup/env', or export your Grafana's address")
        if not _usable(url):
            raise BadInput(
                "GRAFANA_URL must look like https://grafana.example.org, without a user or a password"
            )
        if not token:
            raise BadInput(
                "GRAFANA_TOKEN is not set: run 'source setup/env', or export a service account token"
            )
        if not token.isascii() or not token.isprintable():
            raise BadInput("GRAFANA_TOKEN holds characters that no token has: export it again")
        self.url = url.rstrip("/")
        self.token = token
        self._timeout = timeout
        self._session = requests.Session()
        # Also keeps requests from taking a user's ~/.netrc in place of the token.
        self._session.auth = _Bearer(token)
        self._sources: dict[tuple[str, str | None], DataSource] = {}

    def health(self) -> dict[str, Any]:
        """Return GET /api/health: {"database": "ok", "version": ...}."""
        return _object(self._call("GET", "/api/health"))

    def datasources(self) -> list[DataSource]:
        """Return every data source that the token may see."""
        found = self._call("GET", "/api/datasources")
        if not isinstance(found, list):
            raise GrafanaError(
                f"{self.url}/api/datasources: expected a list, got {_excerpt(json.dumps(found))}"
            )
        try:
            return [DataSource(d["uid"], d["name"], d["type"], bool(d.get("isDefault"))) for d in found]
        except (KeyError, TypeError, AttributeError) as error:
            raise GrafanaError(f"{self.url}/api/datasources: a data source lacks {error}") from error

    def source(self, kind: str, uid: str | None = None) -> DataSource:
        """Return the data source of a type: the one with that uid, else the default, else the first by name.

        Looked up once. Raises GrafanaError when there is none, or the uid belongs to another type.
        """
        known = self._sources.get((kind, uid))
        if known is None:
            found = [d for d in self.datasources() if d.type == kind and uid in {None, d.uid}]
            if not found:
                which = f" with the uid {uid!r}" if uid else ""
                raise GrafanaError(f"{self.url} has no {kind.capitalize()} data source{which}: add one")
            known = self._sources[kind, uid] = min(found, key=lambda d: (not d.is_default, d.name))
        return known

    def prometheus(self) -> DataSource:
        """Return the Prometheus data source: the default one, else the first by name; looked up once."""
        return self.source("prometheus")

    def query(
        self, queries: Mapping[str, str], at: float | None = None, uid: str | None = None
    ) -> dict[str, Answer]:
        """Ask instant PromQL queries, all in one request.

        `queries` maps a refId to an expression, `at` is epoch seconds (now when None), `uid` a data source's.
        Returns an answer for every refId; one that failed carries its error, the others are whole.
        """
        source = DataSource(uid, "", "prometheus", False) if uid else self.prometheus()
        end = time.time() if at is None else at
        instant = {"instant": True, "range": False, "format": "time_series"}
        asked = {ref: {"expr": expression, **instant} for ref, expression in queries.items()}
        found = self.ask(source, asked, end - _INTERVAL_MS / 1000, end)
        return {ref: Answer(frames.series(one.frames), one.error) for ref, one in found.items()}

    def ask(
        self, source: DataSource, queries: Mapping[str, Mapping[str, Any]], start: float, end: float
    ) -> dict[str, Frames]:
        """Ask a data source's own queries, all in one request: POST /api/ds/query.

        `queries` maps a refId to what its type of data source understands, `start` and `end` are epoch seconds.
        Returns frames for every refId; one that failed carries its error, the others are whole.
        """
        common = {
            "datasource": {"uid": source.uid, "type": source.type},
            "intervalMs": _INTERVAL_MS,
            "maxDataPoints": _MAX_POINTS,
        }
        body = {
            "from": str(int(start * 1000)),
            "to": str(int(end * 1000)),
            "queries": [{"refId": ref, **common, **query} for ref, query in queries.items()],
        }
        results = _object(self._call("POST", "/api/ds/query", body, results=True)).get("results")
        if not isinstance(results, dict):
            raise GrafanaError(f"{self.url}/api/ds/query: the answer has no 'results'")
        return {ref: self._frames(ref, results) for ref in queries}

    def proxied(self, source: DataSource, path: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        """Return the JSON object that a data source's own API answers, through Grafana's data source proxy."""
        where = f"/api/datasources/proxy/uid/{quote(source.uid, safe='')}/{path}"
        return _object(self._call("GET", f"{where}?{urlencode(parameters)}"))

    def alert_rules(self, source: str) -> list[alerts.AlertRule]:
        """Return the alerting rules of a source: a data source's uid, or `grafana` for Grafana's own."""
        return alerts.alert_rules(self._call("GET", f"/api/prometheus/{quote(source)}/api/v1/rules"))

    def annotate(self, text: str, tags: list[str], start: float, end: float | None = None) -> int:
        """Write an annotation (a region when `end` is given; epoch seconds) and return its id."""
        body: dict[str, Any] = {"time": int(start * 1000), "tags": tags, "text": text}
        if end is not None:
            body["timeEnd"] = int(end * 1000)
        made = _object(self._call("POST", "/api/annotations", body))
        try:
            return int(made["id"])
        except (KeyError, TypeError, ValueError) as error:
            raise GrafanaError(f"{self.url}/api/annotations: the answer has no id") from error

    def end_annotation(self, annotation: int, end: float) -> None:
        """Make an annotation a region that ends at `end` (epoch seconds)."""
        self._call("PATCH", f"/api/annotations/{annotation}", {"timeEnd": int(end * 1000)})

    def annotations(self, tags: list[str], start: float, end: float) -> list[dict[str, Any]]:
        """Return the annotations that carry all the tags, between two times in epoch seconds."""
        query = [
            f"from={int(start * 1000)}",
            f"to={int(end * 1000)}",
            *(f"tags={quote(tag)}" for tag in tags),
        ]
        found = self._call("GET", "/api/annotations?" + "&".join(query))
        if not isinstance(found, list):
            raise GrafanaError(f"{self.url}/api/annotations: expected a list")
        return found

    def push_logs(self, source: DataSource, labels: Mapping[str, str], lines: list[tuple[str, str]]) -> None:
        """Push one stream of log lines, as (epoch nanoseconds, text), to a Loki data source."""
        body = {"streams": [{"stream": dict(labels), "values": [list(line) for line in lines]}]}
        path = f"/api/datasources/proxy/uid/{quote(source.uid, safe='')}/loki/api/v1/push"
        self._call("POST", path, body)

    def ensure_folder(self, uid: str, title: str) -> None:
        """Make a folder for dashboards, unless there is one of that uid. Needs a token of the role Editor."""
        found = self._call("GET", "/api/folders?limit=1000")
        if not isinstance(found, list):
            raise GrafanaError(f"{self.url}/api/folders: expected a list")
        if not any(isinstance(folder, dict) and folder.get("uid") == uid for folder in found):
            self._call("POST", "/api/folders", {"uid": uid, "title": title})

    def save_dashboard(self, model: Mapping[str, Any], folder: str) -> str:
        """Write a dashboard over the one of its uid and return its path. Needs a token of the role Editor."""
        body = {"dashboard": {**model, "id": None}, "folderUid": folder, "overwrite": True}
        return str(_object(self._call("POST", "/api/dashboards/db", body)).get("url", ""))

    def _frames(self, ref: str, results: dict[str, Any]) -> Frames:
        result = results.get(ref)
        if result is None:
            return Frames([], "Grafana sent no answer to this query")
        if not isinstance(result, dict):
            raise GrafanaError(f"{self.url}/api/ds/query: results.{ref} is not an object")
        status = result.get("status")
        if result.get("error") or (isinstance(status, int) and status >= _BAD_REQUEST):
            return Frames([], _one_line(str(result.get("error") or f"status {status}")))
        return Frames(result.get("frames") or [])

    def _call(self, method: str, path: str, body: object = None, *, results: bool = False) -> Any:
        """Make one request and return its JSON; with `results`, whatever the status, if it has results."""
        where = f"{self.url}{path.split('?', maxsplit=1)[0]}"
        try:
            response = self._session.request(
                method, f"{self.url}{path}", json=body, timeout=self._timeout, allow_redirects=False
            )
        except requests.Timeout as error:
            raise GrafanaError(f"{where} did not answer within {self._timeout:g} s") from error
        except requests.ConnectionError as error:
            raise GrafanaError(f"{where} cannot be reached ({_cause(error)}): is this Grafana up?") from error
        except requests.exceptions.ChunkedEncodingError as error:
            raise GrafanaError(f"{where} did not end its answer: the connection broke") from error
        except requests.RequestException as error:
            raise GrafanaError(f"{where}: {_one_line(str(error))}") from error
        answer = _json(response)
        if results and isinstance(answer, dict) and isinstance(answer.get("results"), dict):
            return answer
        if response.status_code == _NO_CONTENT:
            return None
        if not response.ok or response.is_redirect or answer is None:
            raise GrafanaError(self._complaint(where, response, answer))
        return answer

    def _complaint(self, where: str, response: requests.Response, answer: object) -> str:
        status = response.status_code
        said = str(answer.get("message") or answer.get("error") or "") if isinstance(answer, dict) else ""
        said = _one_line(said) or (_excerpt(response.text) if answer is None else "no reason given")
        if status in {_UNAUTHORIZED, _FORBIDDEN}:
            return f"{where} answered {status}: GRAFANA_TOKEN is wrong, expired or may not do this ({said})"
        if status == _NOT_FOUND:
            return f"{where} answered 404: {said}; is GRAFANA_URL a Grafana, and the data source still there?"
        if answer is None:
            kind = response.headers.get("content-type", "no content type").split(";")[0]
            return f"{where} answered {status} with {kind}, not JSON ({said}): is GRAFANA_URL a Grafana?"
        return f"{where} answered {status}: {said}"


def connect(configuration: Configuration = None, secrets: Secrets = None) -> Grafana:
    """Return a client for the experiment's Grafana.

    The address is `grafana_url` of the configuration, the token `token` of the secrets given to the provider;
    an experiment takes both from the environment.
    """
    url = (configuration or {}).get("grafana_url") or ""
    given = secrets or {}
    token = given.get("token") or (given.get("grafana") or {}).get("token") or ""
    return Grafana(str(url), str(token))


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise GrafanaError(f"Grafana answered {type(value).__name__}, where an object is documented")
    return value


def _cause(error: BaseException) -> str:
    text = str(error)
    for known in ("Connection refused", "Name or service not known", "Connection reset", "SSL", "timed out"):
        if known in text:
            return known
    return "the connection broke"


def _excerpt(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"


def _one_line(text: str) -> str:
    return " ".join(text.split())
