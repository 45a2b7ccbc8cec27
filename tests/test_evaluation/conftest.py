"""The tools of cityscapesscripts, asked for the figures of written files."""

import contextlib
import copy
import io
import json
import math
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from cityscapesscripts.evaluation import (
    evalInstanceLevelSemanticLabeling as instance_tool,
)
from cityscapesscripts.evaluation import evalPanopticSemanticLabeling as panoptic_tool
from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as pixel_tool
from cityscapesscripts.evaluation.instances2dict import instances2dict
from cityscapesscripts.preparation.createPanopticImgs import convert2panoptic

from segda_mm.datasets.formats.cityscapes_labels import CLASSES, LABEL_IDS


@pytest.fixture
def cityscapes_tools(monkeypatch):
    """Functions that return figures in [0, 1] by our names."""
    # Since NumPy 2.4 `in1d` has only its new name, which the tool has not.
    monkeypatch.setattr(np, 'in1d', np.isin, raising=False)
    return SimpleNamespace(quality=quality, precision=precision, iou=iou)


@contextlib.contextmanager
def quiet():
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


def quality(root, results):
    """PQ, SQ, RQ per class and as means; NaN without segments."""
    with quiet():
        convert2panoptic(str(root), str(root), setNames=['val'])
    truth = json.loads((root / 'cityscapes_panoptic_val.json').read_text())
    predicted = json.loads((results / 'panoptic.json').read_text())
    of_image = {entry['image_id']: entry for entry in predicted['annotations']}
    categories = {entry['id']: entry for entry in truth['categories']}
    pairs = [(entry, of_image[entry['image_id']]) for entry in truth['annotations']]
    with quiet():
        counts = panoptic_tool.pq_compute_single_core(
            0, pairs, root / 'cityscapes_panoptic_val', results / 'panoptic', categories
        )
    figures = {}
    for ending, is_thing in (('', None), ('_things', True), ('_stuff', False)):
        names = ('pq', 'sq', 'rq')
        try:
            means, _ = counts.pq_average(categories, is_thing)
        except ZeroDivisionError:
            means = dict.fromkeys(names, math.nan)
        figures.update({name.upper() + ending: means[name] for name in names})
    for label_id, name in zip(LABEL_IDS, CLASSES):
        count = counts[label_id]
        segments = count.tp + count.fp / 2 + count.fn / 2
        # The tool reports 0 for a class that it leaves out of its means.
        figures[f'PQ.{name}'] = count.iou / segments if segments else math.nan
    return figures


def precision(truth_files, results):
    """AP and AP50, per class and as means."""
    args = copy.copy(instance_tool.args)
    args.predictionPath, args.predictionWalk = str(results / 'instances'), None
    args.quiet = True
    instance_tool.setInstanceLabels(args)
    files = [str(file) for file in truth_files]
    with quiet():
        predictions = [instance_tool.getPrediction(file, args) for file in files]
        instances = instances2dict(files)
        matches = instance_tool.matchGtWithPreds(predictions, files, instances, args)
        curves = [curves_of(matches, args, label) for label in args.instLabels]
        means = instance_tool.computeAverages(np.concatenate(curves, 1), args)
    figures = dict(AP=means['allAp'], AP50=means['allAp50%'])
    figures |= {f'AP.{name}': entry['ap'] for name, entry in means['classes'].items()}
    return figures


def curves_of(matches, args, label):
    """AP of one class at all overlaps, (1, 1, 10).

    The tool fails at a curve without points: instances of the class are true,
    and all of those predicted are ignored. Nothing is found then, so it is 0.
    """
    args = copy.copy(args)
    args.instLabels = [label]
    curves = []
    for overlap in instance_tool.args.overlaps:
        args.overlaps = [overlap]
        try:
            curves.append(instance_tool.evaluateMatches(matches, args))
        except IndexError:
            curves.append(np.zeros((1, 1, 1)))
    return np.concatenate(curves, 2)


def iou(truth_files, results):
    """mIoU and the IoU of every class."""
    args = copy.copy(pixel_tool.args)
    args.predictionPath, args.predictionWalk = str(results / 'semantic'), None
    args.evalInstLevelScore = False
    confusion = pixel_tool.generateMatrix(args)
    for file in truth_files:
        labels = str(file).replace('instanceIds', 'labelIds')
        prediction = pixel_tool.getPrediction(args, labels)
        pixel_tool.evaluatePair(prediction, labels, confusion, {}, {}, args)
    figures = {
        f'IoU.{name}': pixel_tool.getIouScoreForLabel(label_id, confusion, args)
        for name, label_id in zip(CLASSES, LABEL_IDS)
    }
    return dict(mIoU=pixel_tool.getScoreAverage(figures, args)) | figures
