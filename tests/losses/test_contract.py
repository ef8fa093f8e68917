"""What every loss in conf/loss promises, whichever it is."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from loss_cases import CASES
from loss_cases.draw import ANSWERS, BATCH, Case
from losslab import conf, losses
from losslab.losses import Term
from losslab.losses.names import read_signature
from omegaconf import OmegaConf
from torch import Tensor
from torch.func import grad, jvp, vmap

# torch's own decompositions for vmap and jvp still use torch.jit.script.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

FOLDER = Path(conf.__file__).parent / "loss"
FILES = sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != "custom")
TERM_OPTIONS = ("weight", "reduce", "normalize", "names", "ignore_index", "class_weight")
DTYPES = [
    pytest.param(torch.float16, id="fp16"),
    pytest.param(torch.bfloat16, id="bf16"),
    pytest.param(torch.float32, id="fp32"),
]
IGNORED = -9


IN_BATCH = [
    name
    for name, case in CASES.items()
    if all(isinstance(value, Tensor) for value in case.draw(torch.Generator()).values())
]
IN_ROWS = [name for name in IN_BATCH if not CASES[name].couples_rows]
WEIGHABLE = [name for name in IN_BATCH if CASES[name].weighable]


def _drawn(name: str) -> dict[str, Any]:
    return CASES[name].draw(torch.Generator().manual_seed(0))


def _has_pixels(name: str) -> bool:
    return any(tensor.ndim == 4 for tensor in _drawn(name).values())


def _is_hard(name: str) -> bool:
    """Whether the target holds classes or labels, so that some can be ignored."""
    inputs = _drawn(name)
    return "logits" in inputs and bool(torch.isin(inputs["target"], torch.arange(4)).all())


def _has_target_of_indices(name: str) -> bool:
    answer, *rest = _drawn(name).values()
    return len(rest) == 1 and rest[0].shape == answer.shape[:1] + answer.shape[2:]


def _has_target(name: str) -> bool:
    """Whether a target of one value only, 0 or 1, makes sense."""
    inputs = _drawn(name)
    return "target" in inputs and "logits" in inputs and len(inputs) == 2


INDICES = [n for n in IN_BATCH if _has_target_of_indices(n)]
WITH_SPACE = [name for name in WEIGHABLE if _has_pixels(name)]
HARD_TARGETS = [name for name in WEIGHABLE if "target" in _drawn(name) and _is_hard(name)]


def node_of(file: str) -> tuple[str, dict[str, Any]]:
    ((term, node),) = OmegaConf.to_container(OmegaConf.load(FOLDER / f"{file}.yaml")).items()
    return term, node


def loss_of(case: Case) -> Callable[..., Tensor]:
    function = getattr(losses, node_of(case.file)[1]["_target_"].rpartition(".")[2])

    def loss(*tensors: Any) -> Tensor:
        if case.model is not None:
            tensors = (partial(case.model, tensors[0]), *tensors[1:])
        return function(*tensors, **case.options)

    return loss


def inputs_of(case: Case, seed: int = 0) -> dict[str, Any]:
    return case.draw(torch.Generator().manual_seed(seed))


def flat(inputs: Mapping[str, Any]) -> list[Tensor]:
    """The tensors of the inputs, those of `parameters` too."""
    return [t for v in inputs.values() for t in (v.values() if isinstance(v, dict) else [v])]


def unflat(inputs: Mapping[str, Any], tensors: list[Tensor] | tuple[Tensor, ...]) -> list[Any]:
    """The loss's arguments again, from the tensors that `flat` gave."""
    rest = iter(tensors)
    return [
        {name: next(rest) for name in v} if isinstance(v, dict) else next(rest)
        for v in inputs.values()
    ]


def differentiable(case: Case, rows: int = BATCH) -> tuple[Callable[..., Tensor], list[Tensor]]:
    """The loss as a function of what the model gives, and those tensors."""
    inputs = {k: v if isinstance(v, dict) else v[:rows] for k, v in inputs_of(case).items()}
    answers = {name: value for name, value in inputs.items() if name in ANSWERS}

    def of_answers(*tensors: Tensor) -> Tensor:
        given = dict(zip(answers, unflat(answers, tensors), strict=True))
        return loss_of(case)(*{**inputs, **given}.values())

    return of_answers, flat(answers)


def term_of(case: Case, inputs: Mapping[str, Any], **options: Any) -> Term:
    _, node = node_of(case.file)
    function = getattr(losses, node["_target_"].rpartition(".")[2])
    own = {key: node[key] for key in ("reduce", "normalize") if key in node}
    term = Term(case.file, function, options=case.options, **{**own, **options})
    outputs = [name for name in inputs if name in ANSWERS]
    term.bind([name for name in inputs if name not in outputs], outputs, "logits")
    return term


def value_and_gradient(term: Term, inputs: Mapping[str, Any]) -> tuple[Tensor, list[Tensor]]:
    leaves = {
        name: value.detach().clone().requires_grad_() if name in ANSWERS else value
        for name, value in inputs.items()
    }
    value = term.forward(leaves)
    return value.detach(), list(
        torch.autograd.grad(value, [leaves[n] for n in inputs if n in ANSWERS])
    )


def takes_weight(name: str) -> bool:
    """Whether the loss uses the weight itself, as a region loss does inside its sums."""
    function = getattr(losses, node_of(CASES[name].file)[1]["_target_"].rpartition(".")[2])
    return "weight" in read_signature(function).optional


cases = pytest.mark.parametrize("name", CASES)


# What a loss is made of


def test_every_file_has_a_case() -> None:
    assert {case.file for case in CASES.values()} == set(FILES)


@pytest.mark.parametrize("file", FILES)
def test_yaml_holds_the_options_of_the_function_with_their_defaults(file: str) -> None:
    _, node = node_of(file)
    function = losses.__dict__[node.pop("_target_").removeprefix("losslab.losses.")]
    options = read_signature(function).options
    of_function = {key: value for key, value in node.items() if key in options}
    assert of_function == {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()}
    assert set(node) - set(options) <= set(TERM_OPTIONS)


@pytest.mark.parametrize("file", FILES)
def test_yaml_is_named_like_its_term_and_opens_with_a_command(file: str) -> None:
    term, _ = node_of(file)
    assert term == {"gaussian_kl": "kl"}.get(file, file)
    first_line = (FOLDER / f"{file}.yaml").read_text().splitlines()[0]
    assert re.fullmatch(rf"# losslab (train .*loss=\S*{file}\b.*|explain {file})", first_line)


@pytest.mark.parametrize("file", FILES)
def test_yaml_makes_a_term(file: str) -> None:
    _, node = node_of(file)
    function = losses.__dict__[node.pop("_target_").removeprefix("losslab.losses.")]
    own = read_signature(function).options
    for_term = {k: node.pop(k) for k in list(node) if k in TERM_OPTIONS and k not in own}
    term = Term(file, function, options=node, **for_term)
    asked = [term.names.get(name) or name for name in term.signature.tensors]
    batch = [name for name in asked if name not in ANSWERS]
    term.bind(batch, [name for name in asked if name in ANSWERS], "logits")
    assert set(term.sources) >= set(term.signature.tensors)


def test_the_file_for_a_users_function_names_none() -> None:
    node = OmegaConf.load(FOLDER / "custom.yaml").custom
    assert OmegaConf.is_missing(node, "_target_")
    assert (node.weight, node.reduce) == (1.0, "mean")


@pytest.mark.parametrize("file", FILES)
def test_the_docstring_says_what_a_user_must_know(file: str) -> None:
    function = losses.__dict__[node_of(file)[1]["_target_"].removeprefix("losslab.losses.")]
    text = inspect.getdoc(function) or ""
    found = re.findall(r"^([A-Z][a-z]+):$", text, re.MULTILINE)
    assert found == [
        *("Estimates", "Gradient", "Use", "Avoid", "Relatives"),
        *("Args", "Returns", "Raises", "Example", "References"),
    ]
    relatives = text.partition("\nRelatives:\n")[2].partition("\n\n")[0]
    assert {*re.findall(r"^    (\w+): ", relatives, re.MULTILINE)} <= set(FILES)
    assert text.splitlines()[0].endswith(".")
    assert "$$" in text
    assert all(f"\n    {name}: " in text for name in inspect.signature(function).parameters)


@pytest.mark.parametrize("name", IN_BATCH)
def test_every_tensor_declares_its_domain_and_the_cases_lie_in_it(name: str) -> None:
    case = CASES[name]
    function = losses.__dict__[node_of(case.file)[1]["_target_"].removeprefix("losslab.losses.")]
    signature = read_signature(function)
    inputs = inputs_of(case)
    assert set(signature.domains) == {*signature.tensors, *signature.optional}
    for tensor, value in inputs.items():
        assert signature.domains[tensor].violation(value, {**inputs, **case.options}) is None


# What autograd, vmap and the compiler make of it


@cases
def test_gradient(name: str) -> None:
    loss, tensors = differentiable(CASES[name], rows=2)
    leaves = [t.requires_grad_() for t in tensors]
    assert torch.autograd.gradcheck(loss, leaves, check_forward_ad=True)


@cases
def test_second_gradient(name: str) -> None:
    loss, tensors = differentiable(CASES[name], rows=2)
    leaves = [t.requires_grad_() for t in tensors]
    assert torch.autograd.gradgradcheck(loss, leaves, fast_mode=True)


@cases
def test_vmap_is_a_loop(name: str) -> None:
    loss, runs = loss_of(CASES[name]), [inputs_of(CASES[name], seed) for seed in range(3)]
    stacked = [torch.stack(tensors) for tensors in zip(*map(flat, runs), strict=True)]
    together = vmap(lambda *tensors: loss(*unflat(runs[0], tensors)))(*stacked)
    torch.testing.assert_close(together, torch.stack([loss(*run.values()) for run in runs]))


@cases
def test_vmap_of_the_gradient_is_a_loop(name: str) -> None:
    loss, tensors = differentiable(CASES[name])
    stacked = [torch.stack([t, t + 0.1]) for t in tensors]
    gradient = grad(lambda *t: loss(*t).sum(), argnums=tuple(range(len(tensors))))
    one_by_one = [gradient(*(s[run] for s in stacked)) for run in range(2)]
    loop = [torch.stack(gradients) for gradients in zip(*one_by_one, strict=True)]
    torch.testing.assert_close(list(vmap(gradient)(*stacked)), loop)


@cases
def test_forward_derivative_is_the_gradient_times_the_direction(name: str) -> None:
    loss, tensors = differentiable(CASES[name])
    directions = [torch.cos(torch.arange(t.numel()).double()).reshape(t.shape) for t in tensors]
    _, forward = jvp(lambda *t: loss(*t).sum(), tuple(tensors), tuple(directions))
    gradient = grad(lambda *t: loss(*t).sum(), argnums=tuple(range(len(tensors))))(*tensors)
    backward = sum((g * d).sum() for g, d in zip(gradient, directions, strict=True))
    torch.testing.assert_close(forward, backward)


@cases
def test_compiled_in_one_graph_it_is_the_same(name: str) -> None:
    case = CASES[name]
    inputs = inputs_of(case)
    torch.compiler.reset()
    compiled = torch.compile(loss_of(case), fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(*inputs.values()), loss_of(case)(*inputs.values()))


@pytest.mark.parametrize("name", ["bce", "focal-pixels", "dice-pixels", "gaussian_kl"])
def test_a_weighted_term_compiles_in_one_graph(name: str) -> None:
    inputs = {**inputs_of(CASES[name]), "weight": torch.arange(BATCH).double()}
    term = term_of(CASES[name], inputs)
    compiled = torch.compile(term.forward, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(inputs), term.forward(inputs))


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name, case in CASES.items() for option in case.numeric]
)
def test_vmap_over_a_numeric_option_is_a_loop(name: str, option: str) -> None:
    case = CASES[name]
    inputs = inputs_of(case)

    def loss(value: Any) -> Tensor:
        return loss_of(replace(case, options={**case.options, option: value}))(*inputs.values())

    together = vmap(loss)(torch.tensor([0.25, 0.75], dtype=torch.double))
    torch.testing.assert_close(together, torch.stack([loss(0.25), loss(0.75)]))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.perfect])
def test_the_better_the_answer_the_lower_the_loss(name: str) -> None:
    case = CASES[name]
    assert case.perfect
    inputs = inputs_of(case)
    perfect = case.perfect(inputs)
    values = [
        loss_of(case)(
            *{**inputs, **{k: inputs[k].lerp(perfect[k], t) for k in perfect}}.values()
        ).mean()
        for t in (0.0, 0.5, 1.0)
    ]
    assert values[0] >= values[1] >= values[2]
    assert values[0] > values[2]


# Precision and extremes


@cases
@pytest.mark.parametrize("dtype", DTYPES[:2])
def test_half_precision_is_computed_in_single(name: str, dtype: torch.dtype) -> None:
    inputs = inputs_of(CASES[name])
    half = [t.to(dtype) if t.is_floating_point() else t for t in flat(inputs)]
    single = [t.float() if t.is_floating_point() else t for t in half]
    loss = loss_of(CASES[name])
    of_half, of_single = loss(*unflat(inputs, half)), loss(*unflat(inputs, single))
    assert of_half.dtype == torch.float32
    torch.testing.assert_close(of_half, of_single, rtol=0, atol=0)


@cases
def test_double_precision_is_kept(name: str) -> None:
    inputs = inputs_of(CASES[name])
    value = loss_of(CASES[name])(*inputs.values())
    assert value.dtype == torch.float64
    single = [t.float() if t.is_floating_point() else t for t in flat(inputs)]
    of_single = loss_of(CASES[name])(*unflat(inputs, single)).double()
    torch.testing.assert_close(value, of_single, rtol=1e-4, atol=1e-6)
    assert not torch.equal(value, of_single)


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32], ids=["fp16", "bf16", "fp32"]
)
@pytest.mark.parametrize("size", [1e4, 30.0, 0.0])
@cases
def test_value_and_gradient_are_finite_at_extremes(
    name: str, size: float, dtype: torch.dtype
) -> None:
    inputs = inputs_of(CASES[name])
    size = min(size, CASES[name].extreme)
    extreme = {
        key: {k: v.sign().mul(size).to(dtype).requires_grad_() for k, v in value.items()}
        if isinstance(value, dict)
        else value.sign().mul(size).to(dtype).requires_grad_()
        if key in ANSWERS
        else value.to(dtype)
        if value.is_floating_point()
        else value
        for key, value in inputs.items()
    }
    values = loss_of(CASES[name])(*extreme.values())
    leaves = [t for t in flat(extreme) if t.requires_grad]
    gradients = torch.autograd.grad(values.mean(), leaves, allow_unused=True)
    assert values.isfinite().all()
    assert all(g.isfinite().all() for g in gradients if g is not None)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name", [n for n in IN_BATCH if _has_pixels(n) and set(_drawn(n)) == {"logits", "target"}]
)
def test_a_confident_image_of_half_a_million_scores_stays_finite(
    name: str, dtype: torch.dtype
) -> None:
    """512 × 512 pixels, one sample, a single class present, every answer at ±1e4 and half wrong."""
    drawn = inputs_of(CASES[name])
    channels = drawn["logits"].shape[1]
    logits = torch.full((1, channels, 512, 512), -1e4, dtype=dtype)
    logits[:, 0, :256] = 1e4
    logits[:, -1, 256:] = 1e4
    logits.requires_grad_()
    for value in (0, 1):
        shape = (1, channels, 512, 512) if drawn["target"].ndim == 4 else (1, 512, 512)
        target = torch.full(shape, value).to(drawn["target"].dtype)
        values = loss_of(CASES[name])(logits, target)
        (gradient,) = torch.autograd.grad(values.mean(), logits)
        assert values.isfinite().all()
        assert gradient.isfinite().all()


@pytest.mark.parametrize("name", ["gaussian_kl", "gaussian_kl-free_bits", "gaussian_kl-capacity"])
def test_kl_is_finite_wherever_its_value_can_be_held(name: str) -> None:
    mu = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    logvar = torch.tensor([[80.0, -1e4, 0.0]], requires_grad=True)
    values = loss_of(CASES[name])(mu, logvar)
    gradients = torch.autograd.grad(values.sum(), (mu, logvar))
    assert values.isfinite().all()
    assert all(g.isfinite().all() for g in gradients)


# Rows


@pytest.mark.parametrize("name", IN_ROWS)
def test_a_row_does_not_depend_on_the_others(name: str) -> None:
    loss, here, there = loss_of(CASES[name]), inputs_of(CASES[name]), inputs_of(CASES[name], 1)
    mixed = [torch.cat([here[key][:2], there[key][2:]]) for key in here]
    torch.testing.assert_close(loss(*mixed)[:2], loss(*here.values())[:2])


@pytest.mark.parametrize("name", IN_BATCH)
def test_permuting_the_batch_permutes_the_values(name: str) -> None:
    loss, inputs = loss_of(CASES[name]), inputs_of(CASES[name])
    order = torch.tensor([3, 0, 1, 4, 2])
    values = loss(*inputs.values())
    permuted = loss(*(value[order] for value in inputs.values()))
    torch.testing.assert_close(permuted, values[order] if values.ndim else values)


# Labels


@pytest.mark.parametrize("label", ["classes", -1, -100])
@pytest.mark.parametrize("name", INDICES)
def test_a_label_that_is_no_class_is_an_error(name: str, label: Any) -> None:
    answer, target = inputs_of(CASES[name]).values()
    target.flatten()[1] = answer.shape[1] if label == "classes" else label
    with pytest.raises((IndexError, RuntimeError), match=r"out of (bounds|range)"):
        loss_of(CASES[name])(answer, target)


# Shapes


@pytest.mark.parametrize("name", [name for name in IN_BATCH if len(_drawn(name)) > 1])
def test_a_tensor_with_an_axis_more_is_an_error_and_does_not_broadcast(name: str) -> None:
    """(n, 1) against (n,) would be n × n, and (n, m, 1) against (n, m) more still."""
    inputs = inputs_of(CASES[name])
    for tensor, value in inputs.items():
        for axis in {1, value.ndim}:
            with pytest.raises(ValueError, match=r"got|shape|expected|channels"):
                loss_of(CASES[name])(*{**inputs, tensor: value.unsqueeze(axis)}.values())


# Weights, masks and ignored elements, as the term applies them


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("name", WEIGHABLE)
def test_rows_of_weight_zero_are_as_if_they_were_not_there(name: str, reduce: Any) -> None:
    inputs = inputs_of(CASES[name])
    kept = torch.tensor([1.0, 1, 0, 1, 0]).double()
    masked = {**inputs, "weight": kept}
    subset = {key: value[kept > 0] for key, value in inputs.items()}
    value, (gradient, *_) = value_and_gradient(term_of(CASES[name], masked, reduce=reduce), masked)
    expected, (of_subset, *_) = value_and_gradient(
        term_of(CASES[name], subset, reduce=reduce), subset
    )
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(gradient[kept > 0], of_subset)
    assert (gradient[kept == 0] == 0).all()


@pytest.mark.parametrize("name", WITH_SPACE)
def test_pixels_of_weight_zero_are_as_if_they_were_not_there(name: str) -> None:
    inputs = inputs_of(CASES[name])
    masked = {**inputs, "weight": torch.tensor([1.0, 1, 0]).expand(BATCH, 2, 3)}
    smaller = {key: value[..., :-1] for key, value in inputs.items()}
    value, _ = value_and_gradient(term_of(CASES[name], masked), masked)
    expected, _ = value_and_gradient(term_of(CASES[name], smaller), smaller)
    torch.testing.assert_close(value, expected)


@pytest.mark.parametrize("name", WEIGHABLE)
def test_nan_where_the_weight_is_zero_reaches_neither_value_nor_gradient(name: str) -> None:
    inputs = inputs_of(CASES[name])
    kept = torch.tensor([1.0, 1, 0, 1, 0]).double()
    clean = {**inputs, "weight": kept}
    spoilt = {
        key: value.masked_fill((kept == 0).reshape(-1, *[1] * (value.ndim - 1)), torch.nan)
        if value.is_floating_point() and key != "weight"
        else value
        for key, value in clean.items()
    }
    term = term_of(CASES[name], clean)
    torch.testing.assert_close(value_and_gradient(term, spoilt), value_and_gradient(term, clean))


@pytest.mark.parametrize("name", HARD_TARGETS)
def test_ignoring_what_does_not_occur_changes_nothing(name: str) -> None:
    inputs = inputs_of(CASES[name])
    ignoring = term_of(CASES[name], inputs, ignore_index=IGNORED)
    torch.testing.assert_close(
        value_and_gradient(ignoring, inputs),
        value_and_gradient(term_of(CASES[name], inputs), inputs),
    )


@pytest.mark.parametrize("name", HARD_TARGETS)
def test_ignoring_is_a_weight_of_zero(name: str) -> None:
    inputs = inputs_of(CASES[name])
    left_out = torch.rand(inputs["target"].shape, generator=torch.Generator().manual_seed(1)) < 0.3
    ignored = {**inputs, "target": inputs["target"].masked_fill(left_out, IGNORED)}
    weighted = {**inputs, "weight": (~left_out).double()}
    torch.testing.assert_close(
        value_and_gradient(term_of(CASES[name], ignored, ignore_index=IGNORED), ignored),
        value_and_gradient(term_of(CASES[name], weighted), weighted),
    )


@pytest.mark.parametrize("name", HARD_TARGETS)
def test_with_everything_ignored_value_and_gradient_are_zero(name: str) -> None:
    inputs = inputs_of(CASES[name])
    ignored = {**inputs, "target": torch.full_like(inputs["target"], IGNORED)}
    value, (gradient,) = value_and_gradient(
        term_of(CASES[name], ignored, ignore_index=IGNORED), ignored
    )
    assert value == 0
    assert (gradient == 0).all()


@pytest.mark.parametrize("rows", [1, BATCH])
@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("name", [name for name in IN_BATCH if _has_target(name)])
def test_a_single_class_in_single_precision_leaves_value_and_gradient_finite(
    name: str, value: int, rows: int
) -> None:
    inputs = {
        k: (v.float() if v.is_floating_point() else v)[:rows]
        for k, v in inputs_of(CASES[name]).items()
    }
    inputs["target"] = torch.full_like(inputs["target"], value)
    result, gradients = value_and_gradient(term_of(CASES[name], inputs), inputs)
    assert result.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("name", WEIGHABLE)
def test_a_constant_weight_changes_nothing(name: str, reduce: Any) -> None:
    inputs = inputs_of(CASES[name])
    weighted = {**inputs, "weight": torch.full((BATCH,), 7.0)}
    torch.testing.assert_close(
        value_and_gradient(term_of(CASES[name], weighted, reduce=reduce), weighted),
        value_and_gradient(term_of(CASES[name], inputs, reduce=reduce), inputs),
    )


@pytest.mark.parametrize("name", WEIGHABLE)
def test_a_row_of_weight_two_counts_like_two_rows(name: str) -> None:
    inputs = inputs_of(CASES[name])
    weighted = {**inputs, "weight": torch.tensor([2.0, 1, 1, 1, 1]).double()}
    repeated = {key: torch.cat([value[:1], value]) for key, value in inputs.items()}
    value, _ = value_and_gradient(term_of(CASES[name], weighted), weighted)
    expected, _ = value_and_gradient(term_of(CASES[name], repeated), repeated)
    torch.testing.assert_close(value, expected)


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("name", [n for n in HARD_TARGETS if not takes_weight(n)])
def test_a_constant_class_weight_changes_nothing(name: str, reduce: Any) -> None:
    inputs = inputs_of(CASES[name])
    classes = max(2, inputs["logits"].shape[1])
    term = term_of(CASES[name], inputs, class_weight=[0.3] * classes, reduce=reduce)
    torch.testing.assert_close(
        value_and_gradient(term, inputs),
        value_and_gradient(term_of(CASES[name], inputs, reduce=reduce), inputs),
        rtol=1e-6,  # class weights are kept in single precision
        atol=1e-9,
    )


def test_a_constant_class_weight_changes_nothing_inside_dice() -> None:
    inputs = inputs_of(CASES["dice-pixels"])
    torch.testing.assert_close(
        losses.dice(*inputs.values(), class_weight=[0.3] * 3), losses.dice(*inputs.values())
    )
