# The plan of naive-student_r18_minicity-256x512.py at half of the size, for studies
# of many runs. All networks start from weights of another world:
# segda train panoptic-deeplab_r18_minicity-pretraining-128x256
_base_ = './naive-student_r18_minicity-256x512.py'
make_data = (
    'segda minicity --out data/minicity-video --gta5 0 '
    '--train 20 --val 60 --train-extra 80 --sequence-train 20'
)
_video = 'data/minicity-video/cityscapes'
_config = 'configs/panoptic_deeplab/panoptic-deeplab_r18_minicity-128x256.py'
_pretrained = 'work_dirs/panoptic-deeplab_r18_minicity-pretraining-128x256/epoch_53.pth'

labeled = dict(dataset=dict(data_root=_video))
# 120 frames of the snippets, and 80 other images.
unlabeled = dict(
    sequence=dict(
        images=dict(data_root=_video), ego_car=dict(annotated=f'{_video}/gtFine/train')
    ),
    extra=dict(
        _delete_=True,
        images=dict(
            type='CityscapesImagesDataset',
            data_root=_video,
            images='leftImg8bit/train_extra',
        ),
    ),
)
teacher = dict(config=_config, init=_pretrained)
rounds = _base_.rounds
for _round in rounds:
    _round.student.update(config=_config, init=_pretrained)
