"""EndpointSlices and Endpoints: which of a Service's pods get its traffic.

kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions.
"""

import pytest
from kubernetes import client

from .cluster import until

NOT_READY = {"exec": {"command": ["false"]}, "periodSeconds": 1}
SLICE_OF = "kubernetes.io/service-name=web"
# "sleep" is the kubelet's own action: no image needs a program for it.
LINGERING = {"preStop": {"sleep": {"seconds": 10}}}


@pytest.fixture
def slices(api, namespace):
    """Return what gives the conditions of the Service's addresses, by the names of their pods."""
    discovery = client.DiscoveryV1Api(api)

    def slices():
        found = discovery.list_namespaced_endpoint_slice(namespace, label_selector=SLICE_OF).items
        conditions = {one.target_ref.name: one.conditions for part in found for one in part.endpoints or ()}
        return {name: (one.ready, one.serving, one.terminating) for name, one in conditions.items()}

    return slices


@pytest.fixture
def start(core, namespace, world):
    """Return what starts a pod of the Service."""

    def start(name, **container):
        spec = {
            "terminationGracePeriodSeconds": 20,
            "containers": [{"name": "app", "image": world.image, **container}],
        }
        metadata = {"name": name, "labels": {"app": "web"}}
        core.create_namespaced_pod(namespace, {"metadata": metadata, "spec": spec})

    return start


def serve(core, namespace, **spec):
    ports = [{"port": 80, "targetPort": 6379}]
    spec = {"selector": {"app": "web"}, "ports": ports, **spec}
    core.create_namespaced_service(namespace, {"metadata": {"name": "web"}, "spec": spec})


def addresses(core, namespace):
    """Return the Endpoints' pods, those that are ready and those that are not; None before there are any."""
    found = core.list_namespaced_endpoints(namespace, field_selector="metadata.name=web").items
    if not found:
        return None
    subsets = found[0].subsets or ()
    ready = {one.target_ref.name for part in subsets for one in part.addresses or ()}
    waiting = {one.target_ref.name for part in subsets for one in part.not_ready_addresses or ()}
    return ready, waiting


@pytest.mark.container
def test_an_address_is_ready_when_its_pod_is(core, namespace, slices, start):
    serve(core, namespace)
    start("good")
    start("bad", readinessProbe=NOT_READY)
    wanted = {"good": (True, True, False), "bad": (False, False, False)}
    until(lambda: slices() == wanted, "both addresses")
    until(lambda: addresses(core, namespace) == ({"good"}, {"bad"}), "both in the Endpoints")
    pods = {one.metadata.name: one for one in core.list_namespaced_pod(namespace).items}
    assert pods["bad"].status.phase == "Running"
    core.delete_namespaced_pod("bad", namespace, grace_period_seconds=0)
    until(lambda: slices() == {"good": (True, True, False)}, "the end of one")


@pytest.mark.container
def test_who_is_about_to_end_serves_but_gets_nothing_new(core, namespace, slices, start):
    """.../endpoint-slices/#terminating and #serving: ready means serving and not terminating."""
    serve(core, namespace)
    start("web", lifecycle=LINGERING)
    until(lambda: slices() == {"web": (True, True, False)}, "its address")
    core.delete_namespaced_pod("web", namespace)
    until(lambda: slices() == {"web": (False, True, True)}, "the beginning of its end")
    until(lambda: slices() == {}, "its end")


@pytest.mark.container
def test_addresses_can_be_published_before_they_are_ready(core, namespace, slices, start):
    """spec.publishNotReadyAddresses: ready whatever the pod is, which serving goes on telling."""
    serve(core, namespace, publishNotReadyAddresses=True)
    start("bad", readinessProbe=NOT_READY)
    until(lambda: slices() == {"bad": (True, False, False)}, "its address")


@pytest.mark.container
def test_an_address_says_whose_it_is(core, api, namespace, slices, start):
    serve(core, namespace)
    start("web")
    until(lambda: slices() == {"web": (True, True, False)}, "its address")
    pod = core.read_namespaced_pod("web", namespace)
    discovery = client.DiscoveryV1Api(api)
    (found,) = discovery.list_namespaced_endpoint_slice(namespace, label_selector=SLICE_OF).items
    (address,) = found.endpoints
    assert (address.addresses, address.node_name) == ([pod.status.pod_ip], pod.spec.node_name)
    assert (address.target_ref.kind, address.target_ref.uid) == ("Pod", pod.metadata.uid)
    assert [(one.port, one.protocol) for one in found.ports] == [(6379, "TCP")]
    (owner,) = found.metadata.owner_references
    assert (owner.kind, owner.name) == ("Service", "web")


def test_what_selects_nobody_has_no_address(core, namespace, slices):
    """Its EndpointSlice is there all the same, and empty."""
    serve(core, namespace)
    until(lambda: addresses(core, namespace) == (set(), set()) and slices() == {}, "the Endpoints")


def test_a_service_without_a_selector_is_served_by_hand(core, api, namespace, slices):
    """.../services-networking/service/#services-without-selectors: no controller makes its EndpointSlices."""
    core.create_namespaced_service(namespace, {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}})
    document = {
        "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.4.5.6"], "conditions": {"ready": True}}],
        "ports": [{"port": 9376}],
    }
    discovery = client.DiscoveryV1Api(api)
    made = discovery.create_namespaced_endpoint_slice(namespace, document)
    assert (made.endpoints[0].addresses, made.ports[0].protocol) == (["10.4.5.6"], "TCP")
    found = discovery.list_namespaced_endpoint_slice(namespace, label_selector=SLICE_OF).items
    assert [one.metadata.name for one in found] == ["web-1"]
