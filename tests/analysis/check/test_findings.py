"""What the folder of broken losses does not show: every other finding, and what sound ones lack."""

import pytest
import torch
import torch.nn.functional as F
from losslab import losses
from losslab.analysis.check import LEVELS, check_function
from losslab.errors import UserError

BCE = F.binary_cross_entropy_with_logits


def found(loss, kind, **options):
    """The finding of that kind, or None."""
    report = check_function(loss, **options)
    return next((finding for finding in report.findings if finding.kind == kind), None)


def noisy(logits, target):
    return BCE(logits + 0.1 * torch.randn_like(logits), target, reduction="none")


def summed(prediction, target):
    return ((prediction - target) ** 2).sum()


def of_all_pairs(prediction, target):
    error = (prediction - target).square().sum(1)
    return error.sum() ** 2


def coupled(prediction, target):
    return ((prediction - target) ** 2).mean().add(1).log()


def class_mean(logits, target):
    of_class = F.one_hot(target, logits.shape[1]).to(logits.dtype)
    log_p = logits.log_softmax(1)
    hit = (log_p.exp() * of_class).sum(0) / (of_class.sum(0) + 1e-6)
    return 1 - hit.mean()


class _Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * gradient * x


def once_differentiable(prediction, target):
    return _Once.apply(prediction - target)


def branches(prediction, target):
    error = (prediction - target) ** 2
    return error * (2.0 if error.max() > 1 else 1.0)


def keeps_copies(logits, target):
    copies = torch.stack([(logits * k).sigmoid() for k in range(1, 9)])
    return BCE(logits, target, reduction="none") + 0 * copies.square().mean(0)


def large_values_refused(logits, target):
    if logits.abs().max() > 100:
        raise ValueError("logits above 100")
    return BCE(logits, target, reduction="none")


def double_refused(prediction, target):
    return ((prediction - target) @ torch.eye(2)) ** 2


def half_refused(prediction, target):
    if prediction.dtype == torch.float16:
        raise ValueError("not in half")
    return (prediction - target) ** 2


def exponential(prediction, target):
    return (prediction - target).abs().exp()


def constant_of_the_answer(y_pred, y_true):
    return (y_pred * 0).mean() + y_true.float().mean()


def fails_on_the_way_back(prediction, target):
    error = (prediction - target) ** 2
    if error.requires_grad:
        error.register_hook(lambda gradient: gradient / [])
    return error


def for_seven_only(prediction, target):
    if len(prediction) not in (1, 7):
        raise ValueError("batches of seven, please")
    return (prediction - target) ** 2


def part_cut(mu, logvar):
    return mu**2 + logvar.detach() ** 2


def nan_everywhere(logits, target):
    return torch.log(-BCE(logits, target, reduction="none").abs() - 1)


def signs_only(y_pred, y_true):
    return F.softplus(-y_pred * y_true)


# The loss, what is found, its level, and the evidence.
KINDS = {
    "random": (noisy, "note", "two calls with the same tensors"),
    "sums over the batch": (summed, "note", "the same batch twice is worth twice as much"),
    "depends on the batch size": (of_all_pairs, "note", "the same batch twice is worth"),
    "rows influence each other": (coupled, "note", "the first sample's gradient changes by"),
    "class absence": (class_mean, "warning", "once a class is absent"),
    "no second derivative": (once_differentiable, "note", "once_differentiable"),
    "not ready for vmap": (branches, "note", "vmap"),
    "not ready for compile": (branches, "note", "ata-dependent"),
    "memory": (keeps_copies, "note", "× the answer's bytes are kept for the backward pass"),
    "extremes refused": (large_values_refused, "note", "ValueError: logits above 100"),
    "double precision refused": (double_refused, "note", "same dtype"),
    "half precision refused": (half_refused, "note", "float16: not in half"),
    "overflow": (exponential, "warning", "with residuals of ±1e4, first made by exp (test_find"),
    "constant": (constant_of_the_answer, "broken", "the value is the same everywhere, too"),
    "fails": (fails_on_the_way_back, "broken", "TypeError: unsupported operand"),
    "not examined": (for_seven_only, "note", "batch: ValueError: batches of seven, please"),
    "gradient part cut": (part_cut, "warning", "no gradient reaches logvar after detach ("),
    "not finite anywhere": (nan_everywhere, "broken", "the value is nan with ordinary values"),
    "labels −1 and 1": (signs_only, "note", "targets of −1 and 1"),
    "takes probabilities": (torch.nn.BCELoss(), "note", "right as a probability, not as a logit"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_found(kind):
    loss, level, evidence = KINDS[kind]
    layout = "mask" if loss is keeps_copies else None
    finding = found(loss, kind, layout=layout)
    assert finding is not None
    assert finding.level == level
    assert evidence in finding.evidence


def test_nothing_is_found_in_a_sound_loss():
    report = check_function(losses.bce)
    assert report.findings == ()
    assert not report.broken
    assert (report.name, report.probed) == ("bce", "one logit a sample, target 0 or 1")
    assert {"multilabel", "mask"} <= set(report.also)


def test_the_worst_comes_first():
    def loss(logits, target):
        p = torch.sigmoid(logits)
        return -(target * torch.log(p) + (1 - target) * torch.log(1 - p)).float()

    levels = [LEVELS.index(finding.level) for finding in check_function(loss).findings]
    assert len(set(levels)) > 1
    assert levels == sorted(levels)


def test_noise_is_not_taken_for_influence():
    kinds = {finding.kind for finding in check_function(noisy).findings}
    assert not kinds & {"rows influence each other", "depends on the batch size"}


def test_it_draws_from_a_generator_of_its_own():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    check_function(noisy)
    assert torch.equal(torch.rand(3), expected)


def test_the_seed_changes_the_numbers_and_not_the_verdict():
    reports = [check_function(summed, seed=seed) for seed in (0, 1)]
    kinds = [[finding.kind for finding in report.findings] for report in reports]
    assert kinds[0] == kinds[1]
    assert reports[0].findings != reports[1].findings


def test_a_quick_look_finds_what_is_broken_and_no_note():
    def loss(prediction, target):
        return -branches(prediction, target)

    full, quick = check_function(loss), check_function(loss, quick=True)
    assert full.broken
    assert quick.broken
    assert len(quick.findings) < len(full.findings)


def test_what_comes_after_the_gradient_calls_nothing_broken():
    """So that a quick look is enough to know."""
    for loss, level, _ in KINDS.values():
        if level != "broken" and loss is not keeps_copies:
            assert not check_function(loss).broken


@pytest.mark.parametrize(
    ("step", "broken"), [(1.0, False), (0.99, True)], ids=["its own", "one percent too small"]
)
def test_a_gradient_is_its_own_or_it_is_not(step, broken):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return 2 * step**2 * gradient * x

    loss = check_function(lambda prediction, target: Square.apply(prediction - target), quick=True)
    assert [finding.kind for finding in loss.findings] == ["gradient differs"] * broken


def test_kinks_are_no_wrong_gradient():
    assert found(F.l1_loss, "gradient differs") is None
    assert found(losses.perceptron, "gradient differs") is None


def test_a_kind_of_target_can_be_asked_for():
    report = check_function(losses.dice, layout="mask")
    assert report.probed == "logits of an image, target a mask"
    assert report.also == ()


def test_a_module_is_called_by_its_class():
    assert check_function(torch.nn.MSELoss(), quick=True).name == "MSELoss"


def test_what_nothing_fits_is_an_error():
    def loss(logits, target):
        raise ValueError("only on Sundays")

    with pytest.raises(UserError, match="only on Sundays"):
        check_function(loss)
