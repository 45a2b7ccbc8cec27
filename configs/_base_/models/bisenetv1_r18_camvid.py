# BiSeNet-R18 for the 11 classes of CamVid, from random weights.
_base_ = './bisenetv1_r18_scratch.py'
auxiliary_head = _base_.segmentor.auxiliary_head
for head in auxiliary_head:
    head.num_classes = 11
del head
segmentor = dict(decode_head=dict(num_classes=11), auxiliary_head=auxiliary_head)
