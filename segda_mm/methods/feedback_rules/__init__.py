from .base_feedback_rule import BaseFeedbackRule, StudentReport
from .loss_product_feedback import LossProductFeedback
from .student_loss_change_feedback import StudentLossChangeFeedback

__all__ = [
    'BaseFeedbackRule',
    'LossProductFeedback',
    'StudentLossChangeFeedback',
    'StudentReport',
]
