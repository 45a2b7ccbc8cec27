"""The command line of labelling; what it does is tested with the apis."""

import json

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm.registry import MODELS


def test_all_options(toy_config, tmp_path, run_command, capsys):
    init_default_scope('mmseg')
    model = MODELS.build(Config.fromfile(toy_config).model)
    checkpoint = tmp_path / 'net.pth'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    bonnet = np.zeros((32, 64), np.uint8)
    bonnet[24:] = 1
    marked = tmp_path / 'marked' / 'ulm_000000_000019_gtFine_labelIds.png'
    marked.parent.mkdir()
    Image.fromarray(bonnet).save(marked)
    street = tmp_path / 'street'
    street.mkdir()
    images = sorted((tmp_path / 'data' / 'images' / 'train').iterdir())[:3]
    for frame, image in enumerate(images, start=17):
        image.rename(street / f'ulm_000000_{frame:06}_leftImg8bit.png')
    words = ['--no-tta', '--thresholds', 'dataset', '--cap', '0.5']
    words += ['--num-workers', '0', '--batch-size', '2']
    words += ['--cfg-options', 'labeler.type=TTALabeler', 'labeler.num_writers=1']
    paths = ('--images', *street.iterdir(), '--out', tmp_path / 'out')
    ego_car = ('--ego-car', marked.parent)
    status = run_command('label', toy_config, checkpoint, *paths, *ego_car, *words)
    assert status == 0
    manifest = json.loads((tmp_path / 'out' / 'manifest.json').read_text())
    frames = [f'ulm_000000_{frame:06}_leftImg8bit.png' for frame in (17, 18, 19)]
    assert manifest['images'] == frames
    identity = manifest['labels_of']['identity']
    assert identity['pseudo_labeler'] == dict(
        type='ClassMedian', cap=0.5, scope='dataset'
    )
    assert identity['ego_car'] == dict(
        annotated=str(marked.parent), include_annotated=True
    )
    # The last of them is the annotated one.
    for frame in frames:
        labels = np.asarray(Image.open(tmp_path / 'out' / frame))
        assert (labels[24:] == 255).all()
        assert (labels[:24] != 255).any()
    assert '3 images, ' in (output := capsys.readouterr().out)
    assert 'road' in output
