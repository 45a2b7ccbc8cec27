# Table 3 without Test-Aug: labels of one view.
_base_ = './naive-student_r18_minicity-256x512.py'
labeling = dict(tta=False)
# Of one round, as in the paper.
rounds = _base_.rounds[:1]
