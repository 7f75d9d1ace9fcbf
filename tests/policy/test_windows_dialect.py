"""Where croniter reads a schedule otherwise than Argo CD; whatever the text, an answer and never an exception."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.windows.dialect import difference, remarks
from tests.policy.test_windows import window


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 9 * * 1-5", ""),
        ("0 0 20 12 *", ""),
        ("0 0 1 * 1", ""),
        ("*/90 3/5 * jan-mar MON", ""),
        ("0 0 30 2 *", ""),
        ("0 0 */1 * 1", "common cron tools start on Friday 2027-01-01, Argo CD does not"),
        ("0 0 */1 6 1", "common cron tools start on Tuesday 2027-06-01, Argo CD does not"),
        ("0 0 ,1 * *", "Argo CD takes it, common cron tools do not"),
        ("TZ=UTC 0 0 * * *", "Argo CD takes it, common cron tools do not"),
        ("0 0 * * 7", "common cron tools take it, Argo CD does not"),
        ("@daily", "common cron tools take it, Argo CD does not"),
        ("R * * * *", "common cron tools take it, Argo CD does not"),
        ("0 0 L * *", "common cron tools take it, Argo CD does not"),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_differences(text: str, said: str) -> None:
    """Agreement says nothing; a difference names a day that shows it, or who refuses the text."""
    assert said == difference(text)


def test_a_remark_is_a_warning_at_the_schedule() -> None:
    """It has its code and place, and keeps the window valid."""
    found = window(schedule="0 0 */1 * 1")
    (remark,) = remarks(found)
    assert ("window-dialect", "warning") == (remark.code, remark.severity)
    assert f"{found.where}.schedule" == remark.where
    assert not found.invalid


FIELD = st.text(alphabet="0123456789*?,-/LWR#hHmonjan", min_size=1, max_size=6)


@given(st.one_of(st.text(max_size=30), st.lists(FIELD, min_size=4, max_size=7).map(" ".join)))
def test_no_text_is_too_odd(text: str) -> None:
    """Croniter's own exceptions never come through."""
    assert isinstance(difference(text), str)
