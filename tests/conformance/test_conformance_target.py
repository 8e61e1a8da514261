"""Which cluster is judged: never one that nobody chose for it."""

import pytest

from .cluster import chosen_kubeconfig


@pytest.fixture
def files(tmp_path):
    """Two kubeconfigs, by their paths."""
    paths = [tmp_path / name for name in ("one", "two")]
    for path in paths:
        path.touch()
    return [str(path) for path in paths]


def test_without_a_choice_it_is_the_lab(files):
    assert chosen_kubeconfig(None, {"KUBECONFIG": files[0]}) is None
    assert chosen_kubeconfig("", {"KUBECONFIG": files[0], "CONFORMANCE_KUBECONFIG": ""}) is None


def test_the_option_comes_before_the_variable(files):
    one, two = files
    assert chosen_kubeconfig(None, {"CONFORMANCE_KUBECONFIG": one}) == one
    assert chosen_kubeconfig(two, {"CONFORMANCE_KUBECONFIG": one}) == two


@pytest.mark.parametrize(("option", "variable"), [("env", ""), (None, "env")])
def test_kubeconfig_counts_when_it_is_asked_for(files, option, variable):
    both = ":".join(files)
    environment = {"CONFORMANCE_KUBECONFIG": variable}
    assert chosen_kubeconfig(option, environment | {"KUBECONFIG": both}) == both
    with pytest.raises(ValueError, match="KUBECONFIG's, which is not set"):
        chosen_kubeconfig(option, environment)


def test_a_path_to_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"is not there: .*/none"):
        chosen_kubeconfig(str(tmp_path / "none"), {})
