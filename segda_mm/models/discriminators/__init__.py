from .dsc_discriminator import DSCDiscriminator
from .fc_discriminator import FCDiscriminator

__all__ = ['DSCDiscriminator', 'FCDiscriminator']
