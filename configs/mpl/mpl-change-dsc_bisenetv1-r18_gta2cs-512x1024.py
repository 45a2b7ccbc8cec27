# Feedback of Pham et al.: the change of the student's labelled loss.
_base_ = './mpl-product-dsc_bisenetv1-r18_gta2cs-512x1024.py'
model = dict(
    feedback_rule=dict(
        _delete_=True, type='StudentLossChangeFeedback', baseline_momentum=0.99
    )
)
