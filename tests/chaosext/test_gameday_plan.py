"""A plan says which file and field is wrong, in one line."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosext.errors import BadInput
from chaosext.gameday.plan import load_plan, plan_of

ROOT = Path(__file__).parents[2]
PLAN = ROOT / "experiments" / "gameday.yaml"


def test_the_shop_s_plan_has_every_experiment_with_the_control_first():
    day = load_plan(PLAN)
    assert day.experiments[0].stem == "no-fault"
    assert {path.name for path in day.experiments} == {p.name for p in (ROOT / "experiments").glob("*.json")}
    assert day.plan.pause is not None
    assert day.plan.abort.not_restored


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text("{}")
    return tmp_path


GOOD = {"title": "A day", "experiments": ["a.json", "b.json"]}


def plan(folder, content):
    path = folder / "plan.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: [", "not YAML"),
        ("- a", "valid dictionary"),
        ("", "valid dictionary"),
        ({**GOOD, "experiments": []}, "experiments: List should have at least 1 item"),
        ({**GOOD, "experimets": []}, "experimets: Extra inputs are not permitted"),
        ({**GOOD, "experiments": ["a.json", "c.json"]}, r"experiments.1: 'c.json': no such file"),
        (
            {**GOOD, "experiments": ["a.json", "a.json"]},
            r"experiments.1: 'a.json': a day can have one experiment named 'a'",
        ),
        ({**GOOD, "experiments": ["a.json", "./a.json"]}, r"experiments.1: './a.json': a day can have one"),
        ({**GOOD, "pause": {"steady_windows": -1}}, r"pause.steady_windows: Input should be greater"),
        ({**GOOD, "abort": {"verdicts": ["failed"]}}, r"abort.verdicts.0: Input should be 'verified'"),
        ({**GOOD, "budget_floor": 2}, "budget_floor: Input should be less than 1"),
        ({**GOOD, "notify": "sometimes"}, "notify: Input should be 'always', 'failure' or 'never'"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_field(folder, content, said):
    path = plan(folder, content)
    with pytest.raises(BadInput, match=said) as caught:
        load_plan(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from([*GOOD, "pause", "abort", "x"]), x),
        max_leaves=8,
    )
)
def test_no_plan_whatever_makes_a_traceback(tmp_path_factory, content):
    path = plan(tmp_path_factory.mktemp("plan"), content)
    with pytest.raises(BadInput) as caught:
        load_plan(path)
    assert "\n" not in str(caught.value)


def test_experiments_of_a_command_line_are_a_plan_without_rules(folder):
    day = plan_of((folder / "a.json", folder / "missing.json"))
    assert day.experiments == (folder / "a.json", folder / "missing.json")
    assert (day.plan.pause, day.plan.abort.verdicts, day.plan.abort.not_restored) == (None, [], False)
    with pytest.raises(BadInput, match="give one plan, or experiments"):
        plan_of((plan(folder, GOOD), folder / "a.json"))


def test_only_chooses_in_the_plan_s_order(folder):
    day = load_plan(plan(folder, GOOD))
    assert [p.stem for p in day.only("b, a.json").experiments] == ["a", "b"]
    assert [p.stem for p in day.only("b").experiments] == ["b"]
    assert day.only(None) is day
    with pytest.raises(BadInput, match="no experiment is named 'c': the plan has a, b"):
        day.only("a,c")
    with pytest.raises(BadInput, match="name at least one"):
        day.only(" ,")
