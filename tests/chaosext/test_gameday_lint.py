"""`chaos gameday lint` finds what `chaos validate` takes without a word."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosext.gameday.lint import lint_all, lint_experiment
from lab.grafana.logstore.logql.errors import LogQLError
from lab.grafana.logstore.logql.parser import parse_log_query

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lint")
    shutil.copytree(ROOT / "experiments", folder / "experiments")
    shutil.copytree(ROOT / "manifests", folder / "manifests")
    return folder / "experiments"


def test_the_shop_s_experiments_are_clean():
    assert lint_all((ROOT / "experiments" / "gameday.yaml",)) == (11, [])


def spoilt(copy, change):
    experiment = json.loads((copy / "payment.json").read_text())
    change(experiment)
    path = copy / "spoilt.json"
    path.write_text(json.dumps(experiment))
    return lint_experiment(path)


def fault(e):
    return e["method"][0]["provider"]


def probe(e):
    return e["steady-state-hypothesis"]["probes"][0]


def mine(e):
    return e["extensions"][0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: e.update(rolbacks=[]), "rolbacks: unknown key, which is ignored; did you mean 'rollbacks'?"),
        (lambda e: e["method"][0].update(backgroud=True), "method.0.backgroud: unknown key"),
        (lambda e: fault(e).update(args={}), "method.0.provider.args: unknown key"),
        (
            lambda e: e["runtime"]["rollbacks"].update(strategy="allways"),
            "runtime.rollbacks.strategy: 'allways' is none of",
        ),
        (lambda e: e["runtime"].update(rollback={}), "runtime.rollback: unknown key"),
        (lambda e: e["runtime"]["rollbacks"].update(strategy="default"), "it must be 'always'"),
        (lambda e: e["method"][0].update(type="acton"), "method.0.type: 'acton' is neither"),
        (lambda e: e["method"][0].update(pauses={"befor": 1}), "method.0.pauses.befor: unknown key"),
        (
            lambda e: fault(e).update(type="pyton"),
            "method.0.provider.type: 'pyton' is none of python, process, http",
        ),
        (lambda e: e.update(method={}), "method: a list is expected"),
        (lambda e: e["controls"].pop(1), "controls: chaosext.report.control is missing"),
        (lambda e: e["controls"][0]["provider"].update(module="chaosext.verfication"), "cannot be imported"),
        (lambda e: fault(e).update(func="aply_manifest"), "has no function 'aply_manifest'"),
        (lambda e: fault(e).update(module="chaosext.nothing"), "method.0.provider.module: 'chaosext.nothing'"),
        (
            lambda e: fault(e)["arguments"].update(paht="x"),
            "method.0.provider.arguments.paht: apply_manifest has no",
        ),
        (lambda e: fault(e).update(arguments={}), "method.0.provider.arguments: path is missing"),
        (
            lambda e: fault(e)["arguments"].update(timeout_seconds="30"),
            "timeout_seconds: Input should be a valid number",
        ),
        (
            lambda e: fault(e)["arguments"].update(path="../manifests/none.yaml"),
            "'../manifests/none.yaml': no such file",
        ),
        (
            lambda e: fault(e)["arguments"].update(path="${variant}"),
            "${variant} is in neither configuration nor secrets",
        ),
        (lambda e: mine(e).update(landed_when="${slo_file}"), "${slo_file} is not resolved here"),
        (lambda e: probe(e)["provider"]["arguments"].update(name="payments"), "unknown SLI 'payments'"),
        (lambda e: probe(e).pop("tolerance"), "a probe of the hypothesis needs a tolerance"),
        (lambda e: mine(e)["alerts"][0].update(alert="PaymentBurn"), "no rule in"),
        (lambda e: mine(e)["expect"].pop(), "must name the same SLIs"),
        (
            lambda e: e["rollbacks"][0]["provider"]["arguments"].update(
                path="../manifests/variants/basic-bug.yaml"
            ),
            "rollbacks: none restores app.yaml",
        ),
        (lambda e: e.update(rollbacks=[]), "rollbacks: none restores app.yaml"),
        (
            lambda e: e["configuration"].update(slo_file="../slo.yaml"),
            "configuration.slo_file: '../slo.yaml': no such file",
        ),
        (lambda e: e["configuration"].update(architecture_file="../nothing.yaml"), "architecture_file: "),
    ],
)
def test_it_finds(copy, change, said):
    problems = spoilt(copy, change)
    assert any(said in problem for problem in problems), problems
    assert all("\n" not in problem for problem in problems)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", None),
        ('{service="payment"', "its selector is wrong"),
        ('{service="payment} |= "x"', "its selector is wrong"),
        ("{service=payment}", "its selector is wrong"),
        ("{}", "its selector is wrong"),
        ('|= "provider"', "it has no selector"),
        ('count_over_time({service="payment"}[1m])', "it has no selector"),
        ('{service="payment"} |= "provider', "a quote is not closed"),
        ('{service="payment"} |= `provider', "a quote is not closed"),
        ('{service="payment"} | logfmt | (status="500"', "its brackets are not balanced"),
        ('{service="payment"} 5', "'5' behind the selector is no filter"),
        ('{service="payment"} |= ', "a filter has nothing to look for"),
        ('{service="payment"} |', "a filter has nothing to look for"),
        ('{service="payment"} |~ "(provider"', "the regular expression '(provider' is wrong"),
    ],
)
def test_a_query_that_loki_would_refuse_is_found(copy, query, said):
    place = "extensions.chaosext.evidence.logs.0.query"
    found = spoilt(copy, lambda e: mine(e)["evidence"]["logs"][0].update(query=query))
    assert len(found) == 1
    assert place.replace("extensions.chaosext.", "") in found[0]
    if said is not None:
        assert found[0].startswith(f"{place}: {said}")
        # The lab's own parser refuses it too, as a log query.
        with pytest.raises(LogQLError):
            parse_log_query(query)


@pytest.mark.parametrize(
    "query",
    [
        '{service="payment"}',
        ' { service =~ "pay.*" , namespace != "x" } ',
        '{service="payment"} |= "a } | \\" b" != `"{` |~ "too many|remaining (slots|places)" !~ "x"',
        '{service="payment"} | logfmt | status >= 500 and route != "/" | line_format "{{.msg}}"',
        '{service="payment"} |= "a" or "b" | json',
        '{service="payment"} | logfmt | (status="500" or status="503")',
    ],
)
def test_a_query_that_is_right_is_left_alone(copy, query):
    assert parse_log_query(query)
    assert spoilt(copy, lambda e: mine(e)["evidence"]["logs"][0].update(query=query)) == []


def test_a_probe_s_query_is_looked_at_as_well(copy):
    asked = {"type": "python", "module": "chaosext.grafana.probes", "func": "log_count"}
    added = {"type": "probe", "name": "lines", "provider": asked, "tolerance": 0}

    def change(e):
        asked["arguments"] = {"query": '{service="payment" |= "x"'}
        e["steady-state-hypothesis"]["probes"].append(added)

    (found,) = [one for one in spoilt(copy, change) if "selector" in one]
    assert ".provider.arguments.query: its selector is wrong" in found


@pytest.mark.parametrize("stated", [None, {}, {"logs": []}])
def test_a_fault_without_evidence_is_found(copy, stated):
    def change(e):
        mine(e).pop("evidence")
        if stated is not None:
            mine(e)["evidence"] = stated

    assert spoilt(copy, change) == [
        "extensions.chaosext.evidence: what logs or traces are to say of the fault is not stated"
    ]


def test_a_key_that_is_given_twice_is_found(copy):
    path = copy / "twice.json"
    path.write_text('{"title": "a", "title": "b"}')
    assert lint_experiment(path) == ["not JSON: the key 'title' is given twice in one object"]


@pytest.mark.parametrize(
    ("text", "said"), [("", "not JSON"), ("[1]", "an experiment"), ("[" * 100_000, "not JSON")]
)
def test_what_is_no_experiment_is_one_line(copy, text, said):
    path = copy / "none.json"
    path.write_text(text)
    (problem,) = lint_experiment(path)
    assert said in problem


NAMES = st.sampled_from(["name", "type", "provider", "module", "probes"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(NAMES, x, max_size=3),
    max_leaves=6,
)


KEYS = ["configuration", "secrets", "controls", "runtime", "method", "rollbacks", "extensions", "tags"]


@settings(deadline=None, max_examples=50)
@given(st.sampled_from([*KEYS, "steady-state-hypothesis"]), JSON)
def test_no_shape_whatever_makes_a_traceback(copy, key, value):
    experiment = json.loads((copy / "payment.json").read_text())
    experiment[key] = value
    path = copy / "any.json"
    path.write_text(json.dumps(experiment))
    assert all("\n" not in problem for problem in lint_experiment(path))


def test_a_drawing_with_an_unknown_sli_is_found(copy):
    drawing = copy.parent / "manifests" / "other.yaml"
    text = (ROOT / "manifests" / "architecture.yaml").read_text()
    drawing.write_text(text.replace("[checkout-latency]", "[checkout-speed]"))
    problems = spoilt(copy, lambda e: e["configuration"].update(architecture_file="../manifests/other.yaml"))
    assert any("components.checkout: unknown SLI 'checkout-speed'" in problem for problem in problems)


def test_the_command_exits_with_2_and_names_file_and_place(copy):
    bad = copy / "bad.json"
    bad.write_text((copy / "no-fault.json").read_text().replace('"rollbacks": [', '"rolbacks": ['))
    words = [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", "gameday", "lint"]
    done = subprocess.run([*words, str(bad)], capture_output=True, text=True, check=False, cwd=copy)
    assert done.returncode == 2
    assert f"{bad}: rolbacks: unknown key" in done.stderr
    assert done.stdout.splitlines()[-1].startswith("1 files checked, ")
    assert "Traceback" not in done.stderr
