"""What a case may hold."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from meta_tests.builders import make_case


def test_a_case_is_not_seen_more_often_than_it_was_tried() -> None:
    with pytest.raises(ValidationError, match="more often than it was tried"):
        make_case(seen=3, tried=2)
