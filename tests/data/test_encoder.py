"""Features from columns: filling, one-hot, standardisation, new data."""

import numpy as np
import pandas as pd
import pytest
import torch
from losslab.data.encoder import fit_encoder
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder


def test_numbers_come_first_then_a_feature_per_category():
    frame = pd.DataFrame({"town": ["b", "a", "b"], "rooms": [1, 2, 6], "old": [True, False, True]})
    encoder = fit_encoder(frame, None, standardise=False)
    assert encoder.features == ("rooms", "town=a", "town=b", "old=False", "old=True")
    assert encoder(frame).tolist() == [[1, 0, 1, 0, 1], [2, 1, 0, 1, 0], [6, 0, 1, 0, 1]]


def test_one_hot_is_scikit_learns_and_unseen_is_all_zeros():
    train, new = pd.DataFrame({"c": ["y", "x", "z", "x"]}), pd.DataFrame({"c": ["z", "w", "x"]})
    expected = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(train).transform(new)
    assert fit_encoder(train, None, standardise=True)(new).tolist() == expected.tolist()
    assert expected[1].sum() == 0


@pytest.mark.parametrize("rule", ["mean", "median", "most_frequent"])
def test_filling_is_scikit_learns(rule):
    train = pd.DataFrame({"a": [1.0, 2, 2, np.nan, 9], "b": [np.nan, 5, 4, 4, 3]})
    new = pd.DataFrame({"a": [np.nan, 7], "b": [1, np.nan]})
    expected = SimpleImputer(strategy=rule).fit(train.to_numpy()).transform(new.to_numpy())
    found = fit_encoder(train, rule, standardise=False)(new)
    torch.testing.assert_close(found, torch.tensor(expected).float())


def test_filling_with_a_number_and_text_with_the_most_frequent():
    train = pd.DataFrame({"a": [1.0, np.nan], "c": ["x", None]}, index=[4, 9])
    train = pd.concat([train, pd.DataFrame({"a": [3.0, 5.0], "c": ["y", "y"]})])
    found = fit_encoder(train, -1, standardise=False)(train)
    assert found.tolist() == [[1, 1, 0], [-1, 0, 1], [3, 0, 1], [5, 0, 1]]


def test_numbers_are_filled_before_they_are_standardised():
    train = pd.DataFrame({"a": [0.0, 4.0, np.nan, np.nan]})
    # filled with 2: mean 2, deviation √2
    expected = torch.tensor([[-2.0], [2.0], [0.0], [0.0]]) / 2**0.5
    torch.testing.assert_close(fit_encoder(train, "mean", standardise=True)(train), expected)


def test_nullable_and_text_types_of_pandas():
    frame = pd.DataFrame(
        {
            "count": pd.array([1, None, 3], dtype="Int64"),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "kind": pd.Categorical(["a", "b", "a"], categories=["a", "b", "never"]),
        }
    )
    encoder = fit_encoder(frame, 0, standardise=False)
    assert encoder.features == ("count", "flag=False", "flag=True", "kind=a", "kind=b")
    assert encoder(frame).tolist() == [[1, 0, 1, 1, 0], [0, 1, 0, 0, 1], [3, 1, 0, 1, 0]]


def test_a_column_without_values_can_not_be_encoded():
    train = pd.DataFrame({"a": [1.0, 2.0], "b": [np.nan, np.nan]})
    with pytest.raises(
        ValueError, match=r"without a value in the train split: b. .*data.drop=\[b\]"
    ):
        fit_encoder(train, "mean", standardise=True)


@pytest.mark.parametrize(
    ("new", "text"),
    [
        ({"a": [1.0]}, "columns that the model was trained with are missing: c"),
        ({"a": ["?"], "c": ["x"]}, "text in columns that held numbers in training: a 1 rows"),
        ({"a": [np.inf], "c": ["x"]}, "infinite or beyond single precision: a 1"),
        ({"a": [np.nan], "c": [None]}, "missing values: a 1, c 1. Training filled none in"),
    ],
    ids=["no column", "text", "infinite", "missing"],
)
def test_new_data_that_can_not_be_encoded(new, text):
    encoder = fit_encoder(pd.DataFrame({"a": [1.0, 2.0], "c": ["x", "y"]}), None, standardise=True)
    with pytest.raises(ValueError, match=text):
        encoder.check(pd.DataFrame(new))


def test_new_data_that_can_be_encoded():
    train = pd.DataFrame({"a": [1.0, 2.0], "c": ["x", "y"]})
    fit_encoder(train, None, standardise=True).check(
        pd.DataFrame({"c": ["w"], "a": [3], "d": [None]})
    )
    fit_encoder(train, "mean", standardise=True).check(pd.DataFrame({"c": [None], "a": [np.nan]}))


def test_categories_that_training_did_not_have_are_told():
    train = pd.DataFrame({"town": ["a", "b"], "old": [True, False], "rooms": [1, 2]})
    encoder = fit_encoder(train, None, standardise=True)
    assert encoder.columns == ("rooms", "town", "old")
    assert encoder.unknown(train) == ""
    new = pd.DataFrame({"town": ["c", "d", "c", None], "old": [True] * 4, "rooms": [0] * 4})
    assert encoder.unknown(new) == "town (c, d in 3 rows)"
