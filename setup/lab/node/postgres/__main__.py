"""What the official image's entry point does, as far as a Deployment can see it, for Debian's server.

On an empty PGDATA: initdb, a temporary server on a socket only, POSTGRES_DB, the scripts of
/docker-entrypoint-initdb.d in order; then, every time, the server itself in place of this process.
See https://github.com/docker-library/docs/blob/master/postgres/content.md for the contract.

Runs as the pod's user, with the container's environment and Python's standard library only.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Initialise PGDATA when it is empty, then become the server; exit with 1 when initialising failed."""
    parser = argparse.ArgumentParser(prog="postgres-entrypoint")
    parser.add_argument("--bin", type=Path, required=True, help="folder of Debian's server programs")
    parser.add_argument("--scripts", type=Path, required=True, help="stands for /docker-entrypoint-initdb.d")
    parser.add_argument("--socket-dir", type=Path, required=True, help="stands for /var/run/postgresql")
    parser.add_argument("--listen", required=True, help="the pod's address")
    parser.add_argument("server", nargs="*", help="the container's args")
    options = parser.parse_args()
    data = Path(os.environ["PGDATA"])
    if not (data / "PG_VERSION").exists():
        try:
            _initialise(options, data)
        except (subprocess.CalledProcessError, OSError, ValueError) as error:
            # A half made cluster would be taken for a whole one at the next start.
            for path in data.glob("*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            sys.exit(f"postgres-entrypoint: initialising failed: {_reason(error)}")
    server = options.bin / "postgres"
    # Shared memory in files of PGDATA instead of /dev/shm: a killed server leaves nothing there.
    fixed = [f"listen_addresses={options.listen}", f"unix_socket_directories={options.socket_dir}"]
    fixed.append("dynamic_shared_memory_type=mmap")
    words = [word for setting in fixed for word in ("-c", setting)]
    os.execv(server, [str(server), "-D", str(data), *words, *options.server])  # noqa: S606 -- becoming the server is the purpose


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{Path(error.cmd[0]).name} ended with {error.returncode}"
    return str(error)


def _initialise(options: argparse.Namespace, data: Path) -> None:
    user = os.environ.get("POSTGRES_USER", "postgres")
    password = os.environ.get("POSTGRES_PASSWORD", "")
    if not password:
        raise ValueError("POSTGRES_PASSWORD is not set, and the superuser needs one")
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    options.socket_dir.mkdir(parents=True, exist_ok=True)
    _initdb(options.bin, data, user, password)
    control = [str(options.bin / "pg_ctl"), "-D", str(data), "-w"]
    local = f"-c listen_addresses='' -c unix_socket_directories='{options.socket_dir}'"
    subprocess.run([*control, "-o", local, "start"], check=True)
    try:
        _prepare(options, user)
    finally:
        subprocess.run([*control, "-m", "fast", "stop"], check=True)


def _initdb(programs: Path, data: Path, user: str, password: str) -> None:
    """Make the cluster; the password goes through a file in memory, never through words of a command."""
    secret = os.memfd_create("pwfile", 0)
    try:
        os.write(secret, password.encode() + b"\n")
        command = [str(programs / "initdb"), "-D", str(data), "--no-sync", "--no-instructions"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", f"--username={user}"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile=/proc/self/fd/{secret}"]
        subprocess.run(command, check=True, pass_fds=[secret])
    finally:
        os.close(secret)
    with (data / "pg_hba.conf").open("a", encoding="utf-8") as rules:
        rules.write("\nhost all all all scram-sha-256\n")


def _prepare(options: argparse.Namespace, user: str) -> None:
    """Make POSTGRES_DB and run the init scripts against the temporary server."""
    database = os.environ.get("POSTGRES_DB", user)
    environment = os.environ | {
        "PGHOST": str(options.socket_dir),
        "POSTGRES_USER": user,
        "POSTGRES_DB": database,
    }
    psql = [
        str(options.bin / "psql"),
        "-v",
        "ON_ERROR_STOP=1",
        "--no-psqlrc",
        "--no-password",
        "--username",
        user,
    ]
    if database != "postgres":
        create = [*psql, "--dbname", "postgres", "-v", f"db={database}"]
        subprocess.run(create, input='CREATE DATABASE :"db";', text=True, env=environment, check=True)
    scripts = sorted(options.scripts.iterdir()) if options.scripts.is_dir() else []
    for script in scripts:
        if script.suffix == ".sh":
            print(f"postgres-entrypoint: running {script.name}", flush=True)
            subprocess.run(["/bin/bash", "-e", str(script)], env=environment, check=True)
        elif script.suffix == ".sql":
            print(f"postgres-entrypoint: running {script.name}", flush=True)
            subprocess.run([*psql, "--dbname", database, "--file", str(script)], env=environment, check=True)
        else:
            print(f"postgres-entrypoint: ignoring {script.name}", flush=True)


if __name__ == "__main__":
    main()
