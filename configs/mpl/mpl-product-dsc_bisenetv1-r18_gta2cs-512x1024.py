# The entry of this project under its systematic name; here the teacher's
# checkpoint must be there.
_base_ = '../mpl_bisenet_gta2cs.py'
optional_checkpoints = [_base_.imagenet_checkpoint]
