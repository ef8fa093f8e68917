"""Cosine and correlations: closed forms, torch 2.13.0, SciPy 1.17.1."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from losslab.losses import concordance, cosine, mse, pearson, soft_spearman
from scipy.stats import pearsonr, spearmanr
from torch import Tensor

Loss = Callable[..., Tensor]
CORRELATIONS = pytest.mark.parametrize("loss", [pearson, concordance, soft_spearman])


def drawn(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Answers and targets that have to do with each other."""
    g = torch.Generator().manual_seed(seed)
    target = torch.randn(*shape, generator=g, dtype=torch.double)
    return 2 * target + torch.randn(*shape, generator=g, dtype=torch.double) + 1, target


def gradient_of(loss: Loss, answer: Tensor, *others: Tensor) -> Tensor:
    answer = answer.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(answer, *others).sum(), answer)
    return gradient


def standardised(x: Tensor) -> Tensor:
    return (x - x.mean(0)) / x.std(0, correction=0)


# Cosine


def test_cosine_is_one_minus_torchs_similarity() -> None:
    answer, target = drawn(6, 4)
    expected = 1 - F.cosine_similarity(answer, target)
    torch.testing.assert_close(cosine(answer, target), expected)
    answer, target = drawn(6, 4, 2, 3)
    assert cosine(answer, target).shape == (6, 2, 3)
    torch.testing.assert_close(cosine(answer, target), 1 - F.cosine_similarity(answer, target))


def test_cosine_is_half_the_squared_distance_of_unit_vectors() -> None:
    answer, target = drawn(6, 4)
    distance = mse(F.normalize(answer), F.normalize(target)).sum(1)
    torch.testing.assert_close(cosine(answer, target), distance / 2)


def test_cosine_leaves_the_length_free() -> None:
    answer, target = drawn(6, 4)
    torch.testing.assert_close(cosine(1e3 * answer, 1e-3 * target), cosine(answer, target))
    along = (gradient_of(cosine, answer, target) * answer).sum(1)
    torch.testing.assert_close(along, torch.zeros(6).double())


def test_the_best_constant_of_cosine_has_the_direction_of_the_mean_unit_target() -> None:
    _, target = drawn(50, 3)
    best = F.normalize(target).mean(0)
    gradient = gradient_of(lambda a, t: cosine(a.expand(50, 3), t), best.unsqueeze(0), target)
    torch.testing.assert_close(gradient, torch.zeros(1, 3).double())


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_cosine_of_a_vector_of_zeros_is_1_and_pulls_towards_the_target(dtype: torch.dtype) -> None:
    zero, target = torch.zeros(1, 2, dtype=dtype), torch.tensor([[3.0, 4.0]], dtype=dtype)
    assert cosine(zero, target).item() == 1
    expected = torch.tensor([[-0.6, -0.8]], dtype=dtype)
    torch.testing.assert_close(gradient_of(cosine, zero, target), expected)
    assert (gradient_of(cosine, target, zero) == 0).all()


def test_cosine_needs_an_axis_of_features() -> None:
    with pytest.raises(ValueError, match=r"axis of features.*got shape \(4,\).*use pearson"):
        cosine(torch.zeros(4), torch.zeros(4))


# Correlations


def test_pearson_is_scipys() -> None:
    answer, target = drawn(9, 2)
    each = [1 - pearsonr(answer[:, o], target[:, o]).statistic for o in range(2)]
    assert pearson(answer, target).item() == pytest.approx(sum(each) / 2, rel=1e-12)
    assert pearson(answer[:, 0], target[:, 0]).item() == pytest.approx(each[0], rel=1e-12)


def test_pearson_is_half_of_mse_of_standardised_values() -> None:
    answer, target = drawn(9, 1)
    expected = mse(standardised(answer), standardised(target)).mean() / 2
    torch.testing.assert_close(pearson(answer, target), expected)


def test_concordance_is_lins_coefficient() -> None:
    answer, target = drawn(9, 1)
    a, t = answer.squeeze(1).numpy(), target.squeeze(1).numpy()
    covariance = ((a - a.mean()) * (t - t.mean())).mean()
    expected = 2 * covariance / (a.var() + t.var() + (a.mean() - t.mean()) ** 2)
    assert concordance(answer, target).item() == pytest.approx(1 - expected, rel=1e-12)


def test_with_means_and_spreads_alike_concordance_is_pearson() -> None:
    answer, target = (standardised(x) for x in drawn(9, 2))
    torch.testing.assert_close(concordance(answer, target), pearson(answer, target))


def test_concordance_keeps_its_digits_near_0() -> None:
    target = torch.tensor([1.0, 2.0, 3.0])
    assert concordance(target, target) == 0
    answer = target + torch.tensor([1e-4, 0, -1e-4])
    expected = ((answer - target).double() ** 2).sum() / 4  # 3 (σ² + σ²) = 4
    assert concordance(answer, target).item() == pytest.approx(expected.item(), rel=1e-3)


@pytest.mark.parametrize("ties", [False, True], ids=["no ties", "ties"])
def test_at_a_low_temperature_soft_spearman_is_scipys(ties: bool) -> None:
    answer, target = drawn(30, 2)
    if ties:
        answer, target = (2 * answer).round(), (2 * target).round()
    each = [1 - spearmanr(answer[:, o], target[:, o]).statistic for o in range(2)]
    value = soft_spearman(answer, target, temperature=1e-6).item()
    assert value == pytest.approx(sum(each) / 2, rel=1e-9)


def test_at_a_high_temperature_soft_spearman_is_pearson_with_the_targets_ranks() -> None:
    answer, target = drawn(30, 1)
    ranks = target.argsort(0).argsort(0).double()
    value = soft_spearman(answer, target, temperature=1e4)
    torch.testing.assert_close(value, pearson(answer, ranks), rtol=1e-6, atol=0)


def test_soft_ranks_are_what_the_formula_says() -> None:
    answer, target = drawn(7, 1)
    x, spread = answer.squeeze(1), answer.std(correction=0)
    soft = torch.sigmoid((x.unsqueeze(1) - x) / (0.3 * spread)).sum(1)
    expected = pearson(soft, target.squeeze(1).argsort().argsort().double())
    torch.testing.assert_close(soft_spearman(answer, target, temperature=0.3), expected)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_wrong_order_keeps_its_gradient_however_far_apart_the_answers(scale: float) -> None:
    answer, target = drawn(16, 1)
    loss = soft_spearman(-scale * answer, target)
    gradient = scale * gradient_of(soft_spearman, -scale * answer, target)
    assert loss > 1.8
    assert gradient.norm() > 0.05


@pytest.mark.parametrize("loss", [pearson, soft_spearman])
def test_exactly_opposite_answers_have_no_gradient(loss: Loss) -> None:
    target = torch.arange(8).double().unsqueeze(1)
    assert loss(-target, target) > 1.9
    assert gradient_of(loss, -target, target).abs().max() < 0.02


@pytest.mark.parametrize("loss", [pearson, soft_spearman])
def test_offset_and_scale_of_the_answers_mean_nothing(loss: Loss) -> None:
    answer, target = drawn(9, 2)
    torch.testing.assert_close(loss(30 * answer - 5, target), loss(answer, target))
    gradient = gradient_of(loss, answer, target)
    torch.testing.assert_close(gradient.sum(0), torch.zeros(2).double())
    torch.testing.assert_close((gradient * answer).sum(0), torch.zeros(2).double())


def test_pearsons_gradient_is_that_of_the_docstring() -> None:
    answer, target = drawn(9, 1)
    a, t = standardised(answer), standardised(target)
    expected = -(t - (a * t).mean() * a) / (9 * answer.std(correction=0))
    torch.testing.assert_close(gradient_of(pearson, answer, target), expected)


def test_concordances_gradient_is_that_of_the_docstring() -> None:
    answer, target = drawn(9, 1)
    loss = concordance(answer, target)
    moment = ((answer - target.mean()) ** 2 + (target - target.mean()) ** 2).mean()
    expected = 2 / (9 * moment) * ((answer - target) - loss * (answer - target.mean()))
    torch.testing.assert_close(gradient_of(concordance, answer, target), expected)


def test_the_best_answers_of_concordance_have_the_spread_of_the_targets() -> None:
    group = torch.arange(4).double().repeat_interleave(50).unsqueeze(1)
    target = group + 2 * torch.randn(200, 1, generator=torch.Generator().manual_seed(0))
    mean = torch.stack([target[50 * g : 50 * g + 50].mean() for g in range(4)])
    mean = mean.repeat_interleave(50).unsqueeze(1)  # what mse would answer
    stretch = target.std() / mean.std()
    best = mean.mean() + stretch * (mean - mean.mean())
    by_group = gradient_of(concordance, best, target).reshape(4, 50).sum(1)
    torch.testing.assert_close(by_group, torch.zeros(4).double())
    assert concordance(best, target) < concordance(mean, target)


@CORRELATIONS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["fp32", "fp64"])
@pytest.mark.parametrize("constant", [0.0, 0.1, -1e4])
def test_constant_answers_cost_1_and_are_spread_by_a_finite_gradient(
    loss: Loss, dtype: torch.dtype, constant: float
) -> None:
    target = drawn(37, 1)[1].to(dtype)
    answer = torch.full((37, 1), constant, dtype=dtype)
    gradient = gradient_of(loss, answer, target)
    assert loss(answer, target).item() == pytest.approx(1, abs=1e-6)
    assert gradient.isfinite().all()
    assert gradient.abs().max() < 10
    # A step against it moves the answers apart, in the order of the targets.
    centred = target - target.mean()
    assert -(gradient * centred).sum() > 0


@CORRELATIONS
def test_constant_targets_cost_1_and_teach_nothing_but_their_value(loss: Loss) -> None:
    answer = drawn(9, 1)[0]
    target = torch.full((9, 1), 0.1).double()
    assert loss(answer, target).item() == pytest.approx(1, abs=1e-12)
    gradient = gradient_of(loss, answer, target)
    assert gradient.isfinite().all()
    assert gradient.abs().max() < 1e-6


def test_concordance_of_equal_constants_is_0() -> None:
    same = torch.full((5, 1), 0.1)
    assert concordance(same, same) == 0
    assert (gradient_of(concordance, same, same) == 0).all()


@CORRELATIONS
def test_one_sample_alone_gives_a_finite_value_and_gradient(loss: Loss) -> None:
    answer, target = drawn(1, 2)
    assert loss(answer, target).isfinite()
    assert gradient_of(loss, answer, target).isfinite().all()


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch's own, forward mode
@CORRELATIONS
def test_gradients_are_those_of_finite_differences(loss: Loss) -> None:
    answer, target = drawn(5, 2)
    weight = torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0]).double()
    for weights in (None, weight):
        leaves = (answer.clone().requires_grad_(), target, weights)
        assert torch.autograd.gradcheck(loss, leaves, check_forward_ad=True)
        assert torch.autograd.gradgradcheck(loss, leaves, fast_mode=True)


@CORRELATIONS
def test_a_weight_counts_a_sample_so_many_times(loss: Loss) -> None:
    answer, target = drawn(6, 2)
    counts = torch.tensor([2, 0, 1, 3, 1, 1])
    repeated = answer.repeat_interleave(counts, 0), target.repeat_interleave(counts, 0)
    torch.testing.assert_close(loss(answer, target, counts.double()), loss(*repeated))
    torch.testing.assert_close(loss(answer, target, 7.0 * counts), loss(*repeated))


@CORRELATIONS
def test_each_output_may_leave_out_its_own_samples(loss: Loss) -> None:
    answer, target = drawn(6, 3)
    weight = torch.ones(6, 3).double()
    weight[:2, 0], weight[:, 2] = 0, 0  # the last output is left out altogether
    first = loss(answer[2:, 0], target[2:, 0])
    second = loss(answer[:, 1], target[:, 1])
    torch.testing.assert_close(loss(answer, target, weight), (first + second) / 2)


@CORRELATIONS
def test_with_everything_left_out_value_and_gradient_are_zero(loss: Loss) -> None:
    answer, target = drawn(4, 2)
    nothing = torch.zeros(4).double()
    assert loss(answer, target, nothing) == 0
    assert (gradient_of(loss, answer, target, nothing) == 0).all()


@pytest.mark.parametrize("loss", [pearson, concordance])
def test_pixels_count_like_samples(loss: Loss) -> None:
    answer, target = drawn(4, 2, 3, 5)
    flat = (x.movedim(1, -1).reshape(60, 2) for x in (answer, target))
    torch.testing.assert_close(loss(answer, target), loss(*flat))


@CORRELATIONS
def test_a_target_without_the_channel_axis_is_an_error(loss: Loss) -> None:
    with pytest.raises(ValueError, match=r"got \(4,\); use target.unsqueeze\(1\)"):
        loss(torch.zeros(4, 1), torch.zeros(4))


@CORRELATIONS
def test_a_weight_of_another_shape_is_an_error(loss: Loss) -> None:
    with pytest.raises(ValueError, match=r"a weight of shape \(3,\) does not fit"):
        loss(torch.zeros(4, 1), torch.zeros(4, 1), torch.ones(3))


def test_soft_spearman_refuses_images() -> None:
    with pytest.raises(ValueError, match=r"ranks samples.*got shape \(4, 1, 2, 2\).*use pearson"):
        soft_spearman(torch.zeros(4, 1, 2, 2), torch.zeros(4, 1, 2, 2))


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_soft_spearman_needs_a_positive_temperature(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature must be positive; got {temperature}"):
        soft_spearman(*drawn(4, 1), temperature=temperature)
