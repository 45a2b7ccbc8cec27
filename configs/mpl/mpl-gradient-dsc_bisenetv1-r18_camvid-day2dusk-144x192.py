# Feedback of Pham et al. in its gradient form, which sees the pseudo labels alone.
_base_ = './mpl-product-dsc_bisenetv1-r18_camvid-day2dusk-144x192.py'
model = dict(feedback_rule=dict(_delete_=True, type='GradientFeedback'))
miniature_config = 'mpl-gradient-dsc_bisenetv1-r18_minicity-128x256'
