"""A row with a seed, in this process."""

from segda_mm.testing.toy_plan import write_toy_plan
from studies.one_run import last_checkpoint, validations
from studies.study import Row


def test_a_plan_gives_one_result_a_round(world, tmp_path):
    plan = write_toy_plan(tmp_path / 'plan')
    student = dict(config=str(plan.parent / 'tiny.py'), steps=1)
    changes = {
        'teacher.steps': 1,
        'rounds': [dict(student=student)],
        'labeling.tta': False,
        'unlabeled.others.ego_car': None,
    }
    world.rows = [Row('NS', str(plan), [changes], plan=True)]
    runs = world.runs(world.study(seeds=(1,)))
    (row,) = world.rows
    runs.carry_out(row, 1, dict(commit='abc'))
    found = world.read()
    assert [line['method'] for line in found] == ['NS, supervised', 'NS, round 1']
    assert all(line['seed'] == 1 and line['num_images'] == 2 for line in found)
    assert found[0]['labels'] == {} and set(found[1]['labels']) == {'others'}
    assert set(found[0]['per_class_iou']) >= {'Sky', 'Road'}
    assert runs.state(row, 1, found) == 'done'
    # A line that was lost comes back, and nothing is trained for it.
    world.lines.unlink()
    world.add('NS, supervised', 1, runs.hash_of(row))
    runs.carry_out(row, 1, dict(commit='abc'))
    assert world.read()[1]['metrics'] == found[1]['metrics']


def test_validations_of_all_calls_the_later_one_of_an_epoch():
    logged = [
        dict(loss=1.0, epoch=1, iter=4, step=4),
        {'mIoU': 10.0, 'IoU.car': 5.0, 'time': 0.1, 'step': 1, 'source_IoU.car': 7.0},
        dict(mIoU=20.0, entropy=0.5, step=2),
        dict(mIoU=21.0, entropy=float('nan'), step=2),
        dict(mIoU=30.0, step=10),
    ]
    assert validations(logged) == [
        dict(epoch=1, mIoU=10.0),
        dict(epoch=2, mIoU=21.0, entropy=None),
        dict(epoch=10, mIoU=30.0),
    ]


def test_the_last_checkpoint_is_found_in_a_moved_folder(tmp_path):
    assert last_checkpoint(tmp_path) is None
    (tmp_path / 'last_checkpoint').write_text('/elsewhere/epoch_2.pth')
    assert last_checkpoint(tmp_path) is None
    (tmp_path / 'epoch_2.pth').write_text('')
    assert last_checkpoint(tmp_path) == tmp_path / 'epoch_2.pth'
