"""Checkpoints as other programs write them."""

import os

import pytest
import torch
from mmengine.logging import HistoryBuffer
from torch import nn

from segda_mm.apis import PreflightError, export_weights
from segda_mm.models.checkpoints import read_checkpoint


class Payload:
    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


class OwnModule(nn.Conv2d):
    """A whole module, as some programs save it."""


@pytest.fixture
def state():
    return {f'backbone.{k}': v for k, v in nn.Conv2d(1, 2, 3).state_dict().items()}


@pytest.mark.parametrize('zipped', [True, False])
def test_a_raw_file_of_mmengine_and_of_a_zoo(state, zipped, tmp_path):
    file, out = tmp_path / 'raw.pth', tmp_path / 'plain.pth'
    wrapped = {f'module.{name}': value for name, value in state.items()}
    copies = {
        f'ema_{name.replace(".", "_")}': value + 1 for name, value in state.items()
    }
    history = dict(loss=HistoryBuffer([1.0], [1]))
    content = dict(
        meta=dict(
            CLASSES=('road', 'car'),
            PALETTE=[[1, 2, 3], (4, 5, 6)],
            config='raise SystemExit',
            hook=Payload(tmp_path / 'marker'),
        ),
        message_hub=dict(log_scalars=history),
        state_dict={**wrapped, **copies, 'backbone.scale': nn.Parameter(torch.ones(3))},
    )
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match='nothing else is read from a file'):
        read_checkpoint(file)
    assert export_weights(file, out, foreign=True)['prefix'] == ''
    # The payload would run, was it read by others; here it never does.
    assert not (tmp_path / 'marker').exists()
    converted = read_checkpoint(out)
    expected = dict(state, **{'backbone.scale': torch.ones(3)})
    assert converted['state_dict'].keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(converted['state_dict'][name], value), name
    assert converted['meta']['dataset_meta'] == dict(
        classes=['road', 'car'], palette=[[1, 2, 3], [4, 5, 6]]
    )
    torch.load(file, weights_only=False)
    assert (tmp_path / 'marker').exists()


def test_what_holds_no_weights_or_would_run_is_refused(state, tmp_path):
    marker = tmp_path / 'marker'
    torch.save(Payload(marker), tmp_path / 'payload.pth')
    torch.save(OwnModule(1, 1, 1), tmp_path / 'module.pth')
    torch.save(dict(state_dict=dict(w=Payload(marker))), tmp_path / 'inside.pth')
    torch.jit.script(nn.Conv2d(1, 1, 1)).save(tmp_path / 'script.pth')
    (tmp_path / 'text.pth').write_text('no checkpoint')
    for file in sorted(tmp_path.glob('*.pth')):
        with pytest.raises(PreflightError, match=file.name):
            export_weights(file, tmp_path / 'out.pth', foreign=True)
    assert not marker.exists() and not (tmp_path / 'out.pth').exists()
