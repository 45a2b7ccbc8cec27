"""What setup.cfg cannot say: the configs at the root are part of the package."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=['segda_cli', 'segda_cli.*', 'segda_mm', 'segda_mm.*']),
        'segda_mm.configs',
    ],
    package_dir={'segda_mm.configs': 'configs'},
    package_data={
        'segda_mm': ['py.typed', '**/*.jinja', '**/*.html'],
        'segda_mm.configs': ['**/*.py', '**/*.yml'],
    },
    include_package_data=False,
)
