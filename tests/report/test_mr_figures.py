"""Pictures of contours on an MR: a grey scale from the liver's own signal, and words without a CT."""

from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image
from tests.report.conftest import make_anatomy

from emboplan.model.anatomy import Anatomy
from emboplan.model.image import MrImage
from emboplan.report.figures import draw_anatomy
from emboplan.report.panels import Scene


def on_mr(unit: float) -> Anatomy:
    """The invented patient with an even liver of 100 units and lesions of 60; lungs are not seen on MR."""
    anatomy = make_anatomy()
    signal = np.where(anatomy.liver.voxels, 100.0, 25.0).astype(np.float32)
    signal[anatomy.lesions.labels > 0] = 60.0
    return replace(anatomy, image=MrImage(anatomy.grid, np.float32(unit) * signal), lungs=None)


def test_the_window_ends_at_twice_the_liver() -> None:
    """The normal liver counts, not the lesions."""
    assert Scene.of(on_mr(1.0), None).window == (0.0, 200.0)
    assert Scene.of(on_mr(0.5), None).window == (0.0, 100.0)
    assert Scene.of(make_anatomy(), None).window == (-160.0, 240.0)


def test_a_liver_without_signal_is_drawn_black() -> None:
    assert Scene.of(on_mr(0.0), None).window == (0.0, 2.0)


def test_pictures_do_not_depend_on_the_scanners_scale() -> None:
    """Four times the signal gives the same picture; its words name the MR and no Hounsfield units."""
    one, other = draw_anatomy(on_mr(1.0))[0], draw_anatomy(on_mr(4.0))[0]
    first, second = (np.asarray(Image.open(BytesIO(p.content)).convert("L")) for p in (one, other))
    assert np.array_equal(first, second)
    assert "window from no signal to 2 times the liver's" in one.caption
    assert "HU" not in one.caption
    assert "MR with contours of liver and lesions" in one.alt
