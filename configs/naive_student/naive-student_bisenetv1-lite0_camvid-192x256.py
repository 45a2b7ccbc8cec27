# Algorithm 1 of "Naive-Student" with BiSeNet-Lite0 on CamVid, semantic: every tenth
# frame of the training sequences is labelled, the others are not. Rates decay in every
# step.
_root = 'data/camvid'
_config = 'configs/supervised/supervised_bisenetv1-lite0_camvid-day-192x256.py'
_train = dict(img_path='images/train', seg_map_path='labels/train')

# Labelled data: 37 frames of the three sequences.
labeled = dict(dataset=dict(sequences=None, every=10))

# Unlabelled data: the other 330, whose labels only judge the pseudo labels.
unlabeled = dict(
    others=dict(
        images=dict(
            type='CamVidImagesDataset',
            data_root=_root,
            images='images/train',
            leave_out_every=10,
        ),
        # The bonnet is seen in the dusk sequence only. It is what is void in all of
        # its labelled frames.
        ego_car=dict(
            annotated=dict(
                type='CamVidDataset',
                data_root=_root,
                data_prefix=_train,
                sequences=('0001TP',),
                every=10,
            ),
            ego_ids=(11,),
            snippets=dict(pattern='(?P<snippet>0001TP)_'),
            touching_bottom=True,
        ),
        truth=dict(type='CamVidDataset', data_root=_root, data_prefix=_train),
    )
)

# Step 1: train a teacher on the labelled images, for as long as a student and its
# fine-tuning.
teacher = dict(config=_config, steps=240)

# Step 2: label the unlabelled images with it, over scales and flips.
labeling = dict(tta=True, pseudo_labeler=None, num_workers=0)

# Steps 3 and 4: train an equal or larger student on these, fine-tune it on the
# labelled images. For more rounds, repeat the entry.
rounds = [
    dict(
        student=dict(config=_config, steps=180),
        finetune=dict(
            steps=60, options=dict(optim_wrapper=dict(optimizer=dict(lr=5e-4)))
        ),
    )
]

mix_labeled = False
by_step = True
# The validation frames of sequence 0016E5.
evaluation = dict(
    tta=False,
    dataset=dict(
        data_prefix=dict(img_path='images/val', seg_map_path='labels/val'),
        sequences=None,
        frames=None,
    ),
)
seed = 0
