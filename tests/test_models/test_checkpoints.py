import hashlib
import os
import pickle
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn

from segda_mm.models.checkpoints import (
    load_network_weights,
    parse_checkpoint_source,
    read_checkpoint,
    read_state_dict,
    write_safetensors,
)
from segda_mm.registry import MODELS


class QuietHandler(SimpleHTTPRequestHandler):
    asked = []

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def url(tmp_path, monkeypatch):
    """The URL of ``tmp_path / 'served'``, and an empty cache of torch."""
    (tmp_path / 'served').mkdir()
    monkeypatch.setenv('no_proxy', '*')
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    monkeypatch.setattr(torch.hub, '_hub_dir', None)
    monkeypatch.setattr(QuietHandler, 'asked', [])
    handler = partial(QuietHandler, directory=str(tmp_path / 'served'))
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()
        thread.join()


def test_weights_with_and_without_an_entry_and_as_safetensors(tmp_path):
    network = nn.Conv2d(1, 2, 3)
    state = {f'net.{name}': value for name, value in network.state_dict().items()}
    torch.save(state, tmp_path / 'bare.pth')
    torch.save(dict(state_dict=state, meta={}), tmp_path / 'run.pth')
    write_safetensors(tmp_path / 'run.safetensors', state, {})
    for name in ('bare.pth', 'run.pth', 'run.safetensors'):
        other = nn.Conv2d(1, 2, 3)
        load_network_weights(other, tmp_path / name, 'net.')
        assert torch.equal(other.weight, network.weight), name
        assert torch.equal(other.bias, network.bias), name


def test_code_in_the_metadata_does_not_reach_the_framework(tmp_path):
    meta = dict(config='raise SystemExit', cfg='raise SystemExit', epoch=3)
    torch.save(dict(state_dict={}, meta=meta), tmp_path / 'run.pth')
    content = read_checkpoint(tmp_path / 'run.pth')
    # What is evaluated by MMEngine's Runner is gone, what it never looks at is text.
    assert content['meta'] == dict(cfg='raise SystemExit', epoch=3)


@pytest.mark.parametrize('suffix', ['pth', 'safetensors'])
def test_damage_is_told_in_words(tmp_path, suffix):
    file = tmp_path / f'net.{suffix}'
    torch.save(dict(state_dict=dict(w=torch.zeros(1000))), file)
    content = file.read_bytes()
    spoilt = content[:100] + b'\xff' * 100 + content[200:]
    page = b'<!DOCTYPE html><html>404</html>'
    number = pickle.dumps(10**30, 2)
    for damaged in (b'', page, content[: len(content) // 2], spoilt, number):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=f'net.{suffix} cannot be read'):
            read_checkpoint(file)
    with pytest.raises(FileNotFoundError, match='gone.pth does not exist'):
        read_checkpoint(tmp_path / 'gone.pth')


def test_only_tensors_by_name_are_weights(tmp_path):
    for content, message in (
        ([torch.zeros(1)], 'holds a list'),
        (dict(state_dict=3), 'no weights by name'),
        (dict(state_dict=dict(w=3)), "'w' is a int and no tensor"),
    ):
        torch.save(content, tmp_path / 'odd.pth')
        with pytest.raises(ValueError, match=message):
            read_state_dict(tmp_path / 'odd.pth')


def test_what_nobody_vouches_for_is_refused():
    for source, message in (
        ('https://host/a.pth#sha256=abc', 'https://host/a.pth#sha256=HEX'),
        ('torchvision://resnet18', 'download.pytorch.org/models/resnet18.*#sha256'),
        (f'ftp://host/a.pth#sha256={"0" * 64}', 'URL#sha256'),
    ):
        with pytest.raises(ValueError, match=message):
            parse_checkpoint_source(source)


def test_a_url_with_its_hash_is_fetched_once_and_checked_always(url, tmp_path):
    file = tmp_path / 'served' / 'net.pth'
    torch.save(dict(state_dict=dict(w=torch.arange(3))), file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    source = f'{url}/net.pth#sha256={digest}'
    for _ in range(2):
        assert read_state_dict(source)['w'].tolist() == [0, 1, 2]
    assert QuietHandler.asked == ['/net.pth']
    (cached,) = (tmp_path / 'cache').rglob('*net.pth')
    # Something else in its place is not read, but fetched again.
    torch.save(dict(state_dict=dict(w=torch.zeros(1))), cached)
    assert read_state_dict(source)['w'].tolist() == [0, 1, 2]
    assert len(QuietHandler.asked) == 2
    # Another program's file of that name may be needed there.
    assert len(torch.load(cached)['state_dict']['w']) == 1
    (apart,) = set(cached.parent.iterdir()) - {cached}
    assert apart.name == f'{digest[:16]}-net.pth'

    cached.unlink()
    apart.unlink()
    file.write_bytes(b'another file')
    with pytest.raises(ValueError, match='not the file that its sha256 is of'):
        read_state_dict(source)
    assert os.listdir(cached.parent) == []
    file.unlink()
    with pytest.raises(OSError, match=f'cannot be fetched .*404.*{digest}.*net.pth$'):
        read_state_dict(source)


def test_what_is_written_as_safetensors_is_read_back(tmp_path):
    shared = torch.randn(3, 4)
    tensors = dict(
        whole=shared,
        turned=shared.t(),
        part=shared[1:, ::2],
        scalar=torch.tensor(7),
        empty=torch.zeros(0, 3),
        parameter=nn.Parameter(torch.randn(2)),
        brain=torch.randn(2).bfloat16(),
    )
    path = tmp_path / 'a.safetensors'
    write_safetensors(path, tensors, dict(prefix='net.'))
    loaded = read_state_dict(path)
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype, name
        assert torch.equal(loaded[name], tensor), name
    with pytest.raises(ValueError, match='no .*a.safetensors can be made of'):
        write_safetensors(path, dict(w=torch.eye(2).to_sparse()), {})
    assert read_state_dict(path).keys() == tensors.keys()


RESNET = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4)
BACKBONES = [RESNET, dict(type='WideResNet38', width_multiplier=1 / 16)]


def save_classifier(file, backbone):
    """A checkpoint as a classifier leaves it, with no weight at its first value."""
    donor = MODELS.build(backbone)
    for parameter in donor.parameters():
        nn.init.normal_(parameter)
    state = {f'backbone.{key}': value for key, value in donor.state_dict().items()}
    state['head.fc.weight'] = torch.zeros(2, 3)
    torch.save(dict(state_dict=state), file)
    return donor.state_dict()


@pytest.mark.parametrize('scope', ['mmseg', 'mmpretrain'])
@pytest.mark.parametrize('backbone', BACKBONES, ids=lambda backbone: backbone['type'])
def test_strict_pretrained_fills_every_weight(tmp_path, backbone, scope):
    init_default_scope('mmseg')
    file = tmp_path / 'classifier.pth'
    expected = save_classifier(file, backbone)
    init_cfg = dict(type='StrictPretrained', checkpoint=str(file), prefix='backbone.')
    init_default_scope(scope)
    type_ = f'mmseg.{backbone["type"]}'
    network = MODELS.build(dict(backbone, type=type_, init_cfg=init_cfg))
    network.init_weights()
    for name, value in network.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_strict_pretrained_refuses_what_does_not_fit(tmp_path):
    init_default_scope('mmseg')
    file = tmp_path / 'classifier.pth'
    save_classifier(file, RESNET)

    for prefix, message in (('', 'do not fit ResNet'), ('encoder.', '`prefix` of Str')):
        init_cfg = dict(type='StrictPretrained', checkpoint=str(file), prefix=prefix)
        with pytest.raises(ValueError, match=message):
            MODELS.build(dict(RESNET, init_cfg=init_cfg)).init_weights()
