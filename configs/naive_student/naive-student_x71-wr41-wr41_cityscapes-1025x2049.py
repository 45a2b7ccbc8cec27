# Algorithm 1 of "Naive-Student", as in its Table 1: X-71 teaches WR-41, and WR-41
# another WR-41. Training is to be started under torchrun with 8 processes.
_root = 'data/cityscapes'
_x71 = 'configs/panoptic_deeplab/panoptic-deeplab_x71_cityscapes-1025x2049.py'
_wr41 = 'configs/panoptic_deeplab/panoptic-deeplab_wr41_cityscapes-1025x2049.py'
_x71_vistas = 'work_dirs/panoptic-deeplab_x71_mapillary-1025x2049/epoch_106.pth'
_wr41_vistas = 'work_dirs/panoptic-deeplab_wr41_mapillary-1025x2049/epoch_106.pth'

# Labelled data: train-fine, which both configs train on.
labeled = dict()

# Unlabelled data: train-sequence and train-extra.
unlabeled = dict(
    sequence=dict(
        images=dict(type='CityscapesSequenceDataset', data_root=_root),
        # The human label of a snippet says where the own car is in all 30 frames.
        ego_car=dict(annotated=f'{_root}/gtFine/train', include_annotated=True),
    ),
    extra=dict(images=dict(type='CityscapesExtraDataset', data_root=_root)),
)

# Step 1: train a teacher on the labelled images.
teacher = dict(config=_x71, init=_x71_vistas, steps=60000)

# Step 2: label the unlabelled images with it, over scales and flips.
labeling = dict(tta=True, pseudo_labeler=None, num_workers=4)

# Steps 3 and 4: train an equal or larger student on these, fine-tune it on the
# labelled images. Step 5: it is the teacher of the next round.
_round = dict(
    student=dict(config=_wr41, init=_wr41_vistas, steps=180000),
    # Length and rate are not the paper's, which gives none.
    finetune=dict(
        steps=20000, options=dict(optim_wrapper=dict(optimizer=dict(lr=1e-5)))
    ),
)
rounds = [_round, _round]

mix_labeled = False
evaluation = dict(tta=False)
seed = 0
