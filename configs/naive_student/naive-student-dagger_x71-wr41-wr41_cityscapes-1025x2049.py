# The last row of Table 1: the second student goes on from the first one.
_base_ = './naive-student_x71-wr41-wr41_cityscapes-1025x2049.py'
rounds = _base_.rounds
rounds[1].student.init = 'previous student'
