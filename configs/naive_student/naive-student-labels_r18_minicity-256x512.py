# Figure 5: a part of the human labels. Other parts: --cfg-options
# labeled.share.fraction=0.2; smaller ones are contained in larger ones.
_base_ = './naive-student_r18_minicity-256x512.py'
labeled = dict(share=dict(fraction=0.4, seed=0))
