"""Finding image files and what belongs to them."""

from pathlib import Path

import pytest
from losslab.data.image_files import check_pairs, find_folder, list_images


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_files_are_sorted_by_name_and_hidden_ones_left_out(tmp_path):
    touch(tmp_path, "b.PNG", "a.npy", ".hidden")
    assert list(list_images(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], "is empty: expected .png, .jpg"),
        ([".hidden"], "is empty"),
        (
            ["a.png", "notes.txt", "b.gif"],
            "holds 2 entries that are not images: b.gif, notes.txt. Move",
        ),
        (["a.png", "a.jpg", "b.png"], "holds 1 files that share a name .*: a.png. Keep one"),
    ],
    ids=["nothing", "hidden files", "other types", "twins"],
)
def test_folders_that_can_not_be_used(tmp_path, names, text):
    with pytest.raises(ValueError, match=text):
        list_images(touch(tmp_path / "images", *names))


def test_folders_within_are_not_searched_in_silence(tmp_path):
    touch(tmp_path / "images" / "more", "a.png")
    with pytest.raises(ValueError, match="holds 1 entries that are not images: more"):
        list_images(tmp_path / "images")


def test_a_folder_that_is_not_there(tmp_path):
    touch(tmp_path / "cells" / "images")
    with pytest.raises(
        ValueError, match=r"no folder .*cels: .* the images in images/. Did you mean cells\?"
    ):
        find_folder(tmp_path / "cels", "images", "images")
    with pytest.raises(
        ValueError,
        match=r"cells has no folder image with .*. Did you mean images\? It has the folders images",
    ):
        find_folder(tmp_path / "cells", "image", "images")
    with pytest.raises(ValueError, match=r"It has the folders \(none\)"):
        find_folder(tmp_path / "cells" / "images", "masks", "masks")


def test_pairs():
    images = {name: Path(f"{name}.png") for name in "abcdefgh"}
    check_pairs(images, list("hgfedcba"), "mask", "masks")
    with pytest.raises(
        ValueError, match=r"7 images have no mask in masks: b.png, .*, f.png and 2 more"
    ):
        check_pairs(images, ["a"], "mask", "masks")
    with pytest.raises(ValueError, match=r"2 times a mask without an image: x, y. .* share a name"):
        check_pairs(images, [*"abcdefgh", "x", "y"], "mask", "masks")
