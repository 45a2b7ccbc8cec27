# Figure 6: a part of the pseudo-labelled images, here half of them. Other parts:
# --cfg-options unlabeled.sequence.share.fraction=... unlabeled.extra.share.fraction=...
_base_ = './naive-student_r18_minicity-256x512.py'
unlabeled = dict(
    sequence=dict(share=dict(fraction=0.1)), extra=dict(share=dict(fraction=0.025))
)
