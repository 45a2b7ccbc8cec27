import timm
import torch

CONVERT = ('weights', '--layout=timm_xception71', '--convert')


def test_a_checkpoint_is_converted_or_refused(tmp_path, run_command, capsys):
    source, out = tmp_path / 'timm.pth', tmp_path / 'new' / 'out.pth'
    assert run_command(*CONVERT, source, out) == 2
    assert str(source) in capsys.readouterr().err

    state = timm.create_model('xception71', num_classes=0).state_dict()
    torch.save(state, source)
    assert run_command(*CONVERT, source, out) == 0
    assert capsys.readouterr().out == f'{out}\n'
    converted = torch.load(out, weights_only=True)['state_dict']
    assert len(converted) == len(state)
    assert all(name.startswith('backbone.') for name in converted)
    assert [path.name for path in out.parent.glob('[!.]*')] == ['out.pth']

    del state['stem.0.conv.weight']
    torch.save(state, source)
    assert run_command(*CONVERT, source, out) == 2
    assert 'stem.0.conv.weight' in capsys.readouterr().err
