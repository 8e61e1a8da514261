"""Stands in for the clouds' programs in the tests of setup/gke: records calls, answers as the programs would.

Called as `stand_in.py PROGRAM ARGUMENTS...`. facts.json in $MEMORY says what is so: `made` (Terraform applied),
`enabled` (the checks are), `fail` (the beginning of a command line that fails), `policy` (the image that the
API server makes of the shop's), `silent` (SLIs that have no data), `leftovers` (kind: names),
`stack_code` (what grafana.com answers), `outputs` (of Terraform, by name),
`terraform` (its version).
"""

# One script calls this some twenty times, so it imports as little as it can, and no pathlib:
# ruff: noqa: PTH105, PTH123

import json
import os
import sys

MEMORY = os.environ["MEMORY"]
REGISTRY = "us-central1-docker.pkg.dev/my-project/gameday"
OUTPUTS = {
    "grafana_url": "https://mygameday.grafana.net",
    "grafana_token": "chaos-token-of-the-test",
    "registry": REGISTRY,
    "environment": "gke",
    "connect": "gcloud container clusters get-credentials gameday --location=a --project=my-project",
}
SLACK = ("TF_VAR_slack_webhook_url", "TF_VAR_slack_token", "TF_VAR_slack_channel")
VARIABLES = {"project": "my-project", "name": "gameday", "grafana_stack": "mygameday"}


def main() -> int:
    """Record the call, then answer it; return the exit code."""
    argv = sys.argv[1:]
    facts = read(f"{MEMORY}/facts.json")
    before = json.dumps(facts)
    reads = argv[0] == "curl" or "--password-stdin" in argv or argv[-1] == "-"
    given = sys.stdin.read() if reads else ""
    names = ("KUBECONFIG", "GRAFANA_URL", "GRAFANA_TOKEN", "CHAOS_ENVIRONMENT", *SLACK)
    environment = {name: os.environ[name] for name in names if name in os.environ}
    write(
        f"{MEMORY}/calls.jsonl",
        json.dumps({"argv": argv, "stdin": given, "environment": environment}) + "\n",
        "a",
    )
    words = [word for word in argv if not word.startswith("-chdir=")]
    line = " ".join(words)
    if (fail := facts.get("fail")) and line.startswith(fail):
        print(f"{words[0]}: it failed, as the test wants", file=sys.stderr)
        return 1
    answer = {"terraform": terraform, "gcloud": gcloud, "kubectl": kubectl, "curl": curl, "python": python}
    code = answer[words[0]](words, facts) if words[0] in answer else 0
    if json.dumps(facts) != before:  # both ends of a pipe run at once
        write(f"{MEMORY}/facts.{os.getpid()}", json.dumps(facts))
        os.replace(f"{MEMORY}/facts.{os.getpid()}", f"{MEMORY}/facts.json")
    return code


def read(path: str) -> dict:
    """Return what a JSON file holds."""
    with open(path) as file:
        return json.load(file)


def write(path: str, text: str, mode: str = "w") -> None:
    """Write or append a text."""
    with open(path, mode) as file:
        file.write(text)


def terraform(words: list[str], facts: dict) -> int:
    """Answer version, init, plan, show, apply and output."""
    if words[1] == "version":
        print(f"Terraform v{facts.get('terraform', '1.11.4')}\non linux_amd64")
    elif words[1] == "output":
        if words[3] == "checks_enabled" and facts["made"]:
            print(str(facts["enabled"]).lower())
            return 0
        if not facts["made"] or words[3] not in OUTPUTS:
            return 1
        print(facts.get("outputs", {}).get(words[3], OUTPUTS[words[3]]), end="")
    elif words[1] == "show":
        slack = {name.removeprefix("TF_VAR_"): os.environ.get(name, "") for name in SLACK}
        print(json.dumps({"variables": {k: {"value": v} for k, v in (VARIABLES | slack).items()}}))
    elif words[1] == "plan":
        plan = next(word.removeprefix("-out=") for word in words if word.startswith("-out="))
        write(plan, "destroy" if "-destroy" in words else "make")
        print("Plan: what would change")
        return 2 if "-detailed-exitcode" in words and facts["made"] else 0
    elif words[1] == "apply":
        if "-var=app_ready=true" in words:
            facts["enabled"] = True
        else:
            with open(words[-1]) as plan:
                facts["made"] = plan.read() == "make"
            facts["enabled"] = facts["enabled"] and facts["made"]
    return 0


def gcloud(words: list[str], facts: dict) -> int:
    """Answer get-credentials, tokens, and the lists of what costs money."""
    if "get-credentials" in words:
        write(os.environ["KUBECONFIG"], "kubeconfig of gameday")
    elif "print-access-token" in words:
        print("google-token-of-the-test")
    elif "list" in words:
        kind = " ".join(words[2 : words.index("list")])
        print("\n".join(facts.get("leftovers", {}).get(kind, [])))
    return 0


def kubectl(words: list[str], facts: dict) -> int:
    """Answer whether there is the namespace, and what image the API server would give a pod."""
    if words[1:3] == ["get", "namespace"]:
        return 0 if facts.get("namespace") else 1
    if words[1:3] == ["create", "namespace"]:
        facts["namespace"] = True
    elif "--dry-run=server" in words:
        seen = facts.get("policy", [f"{REGISTRY}/ecommerce-shop:1.0.0"])
        print(seen[0], end="")
        facts["policy"] = seen[1:] or seen
    return 0


def curl(_: list[str], facts: dict) -> int:
    """Answer for grafana.com with the code of its answer."""
    print(facts.get("stack_code", "404"), end="")
    return 0


def python(_: list[str], facts: dict) -> int:
    """Answer for setup/slis.py."""
    if silent := facts.get("silent"):
        print(f"slis.py: no data within 600 s: {silent}", file=sys.stderr)
        return 4
    return 0


sys.exit(main())
