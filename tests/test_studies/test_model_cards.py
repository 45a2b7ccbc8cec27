"""Model cards from metafiles and stored lines."""

import json

import pytest
import yaml

from studies.model_cards import measured_models, model_cards

COLLECTION = dict(
    Name='Supervised', Paper=dict(Title='Two Paths', URL='https://example.org/paths')
)


@pytest.fixture
def cards(tmp_path):
    """The page about two measured models and one that is not."""

    def model(name, judged=None, **figures):
        entry = {
            'Name': name,
            'In Collection': 'Supervised',
            'Config': f'configs/supervised/{name}.py',
            'Metadata': {
                'Training Data': ['drawn streets'],
                'Architecture': ['ResNet-18', 'BiSeNetV1'],
            },
        }
        if judged:
            entry['Results'] = [dict(Dataset=judged, Metrics=figures)]
        return entry

    models = [
        model('supervised_a-192x256', 'CamVid', **{'Precision per pixel': 70.5}),
        model('supervised_b-64x128', 'miniature world', mIoU=20.0),
        model('supervised_c-64x128'),
    ]
    metafile = dict(Collections=[COLLECTION], Models=models)
    (tmp_path / 'metafile.yml').write_text(yaml.safe_dump(metafile))
    (tmp_path / 'index.yml').write_text('Import: [metafile.yml]')
    lines = [
        dict(method=method, seed=seed, config=models[0]['Config'], metrics=figures)
        for method, values in (('source', (70, 71)), ('half', (60, 61)))
        for seed, figures in enumerate(dict(pixel_precision=x) for x in values)
    ]
    results = tmp_path / 'results'
    results.mkdir()
    (results / 'streets.jsonl').write_text('\n'.join(map(json.dumps, lines)))
    return model_cards(measured_models(tmp_path / 'index.yml'), results)


def test_measured_models_have_a_row_with_the_seeds_that_gave_it(cards):
    assert cards.count('\n## ') == 1
    assert '## BiSeNetV1 on ResNet-18' in cards
    rows = [
        line.split(' | ') for line in cards.splitlines() if line.startswith('| [sup')
    ]
    assert [row[1:] for row in rows] == [
        # Of two results of one config it is the one with that mean.
        ['drawn streets', 'CamVid', '256x192', 'Precision per pixel 70.5']
        + ['[source](streets.md): Precision per pixel 70.5 ± 0.7, 2 seeds |'],
        ['drawn streets', 'miniature world', '128x64', 'mIoU 20.0', 'not kept |'],
    ]
    assert '[supervised_a-192x256](../../configs/supervised/supervised_a' in cards


def test_a_card_tells_licences_and_limits(cards):
    assert (
        'drawn streets (drawn by this package); CamVid (terms of its owners)' in cards
    )
    assert 'one camera' in cards
    assert 'nothing on real ones' not in cards
    assert '[Two Paths](https://example.org/paths)' in cards
