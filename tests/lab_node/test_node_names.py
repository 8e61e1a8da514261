"""The hosts files: content, and that a running process notices every change."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from lab.node.addresses import Addresses, unbound
from lab.node.names import HostsFiles, render

TABLE = {
    ("shop", "cart"): ["127.77.0.1", "127.77.0.2"],
    ("shop", "payment"): [],
    ("other", "cart"): ["127.77.0.9"],
}


def test_a_service_has_its_four_names_in_its_own_namespace():
    lines = render(TABLE, "shop", "127.77.255.254").splitlines()
    assert "127.77.0.1 cart cart.shop cart.shop.svc cart.shop.svc.cluster.local" in lines
    assert "127.77.0.2 cart cart.shop cart.shop.svc cart.shop.svc.cluster.local" in lines


def test_a_short_name_means_the_callers_namespace():
    text = render(TABLE, "other", "127.77.255.254")
    assert "127.77.0.9 cart cart.other cart.other.svc cart.other.svc.cluster.local" in text
    assert "127.77.0.1 cart.shop cart.shop.svc cart.shop.svc.cluster.local" in text


def test_a_service_without_a_ready_pod_keeps_its_names():
    text = render(TABLE, "shop", "127.77.255.254")
    assert "127.77.255.254 payment payment.shop payment.shop.svc payment.shop.svc.cluster.local" in text


def test_every_change_gets_a_later_second_and_no_change_none(tmp_path):
    files = HostsFiles(tmp_path, "127.77.255.254")
    path = files.path("shop")
    seen = []
    for addresses in (["127.77.0.1"], ["127.77.0.2"], ["127.77.0.2"], ["127.77.0.3"]):
        files.update({("shop", "cart"): addresses})
        seen.append(int(path.stat().st_mtime))
    assert seen[0] < seen[1] == seen[2] < seen[3]
    assert seen[3] - seen[0] == 2  # ahead of the clock by no more than it needs


LOOK_UP = """
import socket, sys
for _ in sys.stdin:
    found = {entry[4][0] for entry in socket.getaddrinfo("cart", 80, socket.AF_INET)}
    print(*sorted(found), flush=True)
"""


@pytest.fixture
def resolver(tmp_path):
    """Return (hosts files, ask): ask() makes one running process look a Service up."""
    files = HostsFiles(tmp_path, "127.77.255.254")
    env = {"LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_HOSTS": str(files.path("shop"))}
    command = [sys.executable, "-c", LOOK_UP]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask():
            process.stdin.write("\n")
            process.stdin.flush()
            return process.stdout.readline().split()

        yield files, ask
        process.kill()


def test_a_running_process_notices_changes_within_one_second(resolver):
    files, ask = resolver
    for addresses in (["127.77.0.1"], ["127.77.0.2"], ["127.77.0.3", "127.77.0.4"], [], ["127.77.0.5"]):
        files.update({("shop", "cart"): addresses})
        assert ask() == (addresses or ["127.77.255.254"])


def test_names_follow_services_and_their_endpoints(with_world):
    async def body(world):
        path: Path = world.hosts.path("test")
        ports = [{"port": 80, "protocol": "TCP"}]
        store = world.store
        store.create("services", {"metadata": {"name": "web", "namespace": "test"}, "spec": {"ports": ports}})
        await world.until(lambda: ".255.254 web web.test" in path.read_text())
        subset = {"addresses": [{"ip": "127.77.0.7"}], "ports": [{"port": 80}]}
        store.create("endpoints", {"metadata": {"name": "web", "namespace": "test"}, "subsets": [subset]})
        await world.until(lambda: "127.77.0.7 web web.test" in path.read_text())
        store.delete("services", "test", "web")
        await world.until(lambda: "web" not in path.read_text())

    with_world(body)


def test_addresses_are_not_used_again_soon():
    addresses = Addresses("127.77")
    taken = [addresses.take() for _ in range(300)]
    assert len(set(taken)) == 300
    for address in taken:
        addresses.release(address)
    assert addresses.take() not in taken
    assert unbound("127.77") not in taken
    assert not {address for address in taken if address.endswith((".0", ".255"))}


def test_nobody_answers_at_the_address_of_a_service_without_pods():
    async def body():
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(unbound("127.77"), 6379)

    asyncio.run(body())
