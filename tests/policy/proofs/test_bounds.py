"""What a user writes costs a bounded number of steps: counted here, measured in benchmarks/patterns.py."""

import pytest

from benchmarks import patterns as bench
from model.settings import read_settings
from policy.patterns import PatternError, glob, path_match, regex
from policy.rbac.scopes import read_scopes
from policy.windows import judge, opening, run
from tests.policy.proofs.strategies import at
from tests.policy.proofs.test_walk import TARGET, window


@pytest.mark.parametrize("text", bench.GLOBS.values(), ids=bench.GLOBS)
def test_globs_that_stall_others_are_answered(text: str) -> None:
    """Seven stars, hundreds of them, nested and open braces, long classes: one pass of RE2 or a string test."""
    for build in (glob, lambda value: glob(value, "/")):
        assert build(text).matches("!" + bench.TEXT) is False


@pytest.mark.parametrize("text", bench.EXPRESSIONS.values(), ids=bench.EXPRESSIONS)
def test_expressions_that_stall_others_are_answered_or_refused(text: str) -> None:
    """Nested repetition is answered; what would need more memory than a pattern may have is refused when compiled."""
    try:
        assert regex(text, anchored=True).matches(bench.TEXT + "!") is False
    except PatternError as failure:
        assert "too large" in str(failure)


@pytest.mark.parametrize("build", [glob, path_match, lambda text: regex(text, anchored=False)])
def test_patterns_have_a_length(build) -> None:  # type: ignore[no-untyped-def]
    """4,096 characters are taken, one more is not."""
    assert build("a" * 4096).matches("a" * 4096)
    with pytest.raises(PatternError, match="at most 4096"):
        build("a" * 4097)


def _merges(levels: int) -> str:
    """Return a YAML list whose entries merge the one before twice: each level doubles what is built."""
    return "\n".join(["- &a0 {k0: v}", *(f"- &a{n} {{k{n}: v, <<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, levels))])


def test_yaml_does_not_multiply() -> None:
    """Sixty doublings in two kilobytes: refused before anything is built, in the scopes and in globalProjects."""
    with pytest.raises(ValueError, match="expected a list"):
        read_scopes(_merges(60))
    assert read_settings({"globalProjects": _merges(60)}).problems


@pytest.mark.parametrize(
    ("schedule", "duration"),
    [
        ("* * * feb/2 *", "6m"),
        ("* * ?/2 * */4", "34h48m"),
        ("* * * 10-11 *", "819s"),
        ("* * * 2-12 *", "1m"),
        ("*/2 * * * *", "119s"),
    ],
)
def test_windows_that_join_up_are_followed_by_days(
    monkeypatch: pytest.MonkeyPatch, schedule: str, duration: str
) -> None:
    """A window that opens each minute of a month does not cost a step for each opening."""
    steps = []

    def counted(kind, *arguments):  # type: ignore[no-untyped-def]
        steps.append(kind)
        return kind(*arguments)

    for module in (opening, run):
        for name in ("latest_start", "next_start"):
            known = getattr(module, name)
            monkeypatch.setattr(module, name, lambda *arguments, known=known: counted(known, *arguments))
    found = judge(
        [window("deny", schedule, duration, "Europe/Amsterdam")], TARGET, at("2026-06-15T12:00"), manual=False
    )
    assert len(steps) < 2_500
    assert found.steady_until is not None
