"""Finding a source by name or path, and the named sets' files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memgan.config.typed import DataConfig
from memgan.data import load_source
from memgan.data.images import Source
from memgan.data.sources.named import SOURCES, NamedSource, look_at_named
from memgan.errors import DataError, UnknownName


def test_digits_are_scaled_to_bytes() -> None:
    train = load_source(DataConfig()).train

    assert train.images.shape == (1797, 1, 8, 8)
    assert train.class_names == tuple("0123456789")
    assert (train.images.min(), train.images.max()) == (0, 255)


def test_what_was_looked_at_is_not_taken_for_images_framed_in_another_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[str] = []

    def load(config: DataConfig, download: bool) -> Source:
        loaded.append(config.resize)
        return SOURCES["digits"].load(config, download)

    monkeypatch.setitem(SOURCES, "mnist", NamedSource("framed", load))  # type: ignore[misc]
    look_at_named(DataConfig(source="mnist", resize="fit"))
    load_source(DataConfig(source="mnist", resize="crop"))
    look_at_named(DataConfig(source="mnist", resize="crop"))
    load_source(DataConfig(source="mnist", resize="crop", split_seed=1))

    assert loaded == ["fit", "crop", "crop"]


def test_an_unknown_name_gets_the_nearest_and_the_way_to_a_path() -> None:
    with pytest.raises(UnknownName, match=r"'mnits'; did you mean 'mnist'\?.*folder.*\.npz"):
        load_source(DataConfig(source="mnits"))


def test_a_path_is_looked_for_below_the_data_folder_too(
    write_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_folder({"a": 3, "b": 3}, name="mine")

    assert load_source(DataConfig(source="mine", dir=root.parent)).name == "mine"
    monkeypatch.setenv("MEMGAN_DATA", str(root.parent))
    assert load_source(DataConfig(source="mine")).name == "mine"


def test_a_folder_called_as_a_named_set_does_not_pass_for_it(
    write_folder: Callable[..., Path],
) -> None:
    root = write_folder({"a": 3, "b": 3}, name="mnist")

    assert load_source(DataConfig(source=str(root))).name == "mnist-files"


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pictures.zip"
    path.touch()

    with pytest.raises(DataError, match="neither a folder of images nor a table of files nor an"):
        load_source(DataConfig(source=str(path)))


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
def test_a_missing_set_says_where_it_was_looked_for_and_never_downloads(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match=f"{name} is not in {tmp_path}; .*--data-dir.*--download"):
        load_source(DataConfig(source=name, dir=tmp_path))
    assert list(tmp_path.iterdir()) == []

    monkeypatch.delenv("MEMGAN_DATA", raising=False)
    with pytest.raises(DataError, match="--data-dir DIR or set MEMGAN_DATA"):
        load_source(DataConfig(source=name))


def test_official_parts_keep_their_order_and_labels(write_idx: Callable[[str], Path]) -> None:
    root = write_idx("MNIST")
    raw = (root / "MNIST" / "raw" / "t10k-images-idx3-ubyte").read_bytes()

    test = load_source(DataConfig(source="mnist", dir=root)).test

    assert test is not None
    assert test.images.tobytes() == raw[16:]
    assert test.labels.tolist() == [n % 10 for n in range(20)]


def test_colour_planes_come_first(write_cifar: Callable[[], Path]) -> None:
    source = load_source(DataConfig(source="cifar10", dir=write_cifar()))

    planes = np.random.default_rng(1).integers(0, 256, (20, 3072), dtype=np.uint8)
    assert np.array_equal(source.train.images[:20], planes.reshape(20, 3, 32, 32))
    assert source.train.class_names[3] == "cat"


@pytest.mark.parametrize("keep", [0, 8, 100])
def test_a_damaged_set_is_refused_in_one_line(write_idx: Callable[[str], Path], keep: int) -> None:
    root = write_idx("FashionMNIST")
    path = root / "FashionMNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(DataError, match="fashion-mnist is damaged") as raised:
        load_source(DataConfig(source="fashion-mnist", dir=root))
    assert "\n" not in str(raised.value)


def test_batches_that_are_not_the_official_ones_are_never_unpickled(
    write_cifar: Callable[[], Path],
) -> None:
    root = write_cifar()
    trap = root / "cifar-10-batches-py" / "data_batch_2"
    # A pickle that would exit the interpreter if it were loaded.
    trap.write_bytes(b"cbuiltins\nexit\n(I3\ntR.")

    with pytest.raises(DataError, match="cifar10 is damaged"):
        load_source(DataConfig(source="cifar10", dir=root))


def test_importing_the_package_stays_light(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import memgan.data, memgan.cli.data_commands, sys;"
        "print([m for m in ('torch', 'sklearn', 'torchvision', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_folder_that_does_not_exist_is_no_missing_plug_in(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match=r"fotos does not exist; did you mean .*photos") as caught:
        load_source(DataConfig(source=f"{tmp_path}/fotos"))
    assert "plug-in" not in str(caught.value)


def test_a_study_file_is_given_without_data(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("name: a")
    with pytest.raises(DataError, match=r"YAML file, not images.*memgan search .*study.yaml"):
        load_source(DataConfig(source=str(tmp_path / "study.yaml")))


def test_an_image_in_two_classes_of_an_npz_is_told(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)
    x[4] = x[1]
    np.savez(
        tmp_path / "a.npz", x_train=x[:4], y_train=list("aabb"), x_test=x[4:], y_test=["b", "a"]
    )
    (told,) = load_source(DataConfig(source=str(tmp_path / "a.npz"))).remarks
    assert told.startswith(
        "1 image is in more than one class, pixel by pixel, such as train image 1"
    )
    assert "train image 1 (class a) and test image 0 (class b)" in told
