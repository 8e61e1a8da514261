"""setup/gke/down and leftovers with stand-ins for terraform, gcloud and curl."""

import re

import pytest

from .conftest import order, said

pytestmark = pytest.mark.timeout(600)  # a script is some twenty programs, on a machine that may be busy


def test_down_destroys_after_a_yes_and_looks_for_what_is_left(made):
    done = made.run("down", answer="yes")
    assert done.returncode == 0, done.stderr
    lines = made.lines()
    kinds = [
        "container clusters", "compute instances", "compute disks", "compute addresses",
        "compute forwarding-rules", "compute networks", "artifacts repositories",
    ]  # fmt: skip
    places = order(
        lines, "plan -destroy", " apply ", *(f"gcloud --quiet {kind} list" for kind in kinds), "curl"
    )
    assert places == sorted(places)
    assert all("--project=my-project" in line for line in lines if " list " in line)
    assert done.stdout.endswith("Down: nothing is left that costs money.\n")
    assert not made.state.exists()


@pytest.mark.parametrize("answer", ["no", ""])
def test_down_destroys_nothing_without_a_yes(made, answer):
    message = said(made.run("down", answer=answer))
    assert message.endswith("down: nothing was changed")
    assert "Destroy the cluster gameday of the project my-project and the Grafana stack mygameday" in message
    assert not any(" apply" in line for line in made.lines())
    assert not list(made.state.glob("*.tfplan")), "it may hold secrets"


def test_a_second_down_destroys_nothing_and_looks_again(made):
    made.run("down", "--yes")
    made.lines(forget=True)
    done = made.run("down")
    assert done.returncode == 0, done.stderr
    assert not any(" apply" in line for line in made.lines())
    assert any("compute disks list" in line for line in made.lines())


@pytest.mark.parametrize("failing", ["terraform init", "terraform plan", "terraform show", "terraform apply"])
def test_down_stops_at_a_failure_and_resumes_after_it(made, failing):
    made.remember(fail=failing)
    assert made.run("down", "--yes").returncode != 0
    assert not any(" list " in line for line in made.lines(forget=True))
    made.remember(fail=None)
    assert made.run("down", "--yes").returncode == 0


def test_what_is_left_is_named(made):
    made.remember(leftovers={"compute disks": ["pvc-1", "pvc-2"], "artifacts repositories": ["gameday"]})
    done = made.run("down", "--yes")
    assert said(done) == "leftovers: remove these by hand if they are yours, or run setup/down gke again"
    for line in ("still there: disk pvc-1", "still there: disk pvc-2", "still there: registry gameday"):
        assert line in done.stderr
    assert "nothing is left" not in done.stdout


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("200", "leftovers: still there: Grafana stack mygameday"),
        ("401", "leftovers: grafana.com answered 401"),
    ],
)
def test_a_stack_that_is_left_or_unknown_is_no_success(made, code, message):
    made.remember(stack_code=code)
    done = made.run("down", "--yes")
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("kind", "own", "others"),
    [
        (
            "compute instances",
            ["gke-gameday-shop-1a2b3c4d-x1y2", "gke-gameday-default-pool-00ff00ff-zzzz"],
            ["gke-gameday-two-shop-1a2b3c4d-x1y2", "gke-gameday-shop-default-pool-1a2b3c4d-x1y2"],
        ),
        ("compute disks", ["gke-gameday-shop-1a2b3c4d-x1y2"], ["gke-gameday-2-default-pool-1a2b3c4d-x1y2"]),
        ("compute addresses", ["gke-gameday-1a2b3c4d-pe"], ["gke-gameday-two-1a2b3c4d-pe"]),
    ],
)
def test_names_of_another_cluster_that_begin_alike_are_not_ours(made, kind, own, others):
    made.run("down", "--yes")
    asked = next(
        call["argv"] for call in made.calls() if f"gcloud --quiet {kind} list" in " ".join(call["argv"])
    )
    (words,) = [word for word in asked if word.startswith("--filter=")]
    (pattern,) = re.findall(r'\bname~"([^"]+)"', words)
    assert [name for name in [*own, *others] if re.search(pattern, name)] == own


def test_what_cannot_be_listed_is_no_success(made):
    made.remember(fail="gcloud --quiet compute addresses")
    assert said(made.run("down", "--yes")).startswith("leftovers: gcloud could not list the address of project")


def test_grafana_is_asked_with_the_token_on_standard_input(made):
    made.run("down", "--yes")
    asked = next(call for call in made.calls() if call["argv"][0] == "curl")
    assert asked["argv"][-1] == "https://grafana.com/api/instances/mygameday"
    assert "policy-token-of-the-test" in asked["stdin"]
