"""What every model keeps. New files in `conf/model` are found by themselves."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from losslab import models
from losslab.data.spec import Spec
from losslab.models import MDN, MLP, VAE, ActorCritic, ConvRegressor, Equation, Linear, UNet
from losslab.training.build import locate
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

CONF = Path(models.__file__).parents[1] / "conf"
FILES = sorted(path.stem for path in (CONF / "model").glob("*.yaml") if path.stem != "custom")

IMAGES = Spec((1, 9, 6), "binary", 2, dense=True)
RINGS = Spec((8,), "multilabel", 24)
SIZES = set(IMAGES.sizes)

Build = Callable[[], nn.Module]
# Each model, and the shape of one sample: small, with odd sides and every optional layer.
CASES: dict[str, tuple[Build, tuple[int, ...]]] = {
    "linear": (partial(Linear, 6, 2), (2, 3)),
    "linear-heads": (partial(Linear, 6, 2, heads=["logvar"]), (2, 3)),
    "mlp": (partial(MLP, 6, 2, width=[5, 4], dropout=0.2), (6,)),
    "mlp-maxout": (partial(MLP, 6, 2, width=5, activation="maxout", pieces=3), (6,)),
    "mlp-heads": (partial(MLP, 6, 2, width=5, heads={"mu": 3, "logvar": 1}), (6,)),
    "unet": (partial(UNet, 1, 2, width=4, depth=2, dropout=0.2), (1, 9, 6)),
    "unet-batch": (partial(UNet, 1, 2, width=4, depth=2, norm="batch"), (1, 9, 6)),
    "unet-none": (partial(UNet, 1, 2, width=4, depth=2, norm="none"), (1, 9, 6)),
    "conv_regressor": (partial(ConvRegressor, (1, 35, 6), 2, width=3, depth=2), (1, 35, 6)),
    "conv_regressor-bounds": (
        partial(ConvRegressor, (1, 9, 6), 2, width=3, depth=2, bounds=[[0, 1], [-2, 2]]),
        (1, 9, 6),
    ),
    "vae": (partial(VAE, (7,), latent=3, width=5), (7,)),
    "vae-conv": (partial(VAE, (2, 5, 8), latent=3, kind="conv", width=6), (2, 5, 8)),
    "actor_critic": (partial(ActorCritic, 6, 2, policy="categorical", width=5), (6,)),
    "actor_critic-gaussian": (
        partial(ActorCritic, 6, 2, policy="gaussian", width=5, sigma=0.5),
        (2, 3),
    ),
    "mdn": (partial(MDN, 6, 2, components=3, width=5), (6,)),
    "equation": (partial(Equation, lambda x, a=1.0: (a * x).sin(), lambda x, b=2.0: b * x), (3,)),
}
cases = pytest.mark.parametrize("name", CASES)


def case(name: str, batch: int = 4) -> tuple[nn.Module, Tensor]:
    """A model in double precision and an input in [0, 1] for it."""
    torch.manual_seed(0)
    build, shape = CASES[name]
    return build().double(), torch.rand(batch, *shape, dtype=torch.double)


def named(outputs: Tensor | Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {"answer": outputs} if isinstance(outputs, Tensor) else dict(outputs)


def total(outputs: Tensor | Mapping[str, Tensor]) -> Tensor:
    """A number that depends on every output, with a curvature."""
    return torch.stack([output.square().mean() for output in named(outputs).values()]).sum()


def objective(model: nn.Module, x: Tensor) -> Callable[..., Tensor]:
    """`total` as a function of parameters and buffers."""
    return lambda parameters, buffers: total(functional_call(model, (parameters, buffers), (x,)))


# The configuration files


def node_of(file: str) -> DictConfig:
    node = OmegaConf.load(CONF / "model" / f"{file}.yaml")
    assert isinstance(node, DictConfig)
    return node


def class_of(file: str) -> type[nn.Module]:
    return getattr(models, node_of(file)._target_.removeprefix("losslab.models."))


def options_of(file: str) -> dict[str, Any]:
    plain = OmegaConf.to_container(node_of(file))
    assert isinstance(plain, dict)
    return {str(k): v for k, v in plain.items() if k not in ("_target_", "defaults")}


@pytest.mark.parametrize("file", FILES)
def test_a_file_holds_every_option_with_the_models_own_default(file: str) -> None:
    parameters = inspect.signature(class_of(file)).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.name not in SIZES}
    options = options_of(file)
    if file == "equation":  # its functions are the user's; the file names those it is shown with
        assert defaults.pop("left") is inspect.Parameter.empty
        assert callable(locate(options.pop("left")))
        assert callable(locate(options.pop("right")))
        assert defaults.pop("right") is None
    assert options == defaults


@pytest.mark.parametrize("file", FILES)
def test_a_file_opens_with_its_command_and_names_data_and_loss_that_exist(file: str) -> None:
    first_line = (CONF / "model" / f"{file}.yaml").read_text().splitlines()[0]
    assert first_line.startswith("# losslab train ")
    assert f"model={file}" in first_line.split()
    data, loss, itself = node_of(file).defaults
    losses = loss["override /loss@_global_.loss"]
    for name in [losses] if isinstance(losses, str) else losses:
        assert (CONF / "loss" / f"{name}.yaml").is_file()
    assert (CONF / "data" / f"{data['override /data@_global_.data']}.yaml").is_file()
    assert itself == "_self_"


@pytest.mark.parametrize("file", [file for file in FILES if file != "equation"])
def test_a_file_and_the_sizes_of_the_data_make_a_model(file: str) -> None:
    parameters = inspect.signature(class_of(file)).parameters
    spec = RINGS if file == "conv_chain" else IMAGES
    sizes = {name: size for name, size in spec.sizes.items() if name in parameters}
    model = class_of(file)(**sizes, **options_of(file))
    outputs = named(model(torch.rand(3, *spec.input_shape)))
    assert {len(output) for output in outputs.values()} == {3}


def test_the_file_for_a_users_model_names_none() -> None:
    assert OmegaConf.is_missing(node_of("custom"), "_target_")


@pytest.mark.parametrize("file", FILES)
def test_the_docstring_explains_every_parameter(file: str) -> None:
    text = inspect.getdoc(class_of(file)) or ""
    assert text.splitlines()[0].endswith(".")
    assert "\nArgs:" in text
    assert "\nExample:" in text
    assert all(f"\n    {name}: " in text for name in inspect.signature(class_of(file)).parameters)


@pytest.mark.parametrize("name", models.__all__)
def test_forward_asks_for_the_input_by_name(name: str) -> None:
    assert list(inspect.signature(getattr(models, name).forward).parameters) == ["self", "input"]


# What autograd, vmap and the compiler make of it


@cases
def test_the_gradient_reaches_every_parameter(name: str) -> None:
    model, x = case(name)
    total(model(x)).backward()
    without = [k for k, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@cases
def test_the_second_gradient_is_the_slope_of_the_first(name: str) -> None:
    model, x = case(name)
    value = objective(model.eval(), x)
    buffers = dict(model.named_buffers())
    here = {k: p.detach() for k, p in model.named_parameters()}
    direction = {k: torch.randn_like(p) for k, p in here.items()}
    first = grad(value)

    def slope(parameters: dict[str, Tensor]) -> Tensor:
        gradient = first(parameters, buffers)
        return torch.stack([(gradient[k] * direction[k]).sum() for k in direction]).sum()

    def moved(step: float) -> dict[str, Tensor]:
        return first({k: p + step * direction[k] for k, p in here.items()}, buffers)

    ahead, behind = moved(1e-6), moved(-1e-6)
    for k, product in grad(slope)(here).items():
        torch.testing.assert_close(product, (ahead[k] - behind[k]) / 2e-6, rtol=1e-4, atol=1e-6)


@cases
def test_vmap_over_stacked_models_is_a_loop(name: str) -> None:
    model, x = case(name)
    runs = [CASES[name][0]().double().eval() for _ in range(3)]
    parameters, buffers = stack_module_state(runs)
    together = vmap(grad(objective(model.eval(), x)))(parameters, buffers)
    for index, run in enumerate(runs):
        own = dict(run.named_parameters()), dict(run.named_buffers())
        alone = grad(objective(run, x))(*own)
        torch.testing.assert_close({k: g[index] for k, g in together.items()}, alone)


@pytest.mark.parametrize("name", ["mlp", "unet", "vae", "vae-conv"])
def test_while_training_stacked_models_draw_their_own_noise(name: str) -> None:
    model, x = case(name)
    parameters, buffers = stack_module_state([model] * 2)
    model.train()
    one, other = vmap(objective(model, x), randomness="different")(parameters, buffers)
    assert one != other
    model.eval()
    one, other = vmap(objective(model, x))(parameters, buffers)
    torch.testing.assert_close(one, other)


@cases
def test_compiled_in_one_graph_it_is_the_same(name: str) -> None:
    model, x = case(name)
    torch.compiler.reset()
    compiled = torch.compile(model.eval(), fullgraph=True, backend="eager")
    torch.testing.assert_close(named(compiled(x)), named(model(x)))


@cases
def test_a_row_does_not_depend_on_the_others(name: str) -> None:
    model, x = case(name)
    alone = named(model.eval()(x[:2]))
    torch.testing.assert_close({k: v[:2] for k, v in named(model(x)).items()}, alone)


@cases
def test_bf16_autocast_gives_about_the_same(name: str) -> None:
    model, x = case(name)
    single, x = model.float().eval(), x.float()
    expected = named(single(x))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = named(single(x))
    for key, output in outputs.items():
        torch.testing.assert_close(output.float(), expected[key], rtol=0.1, atol=0.05)
