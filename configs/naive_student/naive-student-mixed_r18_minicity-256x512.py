# Table 4: labelled and pseudo-labelled images together in step 3.
_base_ = './naive-student_r18_minicity-256x512.py'
mix_labeled = True
