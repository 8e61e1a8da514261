"""The shop as processes: real services, PostgreSQL and Redis, each at an address of its own in 127.0.0.0/8."""

import contextlib
import os
import pwd
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]
NSS_WRAPPER = "libnss_wrapper.so"
SESSION_KEY = "a-key-that-only-these-tests-know"
PRODUCT_PASSWORD = "only-for-tests"
# "At once": before the shop's users give up (5 s). How fast it is on an idle machine is a benchmark's question.
PATIENCE_SECONDS = 4
# A process imports its libraries for two seconds, and for half a minute beside as much as other tests run.
START_SECONDS = 60


def poll(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until the condition holds, or fail with what was waited for and the last exception."""
    deadline = time.monotonic() + seconds
    last: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (OSError, requests.RequestException) as error:
            last = error
        time.sleep(0.02)
    pytest.fail(f"not within {seconds} s: {what} (last error: {last})")


def parse_logfmt(line: str) -> dict[str, str]:
    """Parse one line, strictly: every word is name=value; raises ValueError otherwise."""
    pairs: dict[str, str] = {}
    position = 0
    while position < len(line):
        name, equals, rest = line[position:].partition("=")
        if not equals or not name.replace("_", "").isalnum() or name in pairs:
            raise ValueError(f"not logfmt at {position}: {line!r}")
        position += len(name) + 1
        if rest.startswith('"'):
            end = 1
            while rest[end] != '"':
                end += 2 if rest[end] == "\\" else 1
            pairs[name] = rest[1:end].replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
            position += end + 1
        else:
            value = rest.split(" ", 1)[0]
            pairs[name] = value
            position += len(value)
        if position < len(line) and line[position] != " ":
            raise ValueError(f"not logfmt at {position}: {line!r}")
        position += 1
    return pairs


class Running:
    """A process of the shop."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, log: Path) -> None:
        self.process = process
        self.address = address
        self.log = log

    def url(self, path: str) -> str:
        return f"http://{self.address}:8080{path}"

    def lines(self) -> list[dict[str, str]]:
        return [parse_logfmt(line) for line in self.log.read_text().splitlines()]

    def kill(self) -> None:
        """End it at once; what it was doing does not matter."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds: float = 10) -> int:
        """End it with SIGTERM, or SIGKILL when that does not help; return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class World:
    """Names, addresses and processes; stops what it started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[Running] = []
        self._names: dict[str, list[str]] = {}
        self._hosts = folder / "hosts"
        self._written = int(time.time()) - 100_000
        self._network = f"127.{16 + secrets.randbelow(230)}.{secrets.randbelow(250)}"
        self._hosts_used = 0

    def new_address(self) -> str:
        self._hosts_used += 1
        return f"{self._network}.{self._hosts_used}"

    def name(self, name: str, *addresses: str) -> None:
        """Let a name mean these addresses, for processes that run already as well."""
        self._names[name] = list(addresses)
        content = "".join(f"{address} {key}\n" for key, all_ in self._names.items() for address in all_)
        draft = self._hosts.with_suffix(".new")
        draft.write_text(content)
        # nss_wrapper looks at whole seconds of the file's time.
        self._written += 1
        os.utime(draft, (self._written, self._written))
        draft.replace(self._hosts)

    def environment(self, service: str, address: str) -> dict[str, str]:
        # As app.yaml sets it.
        common = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "setup"),
            "LD_PRELOAD": NSS_WRAPPER,
            "NSS_WRAPPER_HOSTS": str(self._hosts),
            "SERVICE_VERSION": "9.8.7",
            "POD_NAME": f"{service}-pod",
            "POD_NAMESPACE": "shop-tests",
            "POD_IP": address,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        gateway = {"API_GATEWAY_URL": "http://api-gateway:8080"}
        own = {
            "web-gateway": {
                **gateway, "SESSION_REDIS_URL": "redis://session-data:6379/0", "SESSION_KEY": SESSION_KEY,
            },
            "api-gateway": {"UPSTREAM_TIMEOUT_SECONDS": "10"},
            "product": {
                "DATABASE_HOST": "product-data",
                "DATABASE_PORT": "5432",
                "DATABASE_NAME": "products",
                "DATABASE_USER": "product",
                "DATABASE_PASSWORD": PRODUCT_PASSWORD,
            },
            "cart": {"CART_REDIS_URL": "redis://cart-data:6379/0"},
            "checkout": gateway,
            "payment": {"PAYMENT_CONCURRENCY": "200"},
            "payment-failures": {"PAYMENT_CONCURRENCY": "200"},
        }  # fmt: skip
        return {**common, **own.get(service, {})}

    def launch(
        self, arguments: list[str], environment: dict[str, str], address: str, user: str | int | None = None
    ) -> Running:
        log = self.folder / f"{len(self._started)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                arguments,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                cwd="/",
            )
        running = Running(process, address, log)
        self._started.append(running)
        return running

    def start(self, service: str, *, wait: bool = True, **environment: str) -> Running:
        """Start a service at a new address, without a name; wait until it is healthy."""
        address = self.new_address()
        variables = {**self.environment(service, address), **environment}
        running = self.launch([sys.executable, "-m", "shop", service], variables, address)
        if wait:
            self.wait_healthy(running)
        return running

    def wait_healthy(self, running: Running) -> None:
        def healthy() -> bool:
            if running.process.poll() is not None:
                pytest.fail(f"ended with {running.process.returncode}: {running.log.read_text()}")
            return requests.get(running.url("/healthz"), timeout=1).ok

        poll(healthy, START_SECONDS, f"{running.log} healthy")

    def start_redis(self, *, address: str | None = None) -> Running:
        address = address or self.new_address()
        arguments = ["redis-server", "--bind", address, "--port", "6379", "--dir", str(self.folder)]
        arguments += ["--save", "", "--appendonly", "no", "--protected-mode", "no"]
        running = self.launch(arguments, {"PATH": os.environ["PATH"]}, address)
        wait_port(address, 6379)
        return running

    def stop(self) -> None:
        for running in reversed(self._started):
            with contextlib.suppress(ProcessLookupError):
                running.process.kill()
            running.process.wait()


def can_run_as(user: int) -> bool:
    """Whether the shop's code can be run as another user: only by root, and not from a closed home."""
    if os.geteuid() != 0:
        return False
    probe = [sys.executable, "-c", "import shop"]
    environment = {"PYTHONPATH": str(ROOT / "setup"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(probe, env=environment, user=user, check=False, cwd="/").returncode == 0
    except PermissionError:
        return False


def wait_port(address: str, port: int) -> None:
    def connects() -> bool:
        socket.create_connection((address, port), timeout=1).close()
        return True

    poll(connects, START_SECONDS, f"{address}:{port} answers")


class Postgres:
    """A PostgreSQL server of its own, with app.yaml's limits."""

    def __init__(self, world: World) -> None:
        self.address = world.new_address()
        self._world = world
        self._bin = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        # Not under pytest's folder, which only its owner may enter; PostgreSQL refuses to run as root.
        self._folder = Path(tempfile.mkdtemp(prefix="shop-postgres-"))
        self._user: str | None = None
        if os.geteuid() == 0:
            self._user = "postgres"
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
        self._data = data

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._bin / program, *arguments],
            check=True,
            capture_output=True,
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
            cwd="/",
            env={"PATH": os.environ["PATH"]},
        )

    def start(self) -> None:
        options = f"-c listen_addresses={self.address} -c unix_socket_directories= -c fsync=off "
        options += "-c max_connections=20 -c superuser_reserved_connections=3 -c shared_buffers=32MB"
        self.process = self._world.launch(
            [str(self._bin / "postgres"), "-D", str(self._data), *shlex.split(options)],
            {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            self.address,
            self._user,
        )
        ready = [str(self._bin / "pg_isready"), "-h", self.address, "-U", "postgres"]
        poll(
            lambda: subprocess.run(ready, check=False, capture_output=True).returncode == 0,
            START_SECONDS,
            "PostgreSQL ready",
        )

    def stop(self) -> None:
        """Stop at once, as a killed pod does, its own processes included."""
        self.process.process.send_signal(signal.SIGQUIT)
        self.process.process.wait(10)

    def sql(self, statement: str, database: str = "products") -> str:
        arguments = [
            "-h",
            self.address,
            "-U",
            "postgres",
            "-d",
            database,
            "-v",
            "ON_ERROR_STOP=1",
            "-Atc",
            statement,
        ]
        return subprocess.run(
            [self._bin / "psql", *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    def remove(self) -> None:
        """Stop it and delete its data."""
        self.stop()
        shutil.rmtree(self._folder)
