# Two of five frames are labelled, the others are not.
_base_ = './naive-student_bisenetv1-r18_camvid-144x192.py'
labeled = dict(dataset=dict(every=2.5))
unlabeled = dict(
    others=dict(
        images=dict(leave_out_every=2.5), ego_car=dict(annotated=dict(every=2.5))
    )
)
