"""Frozen, typed configuration: one definition for YAML, command line and record."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from memgan.config.likely_keys import did_you_mean, dotted_keys, of_the_same_name
from memgan.config.no_yaml import images_are_given_by, is_of_images, no_yaml
from memgan.errors import ConfigError

_LONGEST = 2**18
"""Bytes of a YAML file; PyYAML takes seconds for as much."""


_MOST_PIXELS = 2**24


class Frozen(BaseModel):
    """The base of every configuration object: immutable, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Model = TypeVar("Model", bound=BaseModel)


def _at_home(value: Path) -> Path:
    try:
        return value.expanduser()
    except RuntimeError:
        raise ValueError("there is no such home folder") from None


UsersPath = Annotated[Path, AfterValidator(_at_home)]
"""A path that may begin with ~, which no shell has expanded in a file."""


def _switch(value: Any) -> Any:
    return ("off", "on")[value] if isinstance(value, bool) else value


Packing = Annotated[Literal["auto", "on", "off"], BeforeValidator(_switch)]
"""Whether detectors are trained as one. YAML reads `on` and `off` without quotes as true and
false."""


def class_names(value: Any) -> Any:
    """Normal classes as written in a file or an option ("all", 3, "0,1", [0, 1]) as names."""
    if value == "all":
        return value
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if isinstance(value, int):
        value = [value]
    if isinstance(value, list | tuple) and any(isinstance(part, bool) for part in value):
        raise ConfigError(
            "normal_class: YAML reads yes, no, on and off as true and false; put quotes around a"
            " class of that name"
        )
    names = tuple(str(part) for part in value) if isinstance(value, list | tuple) else ()
    if not names or "" in names:
        raise ConfigError("normal_class names no class; give 'all' or names joined by commas")
    return tuple(dict.fromkeys(names))


NormalClass = Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(class_names)]
"""Names of classes, or all of them."""


ResizePolicy = Literal["fit", "pad", "crop"]


class DataConfig(Frozen):
    """Which images, and how they are cut into train, validation and test."""

    source: str = "digits"
    """A registered name (`memgan data list`), a folder of images, a table of their files (.csv or
    .parquet with the columns path and label), or an .npz file."""
    dir: UsersPath | None = None
    """Where named data sets lie (else the environment variable MEMGAN_DATA)."""
    image_size: tuple[int, int] | None = None
    """Height and width in pixels to resize to, both at least 8; None keeps a source's own size."""
    resize: ResizePolicy = "fit"
    """How images come to that size, always antialiased. fit: both sides are resized, and
    proportions change. pad: proportions are kept; the whole image is in the middle, and its border
    is repeated around it. crop: proportions are kept, and both ends of the longer side are cut
    off; what lies there is not judged."""
    channels: Literal[1, 3] | None = None
    """1 is grey and 3 is colour; None keeps the source's own."""
    white_level: int | None = Field(None, ge=1, le=65535)
    """The value of a white pixel in the user's own files, such as 4095 for a camera of 12 bits;
    None takes 65535 for files of 16 bits and 255 for those of 8."""
    validation_fraction: float = Field(0.1, gt=0, lt=1)
    """The share of every class of the train part that is held out for validation."""
    test_fraction: float = Field(0.4, ge=0, lt=1)
    """The share that is cut off as the test part if a source has no official one; 0 cuts none."""
    validation: Literal["from-train", "from-test"] = "from-train"
    """Where labelled anomalies of the validation part come from. from-train: only from the train
    part. from-test: half of each anomalous class of the test part is lent to validation too, by
    `split_seed`. It is named in every report and card, and is not in the test figures."""
    calibration: Literal["holdout", "cross-fit"] = "holdout"
    """What thresholds and p-values of final detectors come from. holdout: the normal images of the
    validation part, which no detector trains on. cross-fit: the final detector trains on these
    too, and up to five more detectors, each trained without a fold of the images, score what they
    left out. So every image trains and calibrates, and a final takes six trainings."""
    cut: Literal["auto", "by-class", "by-use"] = "auto"
    """How images are shared out. by-class cuts every class alike. by-use gives the images of
    classes that are never trained on only to validation and test. auto is by-use for the user's own
    images, and by-class for the named data sets."""
    split_seed: int = Field(0, ge=0)
    """The seed of the cut into train, validation and test."""
    unreadable: Literal["refuse", "skip"] = "refuse"
    """What to do about an image file that cannot be read."""

    @field_validator("source")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("give a name that `memgan data list` knows, or a path")
        return value

    @field_validator("image_size", mode="before")
    @classmethod
    def _square(cls, value: Any) -> Any:
        return (value, value) if isinstance(value, int) else value

    @field_validator("image_size")
    @classmethod
    def _not_tiny(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value and min(value) < 8:
            raise ValueError("height and width must be at least 8")
        if value and value[0] * value[1] > _MOST_PIXELS:
            raise ValueError(
                f"height times width may be {_MOST_PIXELS} at most, as 4096 by 4096 is"
            )
        return value


def cut_as_it_began(values: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a study or a configuration that this program wrote, `data.cut` included.

    Versions before that key was there cut every class alike, and go on so.
    """
    data = values.get("data") or {}
    if not isinstance(data, Mapping) or "cut" in data:
        return dict(values)
    return {**values, "data": {**data, "cut": "by-class"}}


def parse(model: type[Model], values: Mapping[str, Any], where: str) -> Model:
    """`values` as a `model`, or a ConfigError of one line that names `where` and the remedy."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{where}: {explain(error, model)}") from None


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """The first fault of a ValidationError in one line; for an unknown key, the nearest known."""
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _keys_beside(model, first["loc"])
        elsewhere = of_the_same_name(path, dotted_keys(model))
        hint = did_you_mean(path, elsewhere) or did_you_mean(str(first["loc"][-1]), known)
        return f"unknown key {path!r};{hint} known keys: {', '.join(known)}"
    message = first["msg"].removeprefix("Value error, ")
    given = f" = {reprlib.repr(first['input'])}" if first["type"] != "missing" else ""
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{path}{given}: {message}{more}" if path else f"{message}{more}"


def _keys_beside(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    inner: Any = model
    for part in location[:-1]:
        field = getattr(inner, "model_fields", {}).get(part)
        if field is None:
            break
        options = [field.annotation, *getattr(field.annotation, "__args__", ())]
        inner = next((o for o in options if hasattr(o, "model_fields")), inner)
    return list(inner.model_fields)


class _Loader(yaml.SafeLoader):
    """Plain values, each written out where it stands."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        # Ten aliases of ten aliases of ten … are a file of a line and a value of gigabytes.
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not taken; write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        for key in mapping:
            if not isinstance(key, str):
                raise yaml.YAMLError(f"key {key!r} is no word; write it in quotes")
        return mapping


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file as a mapping, safe-loaded. ConfigError if it is absent, no mapping, uses
    aliases, or is larger than any that a person or this program writes."""
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST + 1)
    except OSError as error:
        raise ConfigError(no_yaml(path, error)) from None
    if is_of_images(path):
        raise ConfigError(f"{path} is no YAML file; {images_are_given_by(path)}")
    if len(text) > _LONGEST:
        raise ConfigError(f"{path}: larger than {_LONGEST // 2**10} KiB, so it is no YAML of ours")
    try:
        content = yaml.load(text.decode("utf-8"), _Loader)  # noqa: S506  # it is a SafeLoader
    except RecursionError:
        raise ConfigError(f"{path}: not valid YAML: nested too deep") from None
    except Exception as error:  # its constructors raise nearly anything on a value they do not like
        line = " ".join(str(error).split())
        raise ConfigError(f"{path}: not valid YAML: {line}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(content).__name__}")
    return content


def to_yaml(model: BaseModel) -> str:
    """The configuration as YAML that `read_yaml` and `parse` read back to an equal object."""
    content = model.model_dump(mode="json", exclude_none=True)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
