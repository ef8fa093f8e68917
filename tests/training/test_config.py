import pytest
from losslab.training.config import ObjectiveConfig, TrackingConfig, TrainerConfig


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "trainer.epochs must be at least 1; got 0"),
        ({"batch_size": -1}, "trainer.batch_size must be at least 1"),
        ({"patience": 0}, "trainer.patience must be at least 1"),
        ({"precision": "fp8"}, "trainer.precision must be fp32 or bf16; got fp8"),
        ({"clip_norm": 0.0}, "trainer.clip_norm must be positive"),
        ({"checkpoint_every": -1.0}, "trainer.checkpoint_every must be positive"),
        ({"min_delta": -0.1}, "trainer.min_delta must not be negative"),
    ],
)
def test_values_out_of_range(values, message):
    with pytest.raises(ValueError, match=message):
        TrainerConfig(**values)


def test_points_are_logged_every_step_at_the_most():
    with pytest.raises(ValueError, match=r"tracking\.log_every must be at least 1; got 0"):
        TrackingConfig(log_every=0)


def test_curvature_is_measured_after_whole_epochs():
    with pytest.raises(ValueError, match=r"objective\.curvature_every must be at least 1; got 0"):
        ObjectiveConfig(curvature_every=0)
