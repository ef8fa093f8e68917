"""Tables from files."""

import numpy as np
import pandas as pd
import pytest
import torch
from losslab.data import csv, split_indices
from losslab.data.table import read_frame


@pytest.fixture
def houses() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "area": rng.normal(100, 20, 60),
            "town": rng.choice(["Aarau", "Basel", "Chur"], 60),
            "rooms": rng.integers(1, 8, 60),
            "price": rng.normal(500, 100, 60),
            "sold": rng.choice(["yes", "no"], 60),
        }
    )


@pytest.fixture
def file(tmp_path, houses):
    """Writes the houses, changed by keyword, and gives the path."""

    def write(name: str = "houses.csv", **columns) -> str:
        path = tmp_path / name
        frame = houses.assign(**columns)
        if name.endswith(".parquet"):
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")
        return str(path)

    return write


def test_a_table_by_hand(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a, c,y\n1, u,0.5\n3, v,1.5\n5, u,2.5\n")
    source = csv(path=path, target="y", val=0, test=0, standardise=False, standardise_target=False)
    assert source.splits["train"]["input"].tolist() == [[1, 1, 0], [3, 0, 1], [5, 1, 0]]
    assert source.splits["train"]["target"].tolist() == [[0.5], [1.5], [2.5]]
    assert (source.spec.input_shape, source.spec.target, source.spec.labels) == (
        (3,),
        "real",
        ("y",),
    )


def test_everything_is_fitted_to_the_train_split(file, houses):
    source = csv(path=file(), target="price", drop=["sold"], split_seed=3)
    split = split_indices(60, seed=3)
    numbers = torch.tensor(houses[["area", "rooms"]].to_numpy())
    price = torch.tensor(houses[["price"]].to_numpy())
    train = split["train"]
    for part, index in split.items():
        expected = (numbers[index] - numbers[train].mean(0)) / numbers[train].std(0, correction=0)
        torch.testing.assert_close(source.splits[part]["input"][:, :2], expected.float())
        answer = (price[index] - price[train].mean()) / price[train].std(correction=0)
        torch.testing.assert_close(source.splits[part]["target"], answer.float())
    assert source.spec.offset == pytest.approx((price[train].mean().item(),))
    assert source.spec.scale == pytest.approx((price[train].std(correction=0).item(),))


def test_an_outlier_of_the_test_split_leaves_no_trace_in_training(file, houses):
    test = split_indices(60)["test"][0].item()
    spoilt = houses["area"].where(houses.index != test, 1e9)
    town = houses["town"].where(houses.index != test, "Zug")
    plain = csv(path=file(), target="price")
    other = csv(path=file("other.csv", area=spoilt, town=town), target="price")
    for part in ("train", "val"):
        assert torch.equal(plain.splits[part]["input"], other.splits[part]["input"])
    row = other.splits["test"]["input"][0]
    assert row[0] > 1e6
    assert row[2:5].tolist() == [0, 0, 0]  # a town that training has not seen


def test_decimal_commas_are_no_columns(tmp_path):
    (tmp_path / "t.csv").write_text("a;b;c\n1,5;2,5;x\n2,5;3,5;y\n")
    with pytest.raises(ValueError, match=r"one column, 'a;b;c'.*separated by ';'"):
        read_frame(tmp_path / "t.csv", ",")


@pytest.mark.parametrize("name", ["houses.parquet", "houses.tsv", "houses.csv.gz", "HOUSES.CSV"])
def test_the_other_types_hold_the_same(file, name):
    expected = csv(path=file(), target="sold")
    found = csv(path=file(name), target="sold")
    for part in ("train", "val", "test"):
        torch.testing.assert_close(found.splits[part], expected.splits[part])


def test_another_separator(tmp_path, houses):
    path = tmp_path / "houses.csv"
    houses.to_csv(path, sep=";", index=False)
    assert csv(path=path, target="sold", separator=";").spec.target == "binary"
    with pytest.raises(
        ValueError, match=r"one column, 'area;town;.*separated by ';': .*separator=';'"
    ):
        csv(path=path, target="sold")


def test_a_binary_target_is_split_in_proportion(file, houses):
    source = csv(path=file(), target="sold")
    share = (houses["sold"] == "yes").mean()
    for part in ("train", "val", "test"):
        found = source.splits[part]["target"].mean().item()
        assert found == pytest.approx(share, abs=1 / source.size(part))
    assert source.spec.labels == ("no", "yes")


def test_several_targets(file, houses):
    source = csv(path=file(), target=["price", "area"])
    assert (source.spec.target, source.spec.outputs) == ("real", 2)
    assert source.spec.labels == ("price", "area")
    assert len(source.spec.offset) == len(source.spec.scale) == 2
    flags = {"a": np.arange(60) % 2, "b": np.arange(60) % 3 == 0}
    source = csv(path=file("flags.csv", **flags), target=["a", "b"])
    assert (source.spec.target, source.spec.outputs, source.spec.labels) == (
        "multilabel",
        2,
        ("a", "b"),
    )


def test_missing_values_are_filled_from_the_train_split(file, houses):
    gaps = houses["area"].where(houses.index % 7 != 0)
    options = {"target": "price", "standardise": False, "drop": ["town", "sold"]}
    source = csv(path=file(area=gaps), missing="median", **options)
    split = split_indices(60)
    median = gaps[split["train"].numpy()].median()
    for part, index in split.items():
        expected = gaps[index.numpy()].fillna(median).to_numpy(np.float32)
        assert source.splits[part]["input"][:, 0].tolist() == expected.tolist()


def test_rows_with_missing_values_can_be_dropped(file, houses):
    gaps = houses["area"].where(houses.index % 6 != 0)
    town = houses["town"].where(houses.index % 10 != 0)
    source = csv(path=file(area=gaps, town=town), target="price", missing="drop")
    assert sum(source.size(part) for part in ("train", "val", "test")) == 60 - 10 - 4


def test_dropped_columns_may_be_anything(file):
    options = {"id": [f"h{i}" for i in range(60)], "gap": np.nan}
    plain, more = csv(path=file(), target="price"), file("more.csv", **options)
    assert csv(path=more, target="price", drop=["id", "gap"]).spec == plain.spec
    assert csv(path=file("one.csv", id=options["id"]), target="price", drop="id").spec == plain.spec


def test_the_fingerprint_is_of_file_columns_and_split(file):
    def name(**options) -> str:
        return csv(target="price", **options).summary["fingerprint"]

    path = file()
    assert csv(path=path, target="price").summary | {"fingerprint": ""} == {
        "name": "houses.csv",
        "train": 42,
        "val": 9,
        "test": 9,
        "fingerprint": "",
    }
    assert name(path=path) == name(path=path)
    others = [
        name(path=path, split_seed=1),
        name(path=path, drop=["town"]),
        name(path=file("b.csv", rooms=1)),
    ]
    assert len({name(path=path), *others}) == 4


def test_new_data_are_read_as_in_training(file, houses, tmp_path):
    source = csv(path=file(), target="sold")
    houses.drop(columns="sold")[::-1].to_csv(tmp_path / "new.csv", index=False)
    names, inputs = source.reader(tmp_path / "new.csv")
    assert names == [str(i) for i in range(60)]
    for part, index in split_indices(60, strata=torch.tensor(houses["sold"] == "yes")).items():
        torch.testing.assert_close(inputs.flip(0)[index], source.splits[part]["input"])
    houses.drop(columns="town").to_csv(tmp_path / "less.csv", index=False)
    with pytest.raises(ValueError, match="trained with are missing: town"):
        source.reader(tmp_path / "less.csv")


@pytest.mark.parametrize(
    ("columns", "options", "text"),
    [
        (
            {},
            {"target": "prize"},
            r"houses.csv has no column prize \(target\). Did you mean price\?",
        ),
        ({}, {"drop": ["twon"]}, r"no column twon \(drop\). Did you mean town\? It has area, town"),
        (
            {},
            {"target": []},
            r"target needs one column or several different ones .* got target=\[\]",
        ),
        (
            {},
            {"drop": "price"},
            r"that are not dropped; got target=\['price'\] and drop=\['price'\]",
        ),
        ({}, {"target": ["price", "price"]}, "several different ones"),
        (
            {},
            {"target": ["price", "area"], "drop": ["town", "rooms", "sold"]},
            "houses.csv has no column left to predict price, area from",
        ),
        (
            {},
            {"missing": "median_"},
            r"missing=median_ is no rule: choose .* Did you mean median\?",
        ),
        ({}, {"missing": True}, "missing=True is no rule"),
        ({}, {"missing": float("nan")}, "missing=nan is no rule"),
        ({}, {"kind": "clases"}, r"kind=clases is no kind of target: .* Did you mean classes\?"),
        (
            {"area": [None] * 3 + [1.5] * 57, "town": [None] + ["Bern"] * 59},
            {},
            "missing values: area 3, town 1 of 60 rows. Say .*: data.missing=mean",
        ),
        (
            {"price": [None] + [1.5, 2.5, 3.5] * 19 + [4, 5]},
            {},
            "missing values: price 1 of 60 rows",
        ),
        (
            {"price": [None] + [1.5, 2.5, 3.5] * 19 + [4, 5]},
            {"missing": "mean"},
            "missing target values: price 1",
        ),
        (
            {"gap": np.nan},
            {"missing": "drop"},
            "missing=drop leaves nothing: each of the 60 rows lacks a value; .* gap 60",
        ),
        ({"gap": np.nan}, {"missing": "mean"}, r"without a value in the train split: gap"),
        (
            {"area": [np.inf, -np.inf] + [1.0] * 58, "rooms": [1e39] + [1.0] * 59},
            {},
            "houses.csv: values that are infinite or beyond single precision: area 2, rooms 1",
        ),
        (
            {"id": [f"h{i}" for i in range(60)], "note": [f"n{i % 57}" for i in range(60)]},
            {},
            r"looks like an id or free text: id, note. Leave it out: data.drop=\[id,note\]",
        ),
        (
            {"rooms": ["?"] * 4 + ["many"] + [str(i % 9) for i in range(55)]},
            {},
            r"column rooms holds text among its numbers, in 5 of 60 rows: '\?', 'many'. Correct",
        ),
        ({"sold": "yes"}, {"target": "sold"}, "target sold has one value only, yes"),
        (
            {"price": ["a lot"] * 2 + [f"{i}.5" for i in range(58)]},
            {},
            "target price holds text where",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value)[:40],
)
def test_what_is_refused(file, columns, options, text):
    with pytest.raises(ValueError, match=text):
        csv(**{"path": file(**columns), "target": "price"} | options)


def test_all_problems_of_a_table_are_told_together(file):
    path = file(id=[f"h{i}" for i in range(60)], area=[np.inf, np.nan] + [1.0] * 58)
    with pytest.raises(ValueError, match=r"(?s)infinite.*: area 1.*an id.*missing values: area 1"):
        csv(path=path, target="price")


def test_dates_are_refused(file):
    path = file("houses.parquet", built=pd.date_range("2020-01-01", periods=60))
    with pytest.raises(ValueError, match=r"dates or durations: built. .*data.drop=\[built\]"):
        csv(path=path, target="price")


def test_too_few_rows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n1,2.5\n2,3.5\n")
    with pytest.raises(ValueError, match="2 samples are too few"):
        csv(path=path, target="y")


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("t.csv", "", "t.csv is empty$"),
        ("t.csv", "a,b\n", "t.csv has no row: its only line is the header, a, b"),
        ("t.csv", "a,b\n1,2\n1,2,3,4\n", "t.csv can't be read as a table: Error tokenizing data"),
        ("t.csv", b"a,b\n\xff\xfe,1\n", "t.csv can't be read as a table: 'utf-8' codec"),
        ("t.parquet", "a,b\n1,2\n", "t.parquet can't be read as a table: "),
        (
            "t.xlsx",
            "a,b\n1,2\n",
            "not a type that is read here: expected .csv, .tsv, .txt or .parquet",
        ),
    ],
    ids=["empty", "header only", "ragged", "not utf-8", "not parquet", "another type"],
)
def test_files_that_can_not_be_read(tmp_path, name, content, text):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=text):
        read_frame(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("house.csv", r"there is no file house.csv in .*\. Did you mean houses.csv\?"),
        ("x/houses.csv", "there is no folder .*x, so no file houses.csv in it"),
        (".", "is a folder: expected a .csv, .tsv, .txt or .parquet file"),
    ],
)
def test_files_that_are_not_there(tmp_path, name, text):
    (tmp_path / "houses.csv").write_text("a\n1\n")
    with pytest.raises(ValueError, match=text):
        read_frame(tmp_path / name)


def test_text_of_new_data_stays_text_where_all_of_it_looks_like_numbers(tmp_path):
    train = pd.DataFrame({"code": ["007", "A1"] * 10, "new": [True, False] * 10})
    train.assign(y=[i / 3 for i in range(20)]).to_csv(tmp_path / "train.csv", index=False)
    source = csv(path=tmp_path / "train.csv", target="y")
    (tmp_path / "new.csv").write_text("code;new\n007;true\n007;false\n")
    frame = source.reader.frame(tmp_path / "new.csv", ";")
    assert frame["code"].tolist() == ["007", "007"]
    assert source.spec.features == ("code=007", "code=A1", "new=False", "new=True")
    assert source.reader.encode(frame).tolist() == [[1, 0, 0, 1], [1, 0, 1, 0]]


@pytest.mark.parametrize("ends", [",", ",,", ", "], ids=["one", "two", "a space behind"])
@pytest.mark.parametrize(
    "rows", ["0.5,50,1{0}\n-2,40,0{0}\n", "0,50,1{0}\n1,40,0\n"], ids=["all", "the first"]
)
def test_rows_may_end_in_separators(tmp_path, ends, rows):
    (tmp_path / "plain.csv").write_text("x,w,y\n" + rows.format(""))
    (tmp_path / "ends.csv").write_text("x,w,y\n" + rows.format(ends))
    for options in ({}, {"verbatim": True}, {"text": ["x"]}):
        plain, found = (read_frame(tmp_path / f"{n}.csv", **options) for n in ("plain", "ends"))
        pd.testing.assert_frame_equal(found, plain)
    assert found["w"].tolist() == [50, 40]


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [("0,50,1,7\n1,40,0,8\n", 2), ("0,50,1,\n1,40,0,8\n", 1), ("r1,50,1,7\n", 1)],
    ids=["all rows", "one row", "row names"],
)
def test_values_without_a_name_are_refused(tmp_path, rows, wrong):
    (tmp_path / "t.csv").write_text("x,w,y\n" + rows)
    text = rf"t.csv can't be read as a table: of its \d rows?, {wrong} have more values than .* 3:"
    for verbatim in (False, True):
        with pytest.raises(ValueError, match=text):
            read_frame(tmp_path / "t.csv", verbatim=verbatim)
