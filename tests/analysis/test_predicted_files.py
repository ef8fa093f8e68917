"""Files of answers: what is in them, and that there are all of them or none."""

import numpy as np
import pandas as pd
import pytest
from losslab.analysis.predicted_files import predict_files
from losslab.data.encoder import Encoder
from losslab.data.images import ImageReader
from losslab.data.spec import Spec
from losslab.data.table import TableReader
from losslab.errors import UserError
from small_predictors import PIXELS, Total, marker, picture, predictor


@pytest.fixture
def sums():
    """Asks for the columns a and town; Bern counts 1, Chur 0."""
    encoder = Encoder(("a",), {"town": ("Bern",)}, {}, None)
    return predictor(Spec((2,), "real", 1, labels=("y",)), Total(), TableReader(encoder))


def test_a_table_keeps_its_columns_as_they_are_written(sums, tmp_path):
    new, out = tmp_path / "new.csv", tmp_path / "out" / "deep"
    new.write_text("id,a,town,seen\n007,1.50,Bern,\n008,-2,Chur,0.1\n")
    (written,) = predict_files(sums, [new], out)
    assert (out / "new.csv").read_text() == (
        "id,a,town,seen,prediction\n007,1.50,Bern,,2.5\n008,-2,Chur,0.1,-2.0\n"
    )
    assert written.files == (out / "new.csv",)
    assert written.text == "2 rows, with prediction"
    assert written.note == (
        "new.csv: not seen in training, and taken for none that was: town (Chur in 1 row)"
    )
    assert [path.name for path in out.iterdir()] == ["new.csv"]


def test_rows_that_end_in_a_separator_are_answered_as_they_are(sums, tmp_path):
    new, out = tmp_path / "new.csv", tmp_path / "out"
    new.write_text("id,a,town\n007,1.50,Bern,\n008,-2,Bern,\n")
    predict_files(sums, [new], out)
    assert (
        out / "new.csv"
    ).read_text() == "id,a,town,prediction\n007,1.50,Bern,2.5\n008,-2,Bern,-1.0\n"


def test_parquet_stays_parquet_with_its_index(sums, tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0], "town": ["Bern"] * 2}, index=[7, 5])
    frame.to_parquet(tmp_path / "new.parquet")
    predict_files(sums, [tmp_path / "new.parquet"], tmp_path / "out")
    found = pd.read_parquet(tmp_path / "out" / "new.parquet")
    pd.testing.assert_frame_equal(found, frame.assign(prediction=[2.0, 3.0]))


@pytest.mark.parametrize(
    ("name", "separator", "answered"),
    [("new.tsv", "\t", "new.tsv"), ("new.txt", ";", "new.txt"), ("new.csv.gz", ";", "new.csv")],
)
def test_other_kinds_of_table(sums, tmp_path, name, separator, answered):
    frame = pd.DataFrame({"a": [1], "town": ["Bern"]})
    frame.to_csv(tmp_path / name, sep=separator, index=False)
    predict_files(sums, [tmp_path / name], tmp_path / "out", separator=";")
    found = pd.read_csv(tmp_path / "out" / answered, sep=separator)
    pd.testing.assert_frame_equal(found, frame.assign(prediction=[2.0]))


def test_nothing_is_replaced_unless_that_is_wanted(sums, tmp_path):
    new, out = tmp_path / "new.csv", tmp_path / "out"
    new.write_text("a,town\n1,Bern\n")
    predict_files(sums, [new], out)
    before = (out / "new.csv").read_text()
    new.write_text("a,town\n5,Bern\n")
    with pytest.raises(UserError, match=r"out has new.csv already: --overwrite replaces it, -o"):
        predict_files(sums, [new], out)
    assert (out / "new.csv").read_text() == before
    predict_files(sums, [new], out, overwrite=True)
    assert (out / "new.csv").read_text() == "a,town,prediction\n5,Bern,6.0\n"


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("a,town,prediction\n1,Bern,3\n", "has columns of the answers' names already: prediction"),
        ("town\nBern\n", r"second.csv: columns that the model was trained with are missing: a"),
        ("a,town\nbig,Bern\n", r"second.csv: text in columns that held numbers .*: a 1 rows"),
        ("a,town\n,Bern\n", r"second.csv: missing values: a 1"),
        ("a;town\n1;Bern\n", r"looks separated by ';': say --separator=';'"),
        ("", r"second.csv is empty"),
    ],
    ids=["answered", "no column", "text", "missing", "separator", "empty"],
)
def test_if_one_can_not_be_answered_none_is_written(sums, tmp_path, second, message):
    (tmp_path / "first.csv").write_text("a,town\n1,Bern\n")
    (tmp_path / "second.csv").write_text(second)
    out = tmp_path / "new" / "out"
    with pytest.raises(UserError, match=message):
        predict_files(sums, [tmp_path / "first.csv", tmp_path / "second.csv"], out)
    assert not out.parent.exists()


def test_a_damaged_image_leaves_nothing_behind(tmp_path):
    picture(tmp_path / "new" / "a.png")
    path = picture(tmp_path / "new" / "b.png", np.tile(PIXELS, (1, 1)))
    path.write_bytes(path.read_bytes()[:-30])
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError, match=r"b.png"):
        predict_files(marker(), [tmp_path / "new"], tmp_path / "out")
    assert not [*(tmp_path / "out").iterdir()]


def test_inputs_that_do_not_suit_the_run(sums, tmp_path):
    new = tmp_path / "new.csv"
    new.write_text("a,town\n1,Bern\n")
    a = picture(tmp_path / "a.png")
    wants_table = r"this run wants a .csv or .parquet table with the columns a, town"
    for path, what in ((tmp_path, "a folder"), (a, "no table"), (tmp_path / "x", "not there")):
        with pytest.raises(UserError, match=f"{path} is {what}; {wants_table}"):
            predict_files(sums, [path], tmp_path / "out")
    with pytest.raises(UserError, match=r"there is no file nwe.csv in .* Did you mean new.csv\?"):
        predict_files(sums, [tmp_path / "nwe.csv"], tmp_path / "out")
    with pytest.raises(UserError, match="is a table; this run wants images of 2 × 3 pixels and 1"):
        predict_files(marker(), [new], tmp_path / "out")
    with pytest.raises(UserError, match=r"there is no file or folder .*x: expected images"):
        predict_files(marker(), [tmp_path / "x"], tmp_path / "out")


def test_names_that_clash(sums, tmp_path):
    for folder in ("one", "two"):
        picture(tmp_path / folder / "a.png")
        (tmp_path / folder / "new.csv").write_text("a,town\n1,Bern\n")
    tables = [tmp_path / folder / "new.csv" for folder in ("one", "two")]
    with pytest.raises(UserError, match=r"several inputs would be answered in one file: new.csv"):
        predict_files(sums, tables, tmp_path / "out")
    pictures = [tmp_path / "one" / "a.png", tmp_path / "two" / "a.png"]
    with pytest.raises(UserError, match=r"several inputs would be answered in one file: a.png"):
        predict_files(marker(), pictures, tmp_path / "out")
    single = predictor(Spec((1, 2, 3), "real", 1), Total(), images=ImageReader((1, 2, 3)))
    with pytest.raises(UserError, match=r"several inputs are called a.png: predictions.csv tells"):
        predict_files(single, pictures, tmp_path / "out")
    with pytest.raises(UserError, match=r"would replace their own input, new.csv: choose another"):
        predict_files(sums, tables[:1], tmp_path / "one", overwrite=True)
    three = picture(tmp_path / "three" / "a.png").parent
    with pytest.raises(UserError, match=r"would replace their own input, a.png: choose another"):
        predict_files(marker(), [three], three, overwrite=True)
    (tmp_path / "out" / "new.csv").mkdir(parents=True)
    with pytest.raises(UserError, match=r"out has folders of the answers' names: new.csv"):
        predict_files(sums, tables[:1], tmp_path / "out", overwrite=True)
    with pytest.raises(UserError, match=r"-o .*new.csv is a file: expected a folder"):
        predict_files(sums, tables[:1], tables[0])
    with pytest.raises(UserError, match=r"x is in .*new.csv, which is a file: expected a folder"):
        predict_files(sums, tables[:1], tables[1] / "x")
