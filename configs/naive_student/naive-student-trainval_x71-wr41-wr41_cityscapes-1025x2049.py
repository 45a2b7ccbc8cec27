# Table 2: nothing is held back, and the test images are predicted over scales and
# flips, as files for the test server, in a folder for each network.
_base_ = './naive-student_x71-wr41-wr41_cityscapes-1025x2049.py'
_files = 'work_dirs/cityscapes-test'
labeled = dict(
    more=dict(
        val=dict(
            type='CityscapesPanopticDataset',
            data_root='data/cityscapes',
            data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        )
    )
)
unlabeled = dict(val_sequence=dict(teachers_only=False))
evaluation = dict(
    tta=True,
    dataset=dict(
        data_prefix=dict(img_path='leftImg8bit/test', seg_map_path='gtFine/test')
    ),
)
teacher = _base_.teacher
rounds = _base_.rounds
# Step 1 has trained the first teacher on all of it.
rounds[0].teacher = None
for _number, _part in enumerate([teacher, rounds[0].student, rounds[1].student]):
    _metric = dict(
        type='PanopticMetric', format_only=True, output_dir=f'{_files}/round-{_number}'
    )
    _part.options = dict(test_evaluator=_metric)
