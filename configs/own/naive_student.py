# Rounds of "Naive-Student" on footage: a teacher of source_only.py labels your target
# over scales and flips, a student learns from these labels and from yours. For
# `segda self-train`.
recipe = dict(name='naive_student', after='source_only', source_free=True)
labeling = dict(
    tta=True, pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='dataset')
)
# For more rounds, repeat the entry.
rounds = [dict(student=dict())]
mix_labeled = True
