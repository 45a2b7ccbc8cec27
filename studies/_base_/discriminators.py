# Whether discriminators learned anything: the figures and the note of such a table.
_discriminators = dict(
    name='discriminators',
    title='What the discriminators have learned',
    figures={
        'discriminator.loss': 'loss of the discriminator',
        'discriminator.accuracy_source': 'right on the source',
        'discriminator.accuracy_target': 'right on the target',
        'generator.adversarial.gradient_ratio': 'adversarial gradient',
    },
    note='At the end of the training, over its last steps. A discriminator that cannot tell the '
    'domains apart has a loss of 0.6931. The adversarial gradient is that of the weighted '
    "adversarial loss in the decode head, as a part of the gradient of the source's loss there.",
)
decimals = {
    'discriminator.loss': 4,
    'discriminator.accuracy_source': 2,
    'discriminator.accuracy_target': 2,
    'generator.adversarial.gradient_ratio': 6,
}
