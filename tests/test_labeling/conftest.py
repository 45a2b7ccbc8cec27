"""Labelling and training in processes of their own; networks and images for both."""

import importlib.util
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).with_name('elsewhere.py')
DATASET_MEDIAN = dict(type='ClassMedian', cap=0.9, scope='dataset')


@pytest.fixture(scope='session')
def toy():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[SCRIPT.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='session')
def pixel_images(tmp_path_factory, write_images):
    """What the toy is trained on."""
    return write_images(tmp_path_factory.mktemp('images'), [(7, 6)] * 5)


@pytest.fixture(scope='session')
def elsewhere(semantic_job, pixel_images, run_jobs, tmp_path_factory):
    """The folder of what several and killed processes have left.

    Of labellings, and of trainings: ``run_two`` (its labels alone) and ``run_killed``,
    within epoch 2.
    """
    root = tmp_path_factory.mktemp('elsewhere')
    batch = dict(num_workers=0, batch_size=3)
    thresholds = dict(pseudo_labeler=DATASET_MEDIAN)

    def labelling(name, **options):
        return dict(semantic_job, out=str(root / name), **options)

    def run(name, **options):
        return dict(images=str(pixel_images), work_dir=str(root / name), **options)

    ends, errors = run_jobs(
        SCRIPT,
        [
            labelling('two', world_size=2, **batch),
            labelling('killed', world_size=2, kill=2, **batch),
            labelling('killed', num_workers=2, batch_size=2),
            labelling('dataset_killed', world_size=2, kill=2, **batch, **thresholds),
            labelling('dataset_killed', world_size=2, **batch, **thresholds),
            run('run_two', world_size=2),
            run('run_killed', interval=1, kill=8),
        ],
    )
    killed = -signal.SIGKILL
    expected = [[0, 0], [killed] * 2, [0], [killed] * 2, [0, 0], [0, 0], [killed]]
    assert [codes for codes, _ in ends] == expected, errors
    return root


@pytest.fixture(scope='session')
def write_images():
    """Five images whose brightest channel is their class; the third one is rare."""

    def write(root, sizes):
        generator = np.random.default_rng(0)
        (root / 'town').mkdir()
        for index, size in enumerate(sizes):
            pixels = generator.integers(0, 120, (*size, 3), dtype=np.uint8)
            pixels[..., 2] //= 2
            folder = root / 'town' if index % 2 else root
            Image.fromarray(pixels).save(folder / f'{index}.png')
        return root

    return write


@pytest.fixture(scope='session')
def reference():
    """What a network with softmax(pixel / 50) labels, with and without thresholds."""

    def label(images, cap):
        labels, confidences = {}, {}
        for path in sorted(images.rglob('*.png')):
            # The pipeline reads BGR.
            odds = np.exp(np.asarray(Image.open(path))[..., ::-1].astype(float) / 50)
            name = str(path.relative_to(images))
            confidences[name] = odds.max(-1) / odds.sum(-1)
            labels[name] = odds.argmax(-1)
        everywhere = np.concatenate([part.ravel() for part in labels.values()])
        confidence = np.concatenate([part.ravel() for part in confidences.values()])
        members = [confidence[everywhere == index] for index in range(3)]
        thresholds = np.array([min(np.median(part), cap) for part in members])
        voided = {
            name: np.where(
                confidences[name] >= thresholds[labels[name]] - 1e-9, labels[name], 255
            )
            for name in labels
        }
        return SimpleNamespace(
            labels=labels,
            voided=voided,
            thresholds=thresholds,
            pixels=[len(part) for part in members],
            kept=[(p >= t - 1e-9).mean() for p, t in zip(members, thresholds)],
        )

    return label


@pytest.fixture(scope='session')
def read_labels():
    """Reads the label files of a folder, by their paths."""

    def read(folder):
        return {
            path.relative_to(folder).as_posix(): np.asarray(Image.open(path))
            for path in sorted(Path(folder).rglob('*.png'))
        }

    return read


@pytest.fixture(scope='session')
def contents():
    """Reads the bytes of all files of a folder, by their paths."""

    def read(folder):
        files = (path for path in Path(folder).rglob('*') if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}

    return read
