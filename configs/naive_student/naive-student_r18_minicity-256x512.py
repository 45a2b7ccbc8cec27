# Algorithm 1 of "Naive-Student" on the built-in miniature world, for two CPU cores:
# 20 labelled images, 200 unlabelled ones, two rounds. All networks start from weights of
# another world, as the paper's start from those of Mapillary Vistas:
# segda train panoptic-deeplab_r18_minicity-pretraining-256x512
make_data = (
    'segda minicity --out data/minicity-512x256 '
    '--size 512x256 --gta5 0 --train 1600 --val 100 && '
    'segda minicity --out data/minicity-512x256-video '
    '--size 512x256 --gta5 0 --train 20 --val 0 --sequence-train 20'
)
_images = 'data/minicity-512x256/cityscapes'
_video = 'data/minicity-512x256-video/cityscapes'
_config = 'configs/panoptic_deeplab/panoptic-deeplab_r18_minicity-256x512.py'
_pretrained = 'work_dirs/panoptic-deeplab_r18_minicity-pretraining-256x512/epoch_53.pth'
_rate = dict(optim_wrapper=dict(optimizer=dict(lr=1e-3)))

# Labelled data: the annotated frame of each of 20 snippets.
labeled = dict(dataset=dict(data_root=_video))

# Unlabelled data: every fifth frame or so of these snippets, and other images, whose
# labels are held back and used for judging the pseudo labels only.
unlabeled = dict(
    sequence=dict(
        images=dict(type='CityscapesSequenceDataset', data_root=_video),
        share=dict(fraction=0.2, seed=0),
        ego_car=dict(annotated=f'{_video}/gtFine/train', include_annotated=True),
    ),
    extra=dict(
        images=dict(
            type='CityscapesImagesDataset',
            data_root=_images,
            images='leftImg8bit/train',
        ),
        share=dict(fraction=0.05, seed=0),
        truth=dict(
            type='CityscapesPanopticDataset',
            data_root=_images,
            data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        ),
    ),
)

# Step 1: train a teacher on the labelled images, for as long as a student and its
# fine-tuning.
teacher = dict(config=_config, init=_pretrained, steps=300, options=_rate)

# Step 2: label the unlabelled images with it, over scales and flips.
labeling = dict(tta=True, pseudo_labeler=None, num_workers=0)

# Steps 3 and 4: train an equal or larger student on these, fine-tune it on the
# labelled images. Step 5: it is the teacher of the next round.
_round = dict(
    student=dict(config=_config, init=_pretrained, steps=240, options=_rate),
    finetune=dict(steps=60, options=dict(optim_wrapper=dict(optimizer=dict(lr=5e-4)))),
)
rounds = [_round, _round]

mix_labeled = False
evaluation = dict(tta=False)
seed = 0
