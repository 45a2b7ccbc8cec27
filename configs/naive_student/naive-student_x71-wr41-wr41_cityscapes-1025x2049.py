# Algorithm 1 of "Naive-Student", as in its Table 1: X-71 teaches WR-41, and WR-41
# another WR-41. Training is to be started under torchrun with 8 processes.
_root = 'data/cityscapes'
_x71 = 'configs/panoptic_deeplab/panoptic-deeplab_x71_cityscapes-1025x2049.py'
_wr41 = 'configs/panoptic_deeplab/panoptic-deeplab_wr41_cityscapes-1025x2049.py'
_x71_vistas = 'work_dirs/panoptic-deeplab_x71_mapillary-1025x2049/epoch_106.pth'
_wr41_vistas = 'work_dirs/panoptic-deeplab_wr41_mapillary-1025x2049/epoch_106.pth'

# Labelled data: train-fine, which both configs train on.
labeled = dict()

# Unlabelled data: train-sequence and train-extra, and val-sequence for teachers.
unlabeled = dict(
    sequence=dict(
        images=dict(type='CityscapesSequenceDataset', data_root=_root),
        # The human label of a snippet says where the own car is in all 30 frames.
        ego_car=dict(annotated=f'{_root}/gtFine/train', include_annotated=True),
    ),
    extra=dict(images=dict(type='CityscapesExtraDataset', data_root=_root)),
    val_sequence=dict(
        images=dict(
            type='CityscapesSequenceDataset',
            data_root=_root,
            images='leftImg8bit_sequence/val',
        ),
        ego_car=dict(annotated=f'{_root}/gtFine/val', include_annotated=True),
        teachers_only=True,
    ),
)

# Step 1: train a teacher on the labelled images.
teacher = dict(config=_x71, init=_x71_vistas, steps=60000)

# Step 2: label the unlabelled images with it, over scales and flips.
labeling = dict(tta=True, pseudo_labeler=None, num_workers=4)

# Before that, the teacher alone is fine-tuned on trainval-fine, and from round 2 on on
# the labels of the round before as well. As in step 4, the paper gives no length.
_trainval = dict(
    more=dict(
        val=dict(
            type='CityscapesPanopticDataset',
            data_root=_root,
            data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        )
    )
)
_teacher = dict(
    labeled=_trainval,
    steps=20000,
    options=dict(optim_wrapper=dict(optimizer=dict(lr=1e-5))),
)

# Steps 3 and 4: train an equal or larger student on these, fine-tune it on the
# labelled images. Step 5: it is the teacher of the next round.
_round = dict(
    student=dict(config=_wr41, init=_wr41_vistas, steps=180000),
    # Length and rate are not the paper's, which gives none.
    finetune=dict(
        steps=20000, options=dict(optim_wrapper=dict(optimizer=dict(lr=1e-5)))
    ),
)
rounds = [
    dict(_round, teacher=_teacher),
    dict(_round, teacher=dict(_teacher, pseudo_labels=True)),
]

mix_labeled = False
evaluation = dict(tta=False)
seed = 0
