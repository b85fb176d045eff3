"""Origins of contours: whose name, version and licence a review shows."""

import emboplan
from emboplan.segmentation.backends import BUILTIN, GIVEN, Origin, review_of

OTHER = Origin("other", "2.0", "MIT")


def test_one_origin_is_said_plainly() -> None:
    review = review_of(OTHER, OTHER, "a reader")
    assert (review.backend, review.backend_version, review.backend_licence) == ("other", "2.0", "MIT")
    assert (review.confirmed_by, review.history) == ("a reader", ("liver and lesions: other 2.0 (MIT)",))


def test_two_origins_are_joined_in_one_order() -> None:
    """Liver by one and lesions by the other, or the reverse: the same backend, another history."""
    one, two = review_of(OTHER, GIVEN), review_of(GIVEN, OTHER)
    assert one.backend == two.backend == "given+other"
    assert one.backend_version == "other 2.0"
    assert one.history == ("liver: other 2.0 (MIT)", "lesions: given")
    assert two.history == ("liver: given", "lesions: other 2.0 (MIT)")


def test_masks_alone_have_no_version() -> None:
    review = review_of(GIVEN, GIVEN)
    assert (review.backend, review.backend_version, review.backend_licence) == ("given", None, None)


def test_the_built_in_segmentation_is_of_this_version() -> None:
    assert (BUILTIN.name, BUILTIN.version, BUILTIN.licence) == ("builtin", emboplan.__version__, "Apache-2.0")
