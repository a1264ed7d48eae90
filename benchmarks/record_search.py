"""The trials of a study as a record for docs/results.md: what was tried, by validation only.

    memgan search configs/studies/mnist-pca.yaml --data-dir DIR --results RESULTS
    python benchmarks/record_search.py mnist-pca --results RESULTS --remark "It chose …, as …"
    memgan reproduce page

writes benchmarks/results/searches/mnist-pca.json. Trials that failed, were cut off, or were stopped
before they had figures by class are left out. Seconds of a trial that was taken up again are those
of its last leg.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from memgan.data import load_split
from memgan.errors import MemganError, StudyError
from memgan.paper import Search, Trial
from search.journal import TrialOutcome, read_groups, read_studies
from search.results import StudyFolder

_ROOT = Path(__file__).parents[1]
_SHOWN = {"finished": "complete", "stopped": "stopped"}


def record(folder: StudyFolder, remark: str) -> Search:
    """What `folder` holds. StudyError where it is not the study of configs/studies/NAME.yaml, or
    where something else than validation AUROC judged its trials."""
    study = folder.load()
    file = _ROOT / "configs" / "studies" / f"{study.name}.yaml"
    if not file.is_file():
        raise StudyError(f"{file} is not there; a record names the file of its study")
    if study.judge != "val-auroc":
        raise StudyError(f"{study.name} was judged by {study.judge}, not by val-auroc")
    split = load_split(study.data)
    seconds = _seconds(folder.journal)
    outcomes = [o for group in read_groups(folder.journal).values() for o in group]
    return Search(
        name=study.name,
        dataset=split.source,
        split_hash=split.hash,
        study=file.relative_to(_ROOT).as_posix(),
        remark=remark,
        trials=[
            _trial(o, seconds[o.trial_id])
            for o in outcomes
            if o.state in _SHOWN and set(o.val_auroc) - {"mean"}
        ],
    )


def _trial(outcome: TrialOutcome, seconds: float) -> Trial:
    by_class = {k: round(v, 4) for k, v in outcome.val_auroc.items() if k != "mean"}
    return Trial.model_validate(
        {
            "values": outcome.values,
            "epochs": outcome.epochs,
            "state": _SHOWN[outcome.state],
            "val_auroc": by_class,
            "seconds": seconds,
        }
    )


def _seconds(journal: Path) -> dict[str, float]:
    """By trial id, of ended trials only."""
    return {
        f"{prefix}{trial.number:04d}": round(trial.duration.total_seconds(), 1)
        for prefix, study in read_studies(journal).items()
        for trial in study.trials
        if trial.duration
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("--results", default="results")
    parser.add_argument("--remark", required=True, help="what it chose, and why")
    options = parser.parse_args()
    try:
        found = record(StudyFolder.at(options.results, options.study), options.remark)
    except MemganError as error:
        parser.error(str(error))
    out = _ROOT / "benchmarks" / "results" / "searches" / f"{found.name}.json"
    out.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    print(f"{out}: {len(found.trials)} trials")


if __name__ == "__main__":
    main()
