# Feedback of Pham et al.: the change of the student's labelled loss.
_base_ = './mpl-product-dsc_bisenetv1-r18_camvid-day2dusk-144x192.py'
model = dict(
    feedback_rule=dict(
        _delete_=True, type='StudentLossChangeFeedback', baseline_momentum=0.99
    )
)
miniature_config = 'mpl-change-dsc_bisenetv1-r18_minicity-128x256'
