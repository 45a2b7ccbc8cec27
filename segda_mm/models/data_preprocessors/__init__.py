from .domain_data_preprocessor import DomainDataPreprocessor
from .panoptic_data_preprocessor import PanopticDataPreprocessor

__all__ = ['DomainDataPreprocessor', 'PanopticDataPreprocessor']
