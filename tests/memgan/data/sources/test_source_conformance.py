"""Every kind of source runs through the suite that is offered to those of plug-ins."""

from __future__ import annotations

import numpy as np
import pytest

from memgan.config.typed import DataConfig
from memgan.testing.source_suite import SourceSuite

KINDS = [
    "digits",
    "mnist",
    "fashion-mnist",
    "cifar10",
    "folder",
    "folder-with-parts",
    "folder-normals-only-in-train",
    "folder-colour-jpeg",
    "npz-parts",
    "npz-one-part-strings",
    "npz-fractions-channels-last",
    "npz-channels-first",
]


class TestEveryKind(SourceSuite):
    @pytest.fixture(params=KINDS)
    def config(
        self, request, random_images, write_folder, write_npz, write_idx, write_cifar
    ) -> DataConfig:
        labels = np.arange(40) % 4
        match request.param:
            case "digits":
                return DataConfig()
            case "mnist":
                return DataConfig(source="mnist", dir=write_idx("MNIST"))
            case "fashion-mnist":
                return DataConfig(source="fashion-mnist", dir=write_idx("FashionMNIST"))
            case "cifar10":
                return DataConfig(source="cifar10", dir=write_cifar())
            case "folder":
                root = write_folder({"cat": 12, "dog": 15})
            case "folder-with-parts":
                root = write_folder({"train/a": 12, "train/b": 12, "test/a": 4, "test/b": 5})
            case "folder-normals-only-in-train":
                root = write_folder({"train/good": 12, "test/good": 4, "test/crack": 5})
            case "folder-colour-jpeg":
                root = write_folder({"0": 12, "1": 12}, shape=(16, 9, 3), suffix=".JPEG")
            case "npz-parts":
                x = random_images(60, 9, 11)
                root = write_npz(x_train=x[:40], y_train=labels, x_test=x[40:], y_test=labels[:20])
            case "npz-one-part-strings":
                root = write_npz(x=random_images(40, 8, 8), y=np.array(list("abcd") * 10))
            case "npz-fractions-channels-last":
                root = write_npz(x=random_images(40, 8, 10, 3) / 255, y=labels)
            case "npz-channels-first":
                root = write_npz(x=random_images(40, 3, 8, 10).astype(np.int64), y=labels)
            case other:
                raise AssertionError(other)
        return DataConfig(source=str(root))
