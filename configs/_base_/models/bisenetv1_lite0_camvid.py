# BiSeNet-Lite0 for the 11 classes of CamVid, and how it is trained.
_base_ = './bisenetv1_lite0.py'
auxiliary_head = _base_.segmentor.auxiliary_head
for head in auxiliary_head:
    head.num_classes = 11
del head
segmentor = dict(decode_head=dict(num_classes=11), auxiliary_head=auxiliary_head)
# As for a pretrained encoder: AdamW, and a quarter of the rate for the encoder.
adamw = dict(type='AdamW', lr=2e-3, weight_decay=0.01, fused=True)
paramwise_cfg = dict(custom_keys=dict(timm_model=dict(lr_mult=0.25)))
