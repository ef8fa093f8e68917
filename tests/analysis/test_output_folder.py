"""The folder that files go to: what is made, what is left, and what is refused."""

import os
import tempfile

import pytest
from losslab.analysis.output_folder import check_output, scratch_in
from losslab.errors import UserError


def test_what_is_moved_out_of_the_scratch_folder_stays(tmp_path):
    folder = tmp_path / "a" / "b"
    with scratch_in(folder) as made:
        assert made.parent == folder
        (made / "left").write_text("")
        (made / "kept").write_text("")
        (made / "kept").rename(folder / "kept")
    assert [path.name for path in folder.iterdir()] == ["kept"]


def test_of_a_failure_no_folder_is_left_and_the_error_is_its_own(tmp_path):
    with pytest.raises(PermissionError, match="of the work"), scratch_in(tmp_path / "a" / "b"):
        raise PermissionError("of the work")
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_was_there_stays(tmp_path):
    with scratch_in(tmp_path):
        pass
    assert tmp_path.is_dir()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("f.txt", r"^-o \S+/f.txt is a file: expected a folder$"),
        (
            "f.txt/sub/more",
            r"^-o \S+/sub/more is in \S+/f.txt, which is a file: expected a folder$",
        ),
    ],
    ids=["a file", "in a file"],
)
def test_a_file_is_no_folder(tmp_path, name, text):
    (tmp_path / "f.txt").write_text("mine")
    for used in (check_output, lambda path: scratch_in(path).__enter__()):
        with pytest.raises(UserError, match=text):
            used(tmp_path / name)
    assert (tmp_path / "f.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "new", "new/deep"])
def test_without_permission_nothing_is_written(tmp_path, monkeypatch, name):
    """Root may write everywhere, so the answer of the system is given here."""
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.F_OK and path.exists())
    with pytest.raises(UserError, match=rf"can't be .* no permission to write in {tmp_path}$"):
        check_output(tmp_path / name)


def test_what_the_system_says_is_passed_on(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    text = r"^-o \S+/new can't be written to: No space left on device$"
    with pytest.raises(UserError, match=text), scratch_in(tmp_path / "new"):
        pass
    assert not [*tmp_path.iterdir()]


def test_a_name_that_is_too_long_leaves_nothing(tmp_path):
    for folder in (tmp_path / ("a" * 300), tmp_path / "new" / ("a" * 300)):
        text = "can't be written to: File name too long"
        with pytest.raises(UserError, match=text), scratch_in(folder):
            pass
    assert not [*tmp_path.iterdir()]
