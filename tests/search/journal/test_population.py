"""Population-based training without Ray: who takes over, what a journal hands out, and that the
winner's schedule trains again to the same figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from memgan.config.configuration import Configuration, Runtime
from memgan.config.typed import parse, to_yaml
from memgan.data import Split
from memgan.training.lockstep import Training
from search.finals.best_yaml import best_configuration
from search.finals.finals import Winner
from search.journal.journal import Suggestion, read_studies
from search.journal.outcomes import best
from search.journal.population import Member, Stage, mutable, next_generation
from search.results.study_folder import StudyFolder
from search.study.groups import ClassGroup
from search.study.schedulers import Pbt
from search.study.study import Study
from search.trials.tune_loop import open_journals, read_outcomes

GROUP = ClassGroup("all", ("1",), "")
RUNTIME = Runtime(device="cpu")


def _study(**sections: Any) -> Study:
    content: dict[str, Any] = {
        "name": "population",
        "normal_class": "1",
        "space": {
            "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
            "memory_units": [4, 8],
            "encoder_game": ["saturating", "non-saturating"],
            "sharpness": {
                "low": 1.0,
                "high": 3.0,
                "when": {"encoder_game": {"equals": "saturating"}},
            },
        },
        "fixed": {"epochs": 5, "batch_size": 64, "width": 2, "memory_dim": 4},
        "budget": {"trials": 4},
        "scheduler": {"name": "pbt", "interval_epochs": 2, "resample_probability": 0.5},
        "resources": {"checkpoint_epochs": 1},
    }
    return Study.model_validate({**content, **sections})


def _members(study: Study, count: int) -> list[Member]:
    random = np.random.default_rng(0)
    return [
        Member(
            trial_id=f"{n:04d}",
            score=n / 10,
            lineage=(Stage(1, {name: e.draw(random) for name, e in study.search_space.items()}),),
            checkpoint=f"/{n}",
        )
        for n in range(count)
    ]


def test_the_worst_take_over_from_the_best_and_shapes_pass_on_unchanged() -> None:
    study = _study()
    assert isinstance(study.scheduler, Pbt)
    assert mutable(study.scheduler, study.search_space) == (
        "learning_rate",
        "encoder_game",
        "sharpness",
    )
    members = _members(study, 8)
    for epoch in range(2, 60, 2):
        heirs = next_generation(members, study.search_space, study.scheduler, epoch=epoch, seed=1)
        assert set(heirs) == {"0000", "0001"}
        for heir in heirs.values():
            source = next(member for member in members if member.trial_id == heir.source)
            assert heir.source in ("0006", "0007")
            assert heir.checkpoint == source.checkpoint
            assert heir.lineage[:-1] == source.lineage
            before, after = source.lineage[-1].values, heir.lineage[-1].values
            assert after["memory_units"] == before["memory_units"]
            for name in after:
                assert study.search_space[name].encode(name, after[name]) is not None
            assert ("sharpness" in after) == (after["encoder_game"] == "saturating")


def test_two_members_are_a_population_and_one_is_left_alone() -> None:
    study = _study()
    assert isinstance(study.scheduler, Pbt)
    for count, giving_way in ((2, {"0000"}), (1, set())):
        heirs = next_generation(
            _members(study, count), study.search_space, study.scheduler, epoch=2, seed=0
        )
        assert set(heirs) == giving_way


def _finite(**sections: Any) -> Study:
    return _study(
        space={"encoder_game": ["saturating", "non-saturating"], "memory_units": [4, 8]},
        scheduler={"name": "pbt", "interval_epochs": 2, "quantile": 0.5},
        **sections,
    )


def test_no_two_members_of_a_small_space_train_the_same() -> None:
    study = _finite()
    assert isinstance(study.scheduler, Pbt)
    for seed in range(50):
        members = _members(study, 6)
        heirs = next_generation(members, study.search_space, study.scheduler, epoch=2, seed=seed)
        for member in members:
            same = [heir for heir in heirs.values() if heir.source == member.trial_id]
            values = [heir.lineage[-1].values for heir in same] + [member.lineage[-1].values]
            # There are two values that may change: the source has one, and one heir the other.
            assert len(values) <= 2
            assert len({values_["encoder_game"] for values_ in values}) == len(values)
        assert heirs


def test_at_the_end_of_a_range_nobody_becomes_a_twin() -> None:
    space = {"learning_rate": {"low": 1e-4, "high": 1e-2}}
    scheduler = {"name": "pbt", "interval_epochs": 2, "quantile": 0.5, "resample_probability": 0}
    study = _study(space=space, scheduler=scheduler)
    assert isinstance(study.scheduler, Pbt)
    members = [
        Member(f"{n:04d}", n / 10, (Stage(1, {"learning_rate": 1e-2}),), f"/{n}") for n in range(2)
    ]
    for seed in range(20):
        heirs = next_generation(members, study.search_space, study.scheduler, epoch=2, seed=seed)
        (heir,) = heirs.values()
        assert heir.lineage[-1].values == {"learning_rate": pytest.approx(8e-3)}


class _Trainer:
    """Trains what a journal hands out, two at a time, as the trial loop does."""

    def __init__(
        self, study: Study, results: Path, split: Split, group: ClassGroup = GROUP
    ) -> None:
        self.group = group
        self.study, self.folder = study, StudyFolder(results, study.name)
        if not self.folder.exists:
            self.folder.create(study)
        self.development = split.development
        self.journal = open_journals(study, [group], self.folder)[group]

    def training(self, configuration: Configuration, seed: int) -> Training:
        return Training(configuration, self.development, classes=self.group.classes, seed=seed)

    def epoch(self, suggestion: Suggestion, training: Training | None) -> Training:
        if training is None:
            configuration = self.study.configuration(
                suggestion.values, RUNTIME, suggestion.schedule
            )
            training = self.training(configuration, self.study.seed)
            if suggestion.checkpoint:
                training.load(Path(suggestion.checkpoint))
        report = training.advance()
        trial_id, epoch = suggestion.trial_id, training.epoch
        self.journal.epoch(trial_id, epoch, report.mean_val_auroc)
        path = self.folder.path / f"{trial_id}-{epoch}.pt"
        training.save(path)
        self.journal.checkpointed(trial_id, str(path), epoch)
        if training.finished:
            self.journal.finished(trial_id, {**report.val_auroc, "mean": report.mean_val_auroc})
        elif epoch >= suggestion.until:
            self.journal.rests(trial_id)
        return training

    def run(self, epochs: int = 1000) -> bool:
        """Whether all is trained, after so many epochs at most."""
        running: list[tuple[Suggestion, Training | None]] = []
        while True:
            while len(running) < 2 and (suggestion := self.journal.ask()) is not None:
                running.append((suggestion, None))
            if not running:
                return self.journal.exhausted()
            if epochs == 0:
                return False
            epochs -= 1
            suggestion, training = running.pop(0)
            training = self.epoch(suggestion, training)
            if training.epoch < suggestion.until:
                running.append((suggestion, training))


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_winners_schedule_trains_again_to_the_same_figure(split: Split, tmp_path: Path) -> None:
    study, group = _study(normal_class="0,1"), ClassGroup("all", ("0", "1"), "")
    trainer = _Trainer(study, tmp_path, split, group)
    assert trainer.run()

    outcomes = read_outcomes(group, trainer.folder)
    assert [o.state for o in outcomes] == ["finished"] * 4
    changed = [o for o in outcomes if o.schedule]
    assert changed, "nobody gave way"
    for outcome in outcomes:
        assert set(outcome.val_auroc) >= {"0", "1"}
        configuration = best_configuration(study, [Winner(group, outcome)], RUNTIME)
        written = parse(Configuration, _yaml(to_yaml(configuration)), "best.yaml")
        training = trainer.training(written, study.seed)
        while not training.finished:
            report = training.advance(validate=training.epoch == training.epochs - 1)
        assert report.mean_val_auroc == outcome.mean


def test_a_population_is_as_large_as_a_small_space_and_tries_every_point(
    split: Split, tmp_path: Path
) -> None:
    trainer = _Trainer(_finite(budget={"trials": 9}), tmp_path, split)
    assert trainer.run()

    outcomes = read_outcomes(GROUP, trainer.folder)
    (trials,) = (study.trials for study in read_studies(trainer.folder.journal).values())
    began = [trial.user_attrs["values"] for trial in trials]
    assert all(began.count(values) == 1 for values in began)
    assert [o.state for o in outcomes] == ["finished"] * 4
    lineages = [(o.values, o.schedule) for o in outcomes]
    assert all(lineages.count(lineage) == 1 for lineage in lineages)


@pytest.mark.parametrize("finite", [False, True], ids=["continuous", "finite"])
def test_a_population_killed_at_any_epoch_goes_on_as_it_would_have(
    split: Split, tmp_path: Path, finite: bool
) -> None:
    study = _finite(budget={"trials": 9}) if finite else _study()
    undisturbed = _Trainer(study, tmp_path / "undisturbed", split)
    undisturbed.run()
    expected = read_outcomes(GROUP, undisturbed.folder)

    while not _Trainer(study, tmp_path / "killed", split).run(epochs=3):
        pass  # Nobody said goodbye.

    found = read_outcomes(GROUP, StudyFolder(tmp_path / "killed", study.name))
    assert [(o.trial_id, o.state, o.val_auroc, o.values, o.schedule) for o in found] == [
        (o.trial_id, o.state, o.val_auroc, o.values, o.schedule) for o in expected
    ]
    assert best(found) is not None


def test_a_failed_member_holds_nobody_up(split: Split, tmp_path: Path) -> None:
    journal = _Trainer(_study(), tmp_path, split).journal
    asked = [journal.ask() for _ in range(4)]
    first, second, third, fourth = (suggestion for suggestion in asked if suggestion)
    assert first.until == 2
    for suggestion in (first, second, third):
        journal.epoch(suggestion.trial_id, 2, 0.5)
        journal.checkpointed(suggestion.trial_id, f"/{suggestion.trial_id}", 2)
        journal.rests(suggestion.trial_id)
    assert journal.ask() is None
    assert not journal.exhausted()
    journal.failed(fourth.trial_id, "diverged")
    again = journal.ask()
    assert again is not None
    assert again.until == 4


def _yaml(text: str) -> Any:
    import yaml

    return yaml.safe_load(text)
