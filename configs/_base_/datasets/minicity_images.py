# Images of the target alone; an epoch is one pass over them.
_base_ = './minicity_pair.py'
train_dataloader = dict(dataset=dict(_delete_=True, **_base_.target_dataset))
