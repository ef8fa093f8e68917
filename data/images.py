"""A folder of images with masks, or with a table of values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from .border import BorderWeight
from .build import Split, summarise
from .image_files import check_pairs, find_folder, list_images
from .messages import did_you_mean, listed
from .source import Source, SplitName, TensorSource
from .spec import Spec, TargetKind
from .split import split_indices
from .standardise import Scaling
from .streaming import FileSource, Samples
from .survey import MaskKind, common_shape, mask_code, survey
from .table import read_frame
from .targets import Target, read_target


def images(
    *,
    path: str | Path,
    images: str = "images",
    masks: str = "masks",
    values: str | None = None,
    kind: MaskKind | None = None,
    border_weight: bool | Mapping[str, float] = False,
    size: int | Sequence[int] | None = None,
    channels: int | None = None,
    val: float = 0.15,
    test: float = 0.15,
    split_seed: int = 0,
    standardise: bool = True,
    standardise_target: bool = True,
    memory_mb: int = 1024,
    workers: int = 2,
) -> Source:
    """Images from a folder: each with a mask of the same name, or with values in a table.

        cells/images/a.png  cells/masks/a.png    data=images data.path=cells
        cells/images/a.png  cells/counts.csv     the same, and data.values=counts.csv

    Reads PNG, JPEG, TIFF and BMP, and NPY arrays `[height, width]` with or without an axis for
    channels, first or last (the shorter). Images of 8 and 16 bits become [0, 1]; other arrays stay
    as they are. Every file is decoded once before training, so whatever is wrong shows at the
    start. What fits into `memory_mb` then stays in memory; more is read again from disk for each
    batch, by `workers` processes, and gives the same batches.

    Args:
        path: the folder of the data set.
        images: the folder in it that holds the images.
        masks: the folder in it that holds a mask for each image, with a number per pixel.
        values: instead of masks, a CSV or Parquet file in `path` with a column `file` and one or
            several to predict.
        kind: what the target is. Null infers it: masks with two numbers, such as 0 and 255, are
            `binary`, the larger is the target; with more, `classes` in the numbers' order (`labels`
            keeps the numbers). `binary` for masks with more numbers, such as JPEG, splits them at
            half of the largest. `instances` are masks whose numbers tell objects apart: the target
            is binary, any object or none. Values: see the `csv` data.
        border_weight: whether to add a `weight` for each pixel of a binary target, which balances
            the two classes and is larger in narrow gaps between objects, see `border_weight`; a
            mapping sets `w0` and `sigma`. Objects are those of `kind=instances`, or connected
            patches of target.
        size: resize to this height and width, or `[height, width]`; null keeps the size, which all
            must share.
        channels: 1 or 3, converting images that differ; null is 3 if any image has colours.
        val: share of the validation split, in [0, 1).
        test: share of the test split, in [0, 1).
        split_seed: draws the split, stratified by class where an image has one class.
        standardise: subtract each channel's mean and divide by its deviation, both of the train
            split.
        standardise_target: the same for real values; the spec keeps offset and scale.
        memory_mb: how much decoded data is kept in memory; more streams from disk.
        workers: threads that look through the files, and processes that stream them; 0 uses none.

    Raises:
        ValueError: files that are missing, left over, unreadable or of another size; the text names
            them. Or a border weight without a binary mask.
    """
    sides = _sides(size)
    if memory_mb < 0 or workers < 0:
        raise ValueError(
            f"memory_mb and workers must not be negative; got {memory_mb} and {workers}"
        )
    border = BorderWeight.of(border_weight, numbered=kind == "instances")
    root = Path(path).expanduser()
    found = list_images(find_folder(root, images, "images"))
    answer = None
    mask_files = None
    if values is None:
        mask_folder = find_folder(root, masks, "masks")
        partners = list_images(mask_folder)
        check_pairs(found, partners, "mask", mask_folder)
        mask_files = [partners[name] for name in found]
    elif kind == "instances" or border is not None:
        raise ValueError("border_weight and kind=instances need masks; data.values replaces them")
    else:
        answer = _read_values(root / values, found, kind)
    files = list(found.values())
    shape = common_shape(files, mask_files, sides, channels)
    samples = Samples(files, mask_files, None, shape, border=border)
    strata = None if answer is None else answer.strata
    split = split_indices(len(files), val=val, test=test, seed=split_seed, strata=strata)
    if answer is not None and standardise_target:
        answer = answer.standardised(split["train"])
    return _source(
        root.name,
        samples,
        answer,
        kind,
        split,
        standardise=standardise,
        resized=sides is not None,
        memory_mb=memory_mb,
        workers=workers,
    )


@dataclass(frozen=True)
class ImageReader:
    """Prepares other image files as a run's own were, see `Reader`.

    Args:
        shape: channels, height and width that images have, or are brought to.
        scaling: how they are standardised; None leaves them as they are.
        resized: whether images of other sizes are brought to this one.
    """

    shape: tuple[int, int, int]
    scaling: Scaling | None = None
    resized: bool = False

    def __call__(self, path: str | Path) -> tuple[list[str], Tensor]:
        """An image file, or all those of a folder, named by their files."""
        files = self.files(path)
        return [file.name for file in files], self.read(files)

    def files(self, path: str | Path) -> list[Path]:
        """The image files that a file or a folder comes to, after a look at their sizes.

        Raises:
            ValueError: no such file or folder, other files in it, or images of another size.
        """
        path = Path(path).expanduser()
        if not path.exists():
            raise ValueError(f"there is no file or folder {path}: expected images")
        files = [path] if path.is_file() else list(list_images(path).values())
        channels, height, width = self.shape
        found = {file.name: common_shape([file], None, None, channels) for file in files}
        wrong = [f"{name} {s[1]} × {s[2]}" for name, s in found.items() if s != self.shape]
        if wrong and not self.resized:
            raise ValueError(
                f"{path.name}: the model was trained with images of {height} × {width}; "
                f"{len(wrong):,} of {len(files):,} differ: {listed(wrong)}. Resize them"
            )
        return files

    def read(self, files: Sequence[Path]) -> Tensor:
        """The images as inputs of the model, `[files, *shape]`.

        Raises:
            ValueError: a file that can't be read as such an image.
        """
        none = torch.zeros(len(files))
        samples = Samples(files, None, none, self.shape, scaling=self.scaling)
        return torch.stack([samples[i]["input"] for i in range(len(samples))])


def _source(
    name: str,
    samples: Samples,
    answer: Target | None,
    kind: MaskKind | None,
    split: Split,
    *,
    standardise: bool,
    resized: bool,
    memory_mb: int,
    workers: int,
) -> Source:
    """The source of the samples: in memory if they fit, else streamed."""
    order = torch.cat(list(split.values()))
    keep = _bytes(samples) <= memory_mb * 2**20
    seen = survey(samples, order, len(split["train"]), keep=keep, workers=workers)
    scaling = seen.scaling if standardise else None
    summary = summarise(name, split, seen.digest)
    if answer is None:
        code = mask_code(seen.mask_values, kind)
        if samples.border is not None and code.kind != "binary":
            raise ValueError(
                "border_weight is for binary masks: say data.kind=instances if their numbers tell "
                "objects apart"
            )
        samples = replace(samples, scaling=scaling, code=code)
        outputs = 1 if code.kind == "binary" else len(code.labels)
        spec = Spec(samples.shape, code.kind, outputs, dense=True, labels=code.labels)
    else:
        samples = replace(samples, scaling=scaling, targets=answer.tensor)
        spec = answer.spec(samples.shape)
    reader = ImageReader(samples.shape, scaling, resized)
    if seen.images is None:
        return FileSource(spec, samples, split, summary, reader, workers=workers)
    if scaling is not None:
        for image in seen.images:  # in place, one by one: the whole would need its size again
            image.copy_(scaling(image))
    tensors = {"input": seen.images}
    if seen.masks is not None and samples.code is not None:
        tensors["target"] = samples.code(seen.masks)
        if samples.border is not None:
            pairs = zip(seen.masks, tensors["target"], strict=True)
            tensors["weight"] = torch.stack([samples.border(*pair) for pair in pairs])
    else:
        assert samples.targets is not None
        tensors["target"] = samples.targets[order]
    return TensorSource(spec, _shared_out(tensors, split), summary, reader)


def _shared_out(tensors: Mapping[str, Tensor], split: Split) -> dict[SplitName, dict[str, Tensor]]:
    """Views of the samples, which lie in the order train, val, test."""
    sizes = [len(index) for index in split.values()]
    parts = zip(*(torch.split(tensor, sizes) for tensor in tensors.values()), strict=True)
    return {
        name: dict(zip(tensors, part, strict=True)) for name, part in zip(split, parts, strict=True)
    }


def _bytes(samples: Samples) -> int:
    """What all samples take in memory: 4 bytes a number, and as many for a mask's pixel."""
    channels, height, width = samples.shape
    per_pixel = 4 * channels + (0 if samples.masks is None else 8)
    per_pixel += 0 if samples.border is None else 4
    return len(samples) * height * width * per_pixel


def _sides(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or min(sides) < 1:
        raise ValueError(f"size is a number of pixels or [height, width]; got {size}")
    return sides[0], sides[1]


def _read_values(path: Path, found: dict[str, Path], kind: TargetKind | None) -> Target:
    """The target of each image, in the images' order, from a table with a column `file`."""
    frame = read_frame(path, text=["file"])  # else 007 would be 7
    if "file" not in frame.columns or frame.shape[1] < 2:
        raise ValueError(
            f"{path} needs a column 'file' and one or several with values; it has "
            f"{listed(frame.columns, 10)}.{did_you_mean('file', frame.columns)}"
        )
    names = [Path(str(name)).name for name in frame["file"]]
    frame.index = [name if name in found else Path(name).stem for name in names]
    twins = frame.index[frame.index.duplicated()]
    if len(twins):
        raise ValueError(f"{path} names {len(twins):,} files more than once: {listed(twins)}")
    check_pairs(found, list(frame.index), "row", path)
    return read_target(frame.drop(columns="file").loc[list(found)], kind)
