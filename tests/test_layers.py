"""Imports point one way, downwards, and never in a circle."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: What a part of the package may import of its other parts. All may import the
#: modules at the top of the package: registry, errors, files, outputs, dependencies.
ALLOWED = {
    'ops': set(),
    'minicity': set(),
    'models': {'ops'},
    'methods': {'models', 'ops'},
    'datasets': {'minicity', 'ops'},
    'evaluation': {'datasets', 'models', 'ops'},
    'visualization': {'datasets', 'models', 'ops'},
    'engine': {'datasets', 'evaluation', 'methods', 'models', 'ops', 'visualization'},
}
ALLOWED['labeling'] = {'engine', *ALLOWED['engine']}
ALLOWED['inference'] = {'labeling', *ALLOWED['labeling']}
ALLOWED['self_training'] = {'inference', *ALLOWED['inference']}
ALLOWED['apis'] = {'minicity', 'self_training', *ALLOWED['self_training']}
ALLOWED['testing'] = ALLOWED['apis']

#: What stands above the package, and what each may import of the others.
ABOVE = {
    'segda_cli': set(),
    'studies': {'segda_cli'},
    'tools': {'segda_cli'},
    'tests': {'segda_cli', 'studies', 'tools'},
}

#: Modules that the package's own requirements provide.
DECLARED = {
    'PIL',
    'cv2',
    'filelock',
    'jinja2',
    'matplotlib',
    'mmcv',
    'mmengine',
    'mmpretrain',
    'mmseg',
    'numpy',
    'rich',
    'safetensors',
    'scipy',
    'torch',
    'torchvision',
}

REGISTRY_HOMES = ('mmcv', 'mmengine', 'mmpretrain', 'mmseg')


def imports(path, root, package='segda_mm', at_import=False):
    """Dotted names a file imports, `from a import b` given as `a.b`.

    With `at_import`, those of functions are left out.
    """
    home = (package, *path.relative_to(root).parts[:-1])
    waiting = list(ast.parse(path.read_text(encoding='utf-8')).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else ()
            origin = '.'.join([*base, *filter(None, [node.module])])
            yield from (f'{origin}.{alias.name}' for alias in node.names)
        elif not (at_import and isinstance(node, ast.FunctionDef)):
            waiting.extend(ast.iter_child_nodes(node))


def violations(root):
    """Sentences on every import below `root` that points the wrong way."""
    for path in sorted(root.rglob('*.py')):
        relative = path.relative_to(root)
        for name in imports(path, root):
            problem = violation(relative.parts[0].removesuffix('.py'), name)
            if problem:
                yield f'{relative} imports {name}: {problem}'


def violation(part, name):
    """Why part `part` of the package may not import `name`; None if it may."""
    top, _, rest = name.partition('.')
    other = rest.partition('.')[0]
    if top in ABOVE or (top == 'segda_mm' and other in ABOVE):
        return 'nothing in the package imports what stands above it'
    if top == 'segda_mm':
        known = ALLOWED.get(part, ALLOWED)
        if other in ALLOWED and other != part and other not in known:
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


def circle(root, package='segda_mm'):
    """Modules below `root` that import each other when imported; None if none do."""
    paths = {}
    for path in root.rglob('*.py'):
        parts = (package, *path.relative_to(root).with_suffix('').parts)
        paths['.'.join(parts).removesuffix('.__init__')] = path
    graph = {}
    for module, path in paths.items():
        graph[module] = {
            parent
            for name in imports(path, root, package, at_import=True)
            for parent in loaded(name)
            # The packages around a module are being imported already.
            if parent in paths and not f'{module}.'.startswith(f'{parent}.')
        }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def loaded(name):
    """What importing a dotted name runs: itself and the packages around it."""
    parts = name.split('.')
    return {'.'.join(parts[:end]) for end in range(1, len(parts) + 1)}


def test_the_package_keeps_the_layers():
    assert list(violations(ROOT / 'segda_mm')) == []


def test_the_package_has_no_circle():
    assert circle(ROOT / 'segda_mm') is None


@pytest.mark.parametrize('folder', ABOVE)
def test_what_stands_above_keeps_apart(folder):
    for path in (ROOT / folder).rglob('*.py'):
        tops = {name.partition('.')[0] for name in imports(path, ROOT / folder, folder)}
        assert tops & set(ABOVE) <= {folder, *ABOVE[folder]}, path


@pytest.mark.parametrize(
    ('file', 'line', 'reason'),
    [
        ('ops/a.py', 'from mmseg.models import losses', 'torch and numpy only'),
        ('ops/a.py', 'from ..models import heads', 'ops must not know models'),
        ('models/a.py', 'from segda_mm import datasets', 'must not know datasets'),
        ('models/heads/a.py', 'from ...apis.train import x', 'must not know apis'),
        ('models/a.py', 'def f():\n    import segda_mm.apis', 'must not know apis'),
        ('minicity/a.py', 'from segda_mm.ops import x', 'must not know ops'),
        ('self_training/a.py', 'from ..apis import train', 'must not know apis'),
        ('apis/a.py', 'from segda_cli.arguments import run', 'nothing in the package'),
        ('engine/a.py', 'import studies.run', 'nothing in the package'),
        ('models/a.py', 'from mmseg.registry import MODELS', 'segda_mm.registry'),
        ('engine/a.py', 'from mmengine.registry import HOOKS', 'segda_mm.registry'),
        ('apis/a.py', 'from mmengine.hub import get_config', 'pip-installs'),
        ('apis/a.py', 'import pandas', 'setup.cfg does not declare it'),
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
    ('lines', 'found'),
    [
        (dict(a='from .b import x', b='import segda_mm.a'), True),
        (dict(a='from . import b', b='def f():\n    from . import a'), False),
    ],
)
def test_a_circle_is_found_unless_a_function_breaks_it(tmp_path, lines, found):
    for name, line in lines.items():
        (tmp_path / f'{name}.py').write_text(line)
    assert (circle(tmp_path) is not None) == found


def test_a_circle_through_a_package_is_found(tmp_path):
    (tmp_path / 'hooks').mkdir()
    (tmp_path / 'hooks/__init__.py').write_text('from .first import Hook')
    (tmp_path / 'hooks/first.py').write_text('from segda_mm.runner import find')
    (tmp_path / 'runner.py').write_text('from segda_mm.hooks import Hook')
    assert circle(tmp_path) is not None
