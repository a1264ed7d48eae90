"""Names in the record: two things never share one."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from tracking import names


@given(st.text(max_size=12), st.text(max_size=12))
@example("a/b", "a_b")
@example("a/b", names.safe("a/b"))
@example("a/b-0123ab", "a_b-0123ab")
def test_two_names_never_share_a_key(one: str, other: str) -> None:
    assert (names.safe(one) == names.safe(other)) == (one == other)
    assert names.is_valid_key(names.val_auroc(one))


def test_a_key_that_is_safe_is_not_changed_again() -> None:
    key = names.val_auroc("T-shirt/top")
    assert names.safe_path(key) == key


def test_models_of_two_classes_have_two_names() -> None:
    assert names.model_name("study", "a.b") != names.model_name("study", "a_b")
    assert names.model_name("study", "good") == "study good"


def test_names_that_mlflow_takes_stay_as_they_are() -> None:
    for name in ("3", "automobile", "größe 2", "a-b_c.d"):
        assert names.val_auroc(name) == f"val_auroc/{name}"


def test_different_names_never_share_a_key() -> None:
    raw = ["a/b", "a_b", "a@b", "a[b", "", ".", "..", " a", "a ", "a", "x" * 300, "x" * 301]
    keys = {names.val_auroc(name) for name in raw}
    assert len(keys) == len(raw)
    assert all(names.is_valid_key(key) for key in keys)
