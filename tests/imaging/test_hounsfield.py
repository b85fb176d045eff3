"""Padding: numbers below any matter become air, and nothing else is touched."""

import numpy as np

from emboplan.imaging.hounsfield import padding_to_air


def test_padding_becomes_air_and_the_rest_stays() -> None:
    hu = np.array([-3024, -2000, -1500, -1100, -1024, 0, 3071], np.int16)
    assert padding_to_air(hu) == 2
    assert hu.tolist() == [-1000, -1000, -1500, -1100, -1024, 0, 3071]


def test_an_image_without_padding_is_left_alone() -> None:
    hu = np.array([-1024.5, 40.0], np.float32)
    assert padding_to_air(hu) == 0
    assert hu.tolist() == [-1024.5, 40.0]
