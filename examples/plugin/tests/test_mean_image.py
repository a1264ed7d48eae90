"""The suite that memgan's own detectors go through, and what is special to this one."""

import numpy as np
from memgan_mean_image import PLUGIN

from memgan.testing import DetectorSuite
from search import Study


class TestMeanImage(DetectorSuite):
    name = "mean-image"

    def test_a_larger_power_lets_single_pixels_count_more(self, maker, normals):
        even, spotted = np.full((1, 1, 8, 8), 20, np.uint8), np.zeros((1, 1, 8, 8), np.uint8)
        spotted[0, 0, 0, 0] = 255
        black = np.zeros_like(normals)

        def ratio(power):
            detector = maker.make(power=power)
            detector.fit_epoch(black)
            return detector.score(spotted) / detector.score(even)

        assert ratio(4.0) > ratio(1.0)


def test_its_own_space_is_searched():
    study = Study.default().with_options(detector="mean-image")
    assert set(study.search_space) == set(PLUGIN.space)
