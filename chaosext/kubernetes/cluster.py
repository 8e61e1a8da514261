"""One cluster, and the errors of talking to it in one line each."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ResourceNotFoundError
from urllib3.exceptions import HTTPError

from ..errors import BadInput, KubernetesError
from ..run import current
from .connection import connect

__all__ = ["Cluster"]

REQUEST_TIMEOUT_SECONDS = 10
FIELD_MANAGER = "chaosext"
_NOT_FOUND, _CONFLICT, _UNAUTHORIZED, _FORBIDDEN = 404, 409, 401, 403


class Cluster:
    """The cluster of a kubeconfig, or of the pod's ServiceAccount: see connection.connect.

    Raises BadInput when neither can be used.
    """

    def __init__(self, kubeconfig: str | None = None) -> None:
        self._name, configuration = connect(kubeconfig)
        configuration.retries = False
        self._server = str(configuration.host)
        # The discovery cache's default path is shared by all clusters, and outlives them.
        self._cache = tempfile.TemporaryDirectory(prefix="chaosext-")
        with self.errors("asking what it offers"):
            self._client = DynamicClient(
                _Bounded(configuration), cache_file=str(Path(self._cache.name) / "discovery.json")
            )

    def __str__(self) -> str:
        """Name the context and the server, for messages."""
        return f"{self._name} at {self._server}"

    def version(self) -> str:
        """Return the version that the server says it has, such as v1.33.1; it was asked with the discovery."""
        return str(self._client.version["kubernetes"].get("gitVersion", "not said"))

    def check_kind(self, document: dict[str, Any]) -> None:
        """Raise BadInput when the cluster does not know a document's kind."""
        try:
            with self.errors("asking what it offers"):
                self._resource(document)
        except KubernetesError as error:
            if not isinstance(error.__cause__, ResourceNotFoundError):
                raise
            kind = f"{document['apiVersion']} {document['kind']}"
            raise BadInput(
                f"{describe(document)}: {self} knows no kind {kind}: is it spelled right?"
            ) from error

    def get(self, document: dict[str, Any]) -> dict[str, Any] | None:
        """Return the live object that a document names, or None."""
        with self.errors(f"getting {describe(document)}") as tolerated:
            tolerated.absence = True
            found = self._resource(document).get(
                name=document["metadata"]["name"], namespace=_namespace(document)
            )
            return dict(found.to_dict())
        return None

    def list(self, api_version: str, kind: str, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """Return the objects of a kind in a namespace that a label selector picks."""
        with self.errors(f"listing {kind} in {namespace}"):
            resource = self._resource({"apiVersion": api_version, "kind": kind})
            found = resource.get(namespace=namespace, label_selector=selector).to_dict()
            return [{"apiVersion": api_version, "kind": kind, **item} for item in found.get("items") or []]
        return []

    def create(self, document: dict[str, Any]) -> dict[str, Any] | None:
        """Create an object; None when there is one of that name already."""
        with self.errors(f"creating {describe(document)}") as tolerated:
            tolerated.conflict = True
            made = self._resource(document).create(body=document, namespace=_namespace(document))
            return dict(made.to_dict())
        return None

    def replace(self, document: dict[str, Any]) -> dict[str, Any] | None:
        """Replace an object whose resourceVersion is in the document; None when it has changed since."""
        with self.errors(f"replacing {describe(document)}") as tolerated:
            tolerated.conflict = tolerated.absence = True
            made = self._resource(document).replace(
                body=document, name=document["metadata"]["name"], namespace=_namespace(document)
            )
            return dict(made.to_dict())
        return None

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        """Server-side apply a document, taking over fields that others own."""
        current().check_may_write()
        with self.errors(f"applying {describe(document)}"):
            applied = self._client.server_side_apply(
                self._resource(document),
                body=document,
                name=document["metadata"]["name"],
                namespace=_namespace(document),
                field_manager=FIELD_MANAGER,
                force_conflicts=True,
            )
            return dict(applied.to_dict())
        return {}

    def delete(self, document: dict[str, Any], grace_seconds: int | None = None) -> bool:
        """Delete the object that a document names, with what it owns; False when there was none.

        `grace_seconds` is what a pod is given to end; its own grace period when None.
        """
        options: dict[str, Any] = {"propagationPolicy": "Background"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        current().check_may_write()
        with self.errors(f"deleting {describe(document)}") as tolerated:
            tolerated.absence = True
            self._resource(document).delete(
                name=document["metadata"]["name"],
                namespace=_namespace(document),
                body=options,
            )
            return True
        return False

    @contextmanager
    def errors(self, doing: str) -> Iterator[_Tolerated]:
        """Turn the client's errors into KubernetesError; let a 404 or a 409 pass when the caller allows it."""
        tolerated = _Tolerated()
        try:
            yield tolerated
        except ResourceNotFoundError as error:
            raise KubernetesError(f"{doing}: the cluster ({self}) knows no such kind") from error
        except ApiException as error:
            if (tolerated.absence and error.status == _NOT_FOUND) or (
                tolerated.conflict and error.status == _CONFLICT
            ):
                return
            raise KubernetesError(f"{doing} failed: {self} answered {_reason(error)}") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # What the client makes of an answer that is no Kubernetes API's, a web page for example.
            raise KubernetesError(f"{doing} failed: {self} does not answer as Kubernetes does") from error
        except (HTTPError, OSError) as error:
            raise KubernetesError(f"{doing} failed: {self} cannot be reached ({_cause(error)})") from error

    def _resource(self, document: dict[str, Any]) -> Any:
        return self._client.resources.get(api_version=document["apiVersion"], kind=document["kind"])


class _Bounded(client.ApiClient):
    """A client whose every request ends, discovery's too, which could not be given a time-out otherwise."""

    def call_api(self, *args: Any, **kwargs: Any) -> Any:
        """Make a request that ends within REQUEST_TIMEOUT_SECONDS."""
        return super().call_api(*args, **{**kwargs, "_request_timeout": REQUEST_TIMEOUT_SECONDS})


class _Tolerated:
    """Which errors are answers: that there is no such object (404), that it exists or has changed (409)."""

    absence = False
    conflict = False


def describe(document: dict[str, Any]) -> str:
    """Name an object as kubectl does: deployment/payment."""
    return f"{document['kind'].lower()}/{document['metadata']['name']}"


def _namespace(document: dict[str, Any]) -> str | None:
    namespace = document["metadata"].get("namespace")
    return str(namespace) if namespace else None


def _reason(error: Any) -> str:
    try:
        body = error.body.decode() if isinstance(error.body, bytes) else error.body
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        message = str(error.reason)
    hint = ": the token is not this cluster's, or may not do this"
    return f"{error.status}: {' '.join(message.split())}" + (
        hint if error.status in {_UNAUTHORIZED, _FORBIDDEN} else ""
    )


def _cause(error: BaseException) -> str:
    text = str(error)
    for known in ("Connection refused", "Name or service not known", "CERTIFICATE_VERIFY_FAILED", "timed out"):
        if known in text:
            return known
    return " ".join(text.split())[:160]
