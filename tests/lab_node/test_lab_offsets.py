"""Labs of several checkouts on one machine, whose users choose nothing, or what is taken."""

import os
import shlex
import socket
import time
import urllib.request

import pytest

from lab import readiness, settings
from lab.settings import OFFSET_STEP, Ports, Settings

from .ownlab import CHECKOUT

pytestmark = pytest.mark.timeout(600)


@pytest.mark.full
def test_two_checkouts_have_labs_side_by_side(two_labs):
    ups = [lab.start("up", "--no-apply") for lab in two_labs]  # at once, so that both want the same ports
    said = [up.communicate()[0] for up in ups]
    assert [up.returncode for up in ups] == [0, 0], said
    offsets = [lab.settings.offset for lab in two_labs]
    assert offsets[0] != offsets[1]
    for lab, text in zip(two_labs, said, strict=True):
        assert f"the daemon runs at port offset {lab.settings.offset} (pid {lab.daemon})" in text
        assert lab.status()["state"] == str(lab.state)
        assert f"http://127.0.0.1:{lab.settings.ports.grafana}" in lab("status").stdout
        exports = dict(line.split("=", 1) for line in shlex.split(lab("env").stdout) if "=" in line)
        assert exports["GRAFANA_URL"] == f"http://127.0.0.1:{lab.settings.ports.grafana}"
    first, second = two_labs
    pids = [entry["pid"] for entry in second.status()["components"]]
    assert first("down").stdout.startswith("the lab is down")
    assert first.ports_free()
    assert [entry["pid"] for entry in second.status()["components"]] == pids
    second.until(second.all_ready)
    second.until(lambda: second.query("vector(1)"))
    # What was written down stays, so that addresses stay what they were.
    assert first("up", "--no-apply").returncode == 0
    assert [lab.settings.offset for lab in two_labs] == offsets


@pytest.mark.full
def test_two_shops_trade_side_by_side(two_labs):
    ups = [lab.start("up", "--timeout", "300") for lab in two_labs]
    said = [up.communicate() for up in ups]
    assert [up.returncode for up in ups] == [0, 0], said
    paid = 'sum(increase(shop_payments_total{outcome="success"}[10s])) > 0'
    for lab in two_labs:
        assert b"<html" in _storefront(lab)
        lab.until(lambda lab=lab: lab.query(paid))
    first, second = two_labs
    assert first("down").returncode == 0
    with pytest.raises(OSError, match="refused"):
        _storefront(first)
    assert b"<html" in _storefront(second)
    ended = time.time()
    second.until(lambda: second.query(f"timestamp({paid}) > {ended + 10}"))
    assert second("down").returncode == 0


def _storefront(lab) -> bytes:
    with urllib.request.urlopen(readiness.storefront(lab.settings), timeout=30) as answer:
        return answer.read().lower()


def test_a_foreign_program_s_port_is_named_and_passed_over(own_lab):
    wanted = own_lab.settings
    with socket.socket() as foreign:
        # As a server does: what an ended lab's connections leave behind is no reason to fail.
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        foreign.bind(("127.0.0.1", wanted.ports.grafana))
        foreign.listen()
        up = own_lab("up", "--no-apply")
    assert up.returncode == 0, up.stderr
    who = f"port {wanted.ports.grafana} (Grafana) is in use by pid {os.getpid()} ("
    assert f"port offset {wanted.offset} is taken: {who}" in up.stdout
    assert own_lab.settings.offset > wanted.offset
    assert own_lab.status()["state"] == str(own_lab.state)


def test_a_lab_that_is_up_is_not_moved(own_lab):
    assert own_lab("up", "--no-apply").returncode == 0
    here = own_lab.settings.offset
    own_lab.env["LAB_PORT_OFFSET"] = str(here + OFFSET_STEP)
    up = own_lab("up", "--no-apply")
    assert up.returncode == 1
    assert up.stderr == (
        f"lab: the lab is up at port offset {here}, and LAB_PORT_OFFSET asks for {here + OFFSET_STEP}: "
        "take it down first (python -m lab down)\n"
    )
    assert own_lab("down").stdout.startswith("the lab is down")


def test_no_two_labs_ports_can_meet():
    """The last digits tell the ports of different offsets apart; Grafana's and Prometheus' are far apart."""
    ports = vars(Settings(CHECKOUT, CHECKOUT / ".lab").ports)
    digits = {name: port % OFFSET_STEP for name, port in ports.items() if name != "grafana"}
    assert len(set(digits.values())) == len(digits)
    assert ports["grafana"] + settings.MAX_OFFSET < ports["prometheus"]
    assert set(ports) == set(Ports.__dataclass_fields__)


def test_a_broken_record_is_no_record(tmp_path):
    for content in (b"", b"x", b"15\n", b"\xff\xff", b"99999999999"):
        (tmp_path / "port-offset").write_bytes(content)
        assert settings.recorded_offset(tmp_path) is None
    settings.record_offset(Settings(CHECKOUT, tmp_path, 20))
    assert settings.recorded_offset(tmp_path) == 20
