"""Standardisation."""

import torch
from losslab.data.standardise import Scaling
from sklearn.preprocessing import StandardScaler


def test_it_is_scikit_learns_standard_scaler():
    values = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values = values * torch.tensor([1.0, 1e-3, 1e6]) + torch.tensor([5.0, 0.0, -1e8])
    expected = StandardScaler().fit(values[:30].numpy()).transform(values.numpy())
    torch.testing.assert_close(Scaling.fit(values[:30])(values), torch.tensor(expected).float())


def test_a_constant_feature_becomes_zero():
    train = torch.full((7, 2), 0.1, dtype=torch.float64)  # whose computed variance is not quite 0
    scaling = Scaling.fit(train)
    assert scaling.scale.tolist() == [1, 1]
    assert scaling(train).abs().max() < 1e-12


def test_large_offsets_keep_their_digits():
    # A float32 has seven digits: 1e8 + 1 can't be told from 1e8 after a cast, only before.
    values = torch.tensor([[1e8], [1e8 + 1]], dtype=torch.float64)
    assert Scaling.fit(values)(values).tolist() == [[-1], [1]]


def test_single_precision_stays_so():
    image = torch.rand(2, 3, 4, 4)
    scaling = Scaling(torch.full((3, 1, 1), 0.5).double(), torch.full((3, 1, 1), 0.25).double())
    assert torch.equal(scaling(image), (image - 0.5) / 0.25)
