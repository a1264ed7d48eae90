"""Groups of classes: no two ever share a name in files, journals or the record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memgan.errors import StudyError
from search.journal.journal import Journal, read_groups
from search.journal.journal_file import open_to_write
from search.study.groups import class_groups, earlier_prefixes, safe_name
from search.study.study import Study

CLASS = st.from_regex(r"\A\w[\w. +-]{0,12}\Z")


@given(CLASS, CLASS)
@example("猫", "犬")
@example("T shirt", "T-shirt")
@example("T shirt", safe_name("T shirt"))
@example("a" * 200, "a" * 199 + "b")
def test_two_classes_never_share_a_name_in_files(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one == other)
    assert safe_name(one).isascii()
    assert 0 < len(safe_name(one)) < 100


@pytest.mark.parametrize("name", ["0", "good", "a.b_c", "Sandal9"])
def test_plain_names_stay_as_they_are(name: str) -> None:
    assert safe_name(name) == name


def test_classes_whose_names_clean_to_the_same_are_searched_apart(
    make_study: Callable[..., Study], fill: Callable[..., None], tmp_path: Path
) -> None:
    study = make_study("per-class")

    fill(tmp_path / "journal", study, ["猫", "犬"])

    found = read_groups(tmp_path / "journal")
    assert sorted(map(len, found.values())) == [12, 12]
    assert set(found) == {group.prefix for group in class_groups(study, ["猫", "犬"])}


def test_a_study_of_an_earlier_version_goes_on_under_its_own_names(
    make_study: Callable[..., Study], tmp_path: Path
) -> None:
    study = make_study("per-class")
    earlier = Journal(open_to_write(tmp_path / "journal"), study, "T_shirt-")
    first = earlier.ask()

    (group,) = class_groups(study, ["T shirt"], earlier_prefixes(study, ["T shirt"]))
    again = Journal(open_to_write(tmp_path / "journal"), study, group.prefix).ask()

    assert first is not None
    assert again is not None
    assert (again.trial_id, again.values) == (first.trial_id, first.values)


def test_a_study_that_mixed_two_classes_does_not_go_on(make_study: Callable[..., Study]) -> None:
    study = make_study("per-class")

    with pytest.raises(StudyError, match="猫 and 犬 of study shown"):
        class_groups(study, ["猫", "犬"], earlier_prefixes(study, ["猫", "犬"]))
