"""The resources that this API serves: what discovery tells, and what paths and kinds are looked up in."""

from dataclasses import dataclass

from lab.kube.schema import Field, root

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object: its names, its group and what can be done with it."""

    plural: str
    kind: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    deprecated: str = ""
    """Since when, and what to use instead: whoever asks for it is warned."""

    @property
    def singular(self) -> str:
        """Return the name of one object, in small letters."""
        return self.kind.lower()

    @property
    def api_version(self) -> str:
        """Return what an object's apiVersion says."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def schema(self) -> Field:
        """Return the type of this resource's objects."""
        return root(self.group, self.version, self.kind)


_RBAC = "rbac.authorization.k8s.io"
_ALL = ("all",)
_NAMESPACE_VERBS = tuple(verb for verb in ALL_VERBS if verb != "deletecollection")

RESOURCES = (
    Resource("configmaps", "ConfigMap", short_names=("cm",)),
    Resource(
        "endpoints",
        "Endpoints",
        short_names=("ep",),
        deprecated="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    ),
    Resource("events", "Event", short_names=("ev",)),
    Resource(
        "namespaces",
        "Namespace",
        namespaced=False,
        short_names=("ns",),
        subresources=("finalize", "status"),
        verbs=_NAMESPACE_VERBS,
    ),
    Resource("nodes", "Node", namespaced=False, short_names=("no",), subresources=("status",)),
    Resource(
        "pods",
        "Pod",
        short_names=("po",),
        categories=_ALL,
        subresources=("binding", "eviction", "log", "status"),
    ),
    Resource("secrets", "Secret"),
    Resource("serviceaccounts", "ServiceAccount", short_names=("sa",), subresources=("token",)),
    Resource("services", "Service", short_names=("svc",), categories=_ALL, subresources=("status",)),
    Resource(
        "deployments",
        "Deployment",
        "apps",
        short_names=("deploy",),
        categories=_ALL,
        subresources=("scale", "status"),
    ),
    Resource(
        "replicasets",
        "ReplicaSet",
        "apps",
        short_names=("rs",),
        categories=_ALL,
        subresources=("scale", "status"),
    ),
    Resource("jobs", "Job", "batch", categories=_ALL, subresources=("status",)),
    Resource("leases", "Lease", "coordination.k8s.io"),
    Resource("endpointslices", "EndpointSlice", "discovery.k8s.io"),
    Resource("roles", "Role", _RBAC),
    Resource("rolebindings", "RoleBinding", _RBAC),
    Resource("clusterroles", "ClusterRole", _RBAC, namespaced=False),
    Resource("clusterrolebindings", "ClusterRoleBinding", _RBAC, namespaced=False),
)

_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"
_ASKED = ("create",)
# Questions, answered when they are created, and not stored.
REVIEWS = (
    Resource("selfsubjectreviews", "SelfSubjectReview", _AUTHENTICATION, namespaced=False, verbs=_ASKED),
    Resource("tokenreviews", "TokenReview", _AUTHENTICATION, namespaced=False, verbs=_ASKED),
    Resource("localsubjectaccessreviews", "LocalSubjectAccessReview", _AUTHORIZATION, verbs=_ASKED),
    Resource(
        "selfsubjectaccessreviews", "SelfSubjectAccessReview", _AUTHORIZATION, namespaced=False, verbs=_ASKED
    ),
    Resource(
        "selfsubjectrulesreviews", "SelfSubjectRulesReview", _AUTHORIZATION, namespaced=False, verbs=_ASKED
    ),
    Resource("subjectaccessreviews", "SubjectAccessReview", _AUTHORIZATION, namespaced=False, verbs=_ASKED),
)

# The same events in the form of the newer group, to be read only.
EVENTS_VIEW = Resource("events", "Event", "events.k8s.io", short_names=("ev",), verbs=("get", "list"))

BY_PLURAL = {resource.plural: resource for resource in RESOURCES}
BY_KIND = {(resource.api_version, resource.kind): resource for resource in RESOURCES}
DISCOVERED = (*RESOURCES, EVENTS_VIEW, *REVIEWS)
GROUP_VERSIONS = tuple(dict.fromkeys((resource.group, resource.version) for resource in DISCOVERED))
