"""What every refusal of bad input has in common."""


def assert_refused(outcome, *parts, workdir):
    """One clear sentence with these parts, exit code 2, nothing left behind."""
    assert outcome.code == 2, outcome
    for part in parts:
        assert part in outcome.err, outcome.err
    assert "Traceback" not in outcome.err + outcome.out
    outputs = workdir / "outputs"
    assert not outputs.exists() or not list(outputs.iterdir())
