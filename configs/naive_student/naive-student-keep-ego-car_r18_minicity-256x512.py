# Table 3 without Void-Ego-Car: the teacher's guess at the own car is learnt from.
_base_ = './naive-student_r18_minicity-256x512.py'
unlabeled = dict(sequence=dict(ego_car=None))
# Of one round, as in the paper.
rounds = _base_.rounds[:1]
