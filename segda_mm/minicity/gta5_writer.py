"""Writes the game world as a GTA5 tree."""

from functools import partial
from pathlib import Path

from .manifest import Manifest
from .parallel import run_jobs
from .png import label_palette, write_png
from .renderer import check_size, render_frame


def write_gta5(root, num_images, seed=0, size=(256, 128), workers=1, progress=None):
    """Write ``images/00001.png`` ... and ``labels/00001.png`` ...

    Images are RGB; labels are palette PNGs of Cityscapes label ids, as the
    GTA5 data set has them. Files that are there already are kept, so a run
    that was cut continues.

    Args:
        root (str or Path): Folder of the data set, such as
            ``data/minicity/gta5``.
        num_images (int): How many images.
        seed (int): Of the world. Default: 0.
        size (tuple): (width, height) in pixels. Default: (256, 128).
        workers (int): Processes; they do not change a pixel. Default: 1.
        progress (Callable, optional): See :func:`run_jobs`.

    Raises:
        ValueError: If the size is out of range, or the folder holds other
            files or other settings.
    """
    check_size(size)
    manifest = Manifest(
        root, dict(kind='gta5', seed=seed, size=list(size), num_images=num_images)
    )
    manifest.claim()
    job = partial(_write_image, root=Path(root), seed=seed, size=tuple(size))
    run_jobs(job, list(range(num_images)), workers, progress)
    manifest.complete()


def _write_image(index, root, seed, size):
    name = f'{index + 1:05d}.png'
    image, label = root / 'images' / name, root / 'labels' / name
    if image.exists() and label.exists():
        return
    frame = render_frame('game', seed, index, size, stream='gta5')
    write_png(image, frame.image)
    write_png(label, frame.label_ids, label_palette())
