# Every frame is labelled. No other ones are left, so the pseudo labels are those of
# the labelled frames themselves.
_base_ = './naive-student_bisenetv1-r18_camvid-144x192.py'
labeled = dict(dataset=dict(every=None))
unlabeled = dict(
    others=dict(
        images=dict(leave_out_every=None), ego_car=dict(annotated=dict(every=None))
    )
)
