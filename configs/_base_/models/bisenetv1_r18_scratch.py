# BiSeNet-R18 from random weights, for small pictures: the published figures of the miniature world and of CamVid are of
# such trainings, which need no download.
_base_ = './bisenetv1_r18.py'
from_scratch = True
