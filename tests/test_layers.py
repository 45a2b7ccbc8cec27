"""Dependencies point one way: tools -> apis -> engine -> models / datasets -> ops."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'segda_mm'

PARTS = {
    'apis',
    'cli',
    'datasets',
    'engine',
    'evaluation',
    'inference',
    'labeling',
    'methods',
    'minicity',
    'models',
    'ops',
    'report',
    'self_training',
    'testing',
    'visualization',
}

#: What a part may not import, besides `tools` and `tests`, which nothing may.
FORBIDDEN = {
    part: {*above}
    for part, above in {
        'ops': PARTS - {'ops'},
        'minicity': PARTS - {'minicity'},
        'models': PARTS - {'models', 'ops'},
        'methods': PARTS - {'methods', 'models', 'ops'},
        'datasets': PARTS - {'datasets', 'ops'},
        'evaluation': PARTS - {'evaluation', 'datasets', 'models', 'ops'},
        'visualization': PARTS - {'visualization', 'datasets', 'models', 'ops'},
        'engine': {
            'apis',
            'cli',
            'inference',
            'labeling',
            'report',
            'self_training',
            'testing',
        },
        'labeling': {'apis', 'cli', 'inference', 'report', 'self_training', 'testing'},
        'inference': {'apis', 'cli', 'report', 'self_training', 'testing'},
        'self_training': {'apis', 'cli', 'testing'},
        'apis': {'cli', 'testing'},
    }.items()
}

#: Modules that the package's own requirements provide.
DECLARED = {
    'PIL',
    'cv2',
    'matplotlib',
    'mmcv',
    'mmengine',
    'mmpretrain',
    'mmseg',
    'numpy',
    'scipy',
    'torch',
    'torchvision',
}

REGISTRY_HOMES = ('mmcv', 'mmengine', 'mmpretrain', 'mmseg')


def imported_names(path, root):
    """Absolute dotted names a file imports, `from a import b` given as `a.b`."""
    package = ('segda_mm', *path.relative_to(root).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            origin = '.'.join([*base, *filter(None, [node.module])])
            yield from (f'{origin}.{alias.name}' for alias in node.names)


def violations(root):
    """Sentences on every import below `root` that points the wrong way."""
    for path in sorted(root.rglob('*.py')):
        relative = path.relative_to(root)
        part = relative.parts[0].removesuffix('.py')
        for name in imported_names(path, root):
            problem = violation(part, name)
            if problem:
                yield f'{relative} imports {name}: {problem}'


def violation(part, name):
    """Why part `part` of the package may not import `name`; None if it may."""
    top, _, rest = name.partition('.')
    other = rest.partition('.')[0]
    outside = {'tools', 'tests', 'studies'}
    if top in outside or (top == 'segda_mm' and other in outside):
        return 'nothing in the package imports tools, tests or studies'
    if top == 'segda_mm':
        if other in FORBIDDEN.get(part, ()):
            return f'{part} must not know {other}'
        return None
    if part == 'ops' and top not in {'torch', 'numpy', *sys.stdlib_module_names}:
        return 'pure functions use torch and numpy only'
    if top not in DECLARED and top not in sys.stdlib_module_names:
        return 'setup.cfg does not declare it'
    if name.startswith('mmengine.hub'):
        return 'it pip-installs an abandoned package over mmseg'
    if part != 'registry' and top in REGISTRY_HOMES and is_registry(name):
        return 'registries come from segda_mm.registry'
    return None


def is_registry(name):
    """Registries are the upper-case names of the `registry` modules."""
    module, _, last = name.rpartition('.')
    return 'registry' in module.split('.') and last.isupper()


def test_the_package_keeps_the_layers():
    assert list(violations(PACKAGE)) == []


def test_the_tools_know_no_studies():
    tools = PACKAGE.parent / 'tools'
    for path in tools.rglob('*.py'):
        names = set(imported_names(path, tools))
        assert not any(name.partition('.')[0] == 'studies' for name in names), path


@pytest.mark.parametrize(
    ('file', 'line', 'reason'),
    [
        ('ops/a.py', 'from mmseg.models import losses', 'torch and numpy only'),
        ('ops/a.py', 'import scipy.ndimage', 'torch and numpy only'),
        ('ops/a.py', 'from ..models import heads', 'ops must not know models'),
        ('models/a.py', 'from segda_mm import datasets', 'must not know datasets'),
        ('models/a.py', 'from segda_mm.engine import hooks', 'must not know engine'),
        ('models/heads/a.py', 'from ...apis.train import x', 'must not know apis'),
        ('models/a.py', 'def f():\n    import segda_mm.apis', 'must not know apis'),
        ('datasets/a.py', 'from segda_mm.models import x', 'must not know models'),
        ('engine/hooks/a.py', 'import segda_mm.apis.train', 'must not know apis'),
        ('apis/a.py', 'from tools.train import main', 'nothing in the package'),
        ('doctor.py', 'import tools.train', 'nothing in the package'),
        ('models/a.py', 'from mmseg.registry import MODELS', 'segda_mm.registry'),
        ('engine/a.py', 'from mmengine.registry import HOOKS', 'segda_mm.registry'),
        ('apis/a.py', 'from mmengine.hub import get_config', 'pip-installs'),
        ('apis/a.py', 'from studies.records import x', 'nothing in the package'),
        ('apis/a.py', 'import pandas', 'setup.cfg does not declare it'),
        ('evaluation/a.py', 'import torchmetrics', 'setup.cfg does not declare it'),
    ],
)
def test_a_wrong_import_is_found(tmp_path, file, line, reason):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line)
    (problem,) = violations(tmp_path)
    assert file in problem
    assert reason in problem


@pytest.mark.parametrize(
    ('file', 'line'),
    [
        ('ops/a.py', 'import math\nimport numpy as np\nfrom .b import c'),
        ('models/a.py', 'from ..ops.b import c\nfrom segda_mm.registry import MODELS'),
        ('engine/a.py', 'from segda_mm.models import x\nfrom ..datasets import y'),
        ('registry.py', 'from mmseg.registry import MODELS'),
        ('apis/a.py', 'from mmengine.registry import init_default_scope'),
    ],
)
def test_a_right_import_passes(tmp_path, file, line):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line)
    assert list(violations(tmp_path)) == []
