# The last row of Table 1: the second student goes on from the first one.
_base_ = './naive-student_r18_minicity-256x512.py'
rounds = _base_.rounds
rounds[1].student.init = 'previous student'
