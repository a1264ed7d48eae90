"""What of a study can be given on a command line: one table, from which the options, their help,
the keys of a study file, the rule of resuming and the reference page come. A second one has what
says how a study is driven, and is not kept with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Kind = type[str] | type[int] | type[float] | type[Path]


@dataclass(frozen=True)
class StudyOption:
    """An option that sets a key of a study."""

    name: str
    kind: Kind
    place: tuple[str, ...]
    """The key in a study file, section by section."""
    metavar: str
    help: str
    may_differ: bool = False
    """Whether it may be another value when a study is resumed."""
    spelled: str | None = None

    @property
    def flag(self) -> str:
        """As it is written on a command line."""
        return f"--{(self.spelled or self.name).replace('_', '-')}"

    @property
    def key(self) -> str:
        """As it is written in a study file, with dots between sections."""
        return ".".join(self.place)


STUDY_OPTIONS: tuple[StudyOption, ...] = (
    StudyOption(
        "detector",
        str,
        ("detector",),
        "NAME",
        "memgan, memgan-plus, memgan-turns, memae, dsvdd, dcae, autoencoder, alice, ama, alad,"
        " anogan, dagmm, dsebm, pca, neighbours, ocsvm, iforest, patch-memory, hog-neighbours, or"
        " a plug-in's.",
    ),
    StudyOption(
        "protocol",
        str,
        ("protocol",),
        "shared|per-class",
        "One configuration for all normal classes, or one for each.",
    ),
    StudyOption("normal_class", str, ("normal_class",), "all|C[,C…]", "Normal classes."),
    StudyOption(
        "trials", int, ("budget", "trials"), "N", "The number of trials in all.", may_differ=True
    ),
    StudyOption("epochs", int, ("fixed", "epochs"), "N", "Epochs of a trial."),
    StudyOption(
        "time_budget",
        str,
        ("budget", "time"),
        "30m",
        "The most time over all invocations: 90s, 30m, 4h, 2d.",
        may_differ=True,
    ),
    StudyOption(
        "sampler",
        str,
        ("sampler", "name"),
        "tpe|gp|cmaes|qmc|nsga2|random",
        "What proposes the next trial; a plug-in's name works too.",
    ),
    StudyOption(
        "scheduler",
        str,
        ("scheduler", "name"),
        "asha|hyperband|median|pbt|none",
        "What stops a trial early, or changes it on the way.",
    ),
    StudyOption(
        "objective",
        str,
        ("objective",),
        "val-auroc|label-free[,scoring-seconds|address_perplexity|mutual_information]",
        "What judges trials: labelled anomalies, or anomalies made from normal images. Then what"
        " else counts.",
    ),
    StudyOption(
        "final_seeds",
        int,
        ("final", "seeds"),
        "N",
        "Seeds with which the winner is trained again.",
    ),
    StudyOption(
        "trial_seeds",
        int,
        ("trial_seeds",),
        "N",
        "How many seeds a trial is trained with; their mean judges it.",
    ),
    StudyOption("seed", int, ("seed",), "N", "The study's seed."),
    StudyOption("source", str, ("data", "source"), "NAME|PATH", "The images.", spelled="data"),
    StudyOption(
        "data_dir", Path, ("data", "dir"), "DIR", "Where named data sets lie [MEMGAN_DATA]."
    ),
    StudyOption(
        "device",
        str,
        ("resources", "device"),
        "auto|cpu|cuda",
        "Where trials are trained.",
        may_differ=True,
    ),
    StudyOption(
        "gpus_per_trial",
        float,
        ("resources", "gpus_per_trial"),
        "F",
        "The GPUs that a trial takes; with a fraction, several trials share one.",
        may_differ=True,
    ),
    StudyOption(
        "cpus_per_trial",
        float,
        ("resources", "cpus_per_trial"),
        "F",
        "Cores that a trial takes.",
        may_differ=True,
    ),
    StudyOption(
        "max_concurrent",
        int,
        ("resources", "max_concurrent"),
        "N",
        "The most trials that run at a time.",
        may_differ=True,
    ),
    StudyOption(
        "packing",
        str,
        ("resources", "packing"),
        "auto|on|off",
        "Train the classes of a trial as one model.",
        may_differ=True,
    ),
    StudyOption(
        "precision",
        str,
        ("resources", "precision"),
        "auto|fp32|tf32|bf16",
        "The arithmetic of training.",
    ),
    StudyOption(
        "price_per_hour",
        float,
        ("resources", "price_per_hour"),
        "F",
        "The price of all machines; shows what a study costs.",
        may_differ=True,
    ),
)


@dataclass(frozen=True)
class DrivingOption:
    """An option that says how a study is driven: it changes nothing of what the study is."""

    name: str
    metavar: str
    help: str

    @property
    def flag(self) -> str:
        """As it is written on a command line."""
        return f"--{self.name.replace('_', '-')}"


DRIVING_OPTIONS: tuple[DrivingOption, ...] = (
    DrivingOption(
        "experiment",
        "NAME",
        "MLflow's experiment for the runs [MLFLOW_EXPERIMENT_NAME]; else the study's name.",
    ),
    DrivingOption(
        "wait_for",
        "GPU=1",
        "Begin once the cluster at --address has this; several as GPU=1,CPU=8.",
    ),
    DrivingOption(
        "wait_at_most",
        "30m",
        "With --wait-for: how long to wait for it (default: until it is there).",
    ),
    DrivingOption(
        "notify",
        "COMMAND|URL",
        "Run this, or post to it, when the study ends, fails or waits [MEMGAN_NOTIFY].",
    ),
)
