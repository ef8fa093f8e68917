import re

import pytest
import torch
from losslab.models import UNet
from torch import nn


@pytest.mark.parametrize(
    "sides",
    [(1, 1), (1, 7), (2, 3), (8, 8), (9, 15), (33, 18), (500, 3)],
    ids=str,
)
@pytest.mark.parametrize("norm", ["group", "batch", "none"])
def test_the_answer_has_the_images_sides(sides, norm):
    model = UNet(in_channels=2, outputs=3, width=4, norm=norm)
    answer = model(torch.randn(2, 2, *sides))
    answer.mean().backward()
    assert answer.shape == (2, 3, *sides)
    assert answer.isfinite().all()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_any_depth(depth):
    model = UNet(1, 1, width=2, depth=depth)
    assert len(model.down) == depth + 1
    assert model(torch.randn(1, 1, 20, 13)).shape == (1, 1, 20, 13)


def test_with_its_width_and_depth_it_has_the_papers_channels():
    """Ronneberger et al. 2015, figure 1: 64, 128, 256, 512, 1024, and back."""
    with torch.device("meta"):
        model = UNet(1, 2, width=64, depth=4)
    assert [block[0].out_channels for block in model.down] == [64, 128, 256, 512, 1024]
    assert [block[0].in_channels for block in model.up] == [1024, 512, 256, 128]
    assert [block[0].out_channels for block in model.up] == [512, 256, 128, 64]


@pytest.mark.parametrize(
    ("norm", "kind"), [("group", nn.GroupNorm), ("batch", nn.BatchNorm2d), ("none", nn.ReLU)]
)
def test_norm(norm, kind):
    blocks = [*(model := UNet(1, 1, norm=norm)).down, *model.up]
    assert {type(block[1]) for block in blocks} == {kind}
    assert {block[0].bias is None for block in blocks} == {norm != "none"}


@pytest.mark.parametrize("side", [31, 32])
def test_enlarged_maps_lie_where_they_were_pooled(side):
    """Pixel i of the enlarged map is pixel i // 2 of the halved one, for odd sides too."""
    halves = torch.arange((side + 1) // 2).float().reshape(1, 1, -1, 1)
    enlarged = nn.functional.interpolate(halves, size=(side, 1))
    assert enlarged.flatten().tolist() == [i // 2 for i in range(side)]
    rows = torch.arange(side).float().reshape(1, 1, -1, 1)
    pooled = nn.functional.max_pool2d(rows, (2, 1), ceil_mode=True)
    assert pooled.flatten().tolist() == [min(2 * i + 1, side - 1) for i in range((side + 1) // 2)]


def test_dropout_acts_while_training_only():
    torch.manual_seed(0)
    model, x = UNet(1, 1, width=4, dropout=0.5), torch.randn(1, 1, 16, 16)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_output_bias_is_where_the_answer_starts():
    torch.manual_seed(0)
    plain, biased = UNet(1, 2), UNet(1, 2, output_bias=-5.0)
    assert plain.head.bias.tolist() == [0.0, 0.0]
    biased.load_state_dict({**plain.state_dict(), "head.bias": biased.head.bias.detach()})
    x = torch.randn(1, 1, 16, 16)
    torch.testing.assert_close(biased(x), plain(x) - 5)


def test_it_learns_the_mask_of_one_image():
    torch.manual_seed(0)
    rows, columns = torch.meshgrid(torch.arange(24), torch.arange(21), indexing="ij")
    mask = ((rows - 7) ** 2 + (columns - 12) ** 2 <= 6).float().expand(1, 1, 24, 21)
    image = mask + 0.3 * torch.randn(1, 1, 24, 21)
    model = UNet(1, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        probability = model(image).sigmoid()
        (1 - 2 * (probability * mask).sum() / (probability + mask).sum()).backward()
        optimizer.step()
    assert torch.equal((model(image) > 0).float(), mask)


@pytest.mark.parametrize("shape", [(4, 30), (1, 8, 8), (2, 1, 4, 4, 4)], ids=str)
def test_what_is_no_batch_of_images_is_refused(shape):
    text = f"UNet expects images [batch, channels, height, width]; got {shape}"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        UNet(1, 1)(torch.zeros(shape))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"width": 0}, "width must be at least 1; got 0"),
        ({"depth": 0}, "depth must be at least 1; got 0"),
        (
            {"norm": "groups"},
            r"norm must be one of .*none; got groups\. Did you mean group\?",
        ),
        ({"dropout": -0.1}, r"dropout must be in \[0, 1\); got -0.1"),
    ],
    ids=["width", "depth", "norm", "dropout"],
)
def test_options_outside_their_range(options, text):
    with pytest.raises(ValueError, match=text):
        UNet(1, 1, **options)
