"""What kubectl follows: logs and watches."""

import subprocess
import time

import pytest

from lab.kube import meta


def test_logs(cluster, web):
    pod = cluster.get("pods", "-n", web)["items"][0]["metadata"]["name"]

    def logs(*arguments, check=True):
        return cluster.kubectl("logs", *arguments, "-n", web, check=check)

    for number in range(5):
        cluster.logs.write(pod, f"line {number}", timestamp=f"2026-01-01T00:00:0{number}.5Z")
    assert logs(pod).stdout == "".join(f"line {number}\n" for number in range(5))
    assert logs(pod, "--tail=2").stdout == "line 3\nline 4\n"
    assert logs(pod, "--timestamps", "--tail=1").stdout == "2026-01-01T00:00:04.5Z line 4\n"
    assert logs(pod, "--since-time=2026-01-01T00:00:03Z").stdout == "line 3\nline 4\n"
    assert logs(pod, "--since=1s").stdout == ""
    assert logs(pod, "-c", "app", "--limit-bytes=6").stdout == "line 0"
    assert "container none is not valid for pod" in logs(pod, "-c", "none", check=False).stderr
    refused = logs(pod, "--previous", check=False).stderr
    assert f'previous terminated container "app" in pod "{pod}" not found' in refused
    ended = {"exitCode": 1, "reason": "Error", "finishedAt": meta.now()}

    def restart(new):
        new["status"]["containerStatuses"][0] |= {"lastState": {"terminated": ended}, "restartCount": 1}

    cluster.call(cluster.store.mutate, "pods", web, pod, restart, "status")
    cluster.logs.write(pod, "before", previous=True)
    assert logs(pod, "--previous").stdout == "before\n"
    assert "1 (" in cluster.kubectl("get", "pod", pod, "-n", web, "--no-headers").stdout
    assert "line 0" in logs("deployment/web").stdout + logs("-l", "app=web").stdout


def read_until(process, text, seconds=5.0):
    """Return a process' output up to a line with this text."""
    deadline = time.monotonic() + seconds
    lines = []
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        lines.append(line)
        if text in line or not line:
            break
    assert text in lines[-1], lines
    return lines


@pytest.fixture
def start(cluster):
    """Start kubectl commands that go on until the test is over."""
    processes = []

    def run(*arguments):
        command = [cluster.kubectl_path, *arguments]
        process = subprocess.Popen(command, env=cluster.environment, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def test_logs_follow(cluster, web, start):
    pod = cluster.get("pods", "-n", web)["items"][0]["metadata"]["name"]
    cluster.call(cluster.logs.write, pod, "first")
    process = start("logs", "-f", pod, "-n", web)
    read_until(process, "first")
    cluster.call(cluster.logs.write, pod, "second")
    read_until(process, "second")
    cluster.call(cluster.logs.write, pod, "END")
    read_until(process, "END")
    assert process.wait(5) == 0


def test_get_watch(cluster, web, start):
    process = start("get", "deployment", "-w", "-n", web)
    read_until(process, "web")
    cluster.kubectl("scale", "deploy/web", "--replicas=3", "-n", web)
    lines = read_until(process, "3/3")
    assert not any("NAME" in line for line in lines)
    process = start("get", "pods", "-w", "-n", web, "-o", "name")
    first = read_until(process, "pod/")[0].strip()
    cluster.kubectl("delete", first, "-n", web, "--wait=false")
    read_until(process, first)
