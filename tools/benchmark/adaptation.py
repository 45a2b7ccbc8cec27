"""Compare source-only, DSC, DSC + PL, DSC + MPL and oracle over several seeds.

One JSON line a run goes to ``benchmarks/results/<world>.jsonl``; what stands
there is not run again, so that a comparison can be cut and continued.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from segda_mm.apis.measured_run import last_checkpoint, train_and_test
from segda_mm.apis.results_file import append_row, provenance, read_rows

ROOT = Path(__file__).resolve().parents[2]
BOTH_ROLES = (
    'model.teacher_checkpoint.checkpoint',
    'model.student_checkpoint.checkpoint',
)
SUPERVISED = 'configs/supervised/supervised_bisenetv1-r18_'
WORLDS = {
    'camvid': ('camvid-day-144x192', 'camvid-day2dusk-144x192', 'camvid-dusk-144x192'),
    'minicity': (
        'minicity-gta5-128x256',
        'minicity-128x256',
        'minicity-cityscapes-128x256',
    ),
}


def methods(world: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Config of every method, and the keys that take the adapted checkpoint."""
    source, pair, target = WORLDS[world]
    tail = f'dsc_bisenetv1-r18_{pair}.py'
    return {
        'source-only': (f'{SUPERVISED}{source}.py', ()),
        'DSC': (f'configs/adversarial/adversarial-{tail}', ()),
        'DSC + PL': (
            f'configs/pseudo_label/pseudo-label-{tail}',
            ('model.generator.checkpoint',),
        ),
        'DSC + MPL': (
            f'configs/mpl/mpl-product-{tail}',
            BOTH_ROLES,
        ),
        'DSC + MPL (loss change)': (
            f'configs/mpl/mpl-change-{tail}',
            BOTH_ROLES,
        ),
        'oracle': (f'{SUPERVISED}{target}.py', ()),
    }


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('world', choices=sorted(WORLDS))
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--methods', nargs='+', help='all of them by default')
    parser.add_argument('--work-dir', default='work_dirs/adaptation')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    os.chdir(ROOT)
    results = Path('benchmarks/results', f'{args.world}.jsonl')
    for seed in args.seeds:
        for name, (config, keys) in methods(args.world).items():
            if args.methods and name not in args.methods:
                continue
            if (name, seed) not in finished(results):
                row = run(args, seed, name, config, keys)
                append_row(results, row)
                print(name, seed, row['metrics']['mIoU'], flush=True)


def run(
    args: argparse.Namespace, seed: int, name: str, config: str, keys: tuple[str, ...]
) -> dict:
    """Train one method with one seed and evaluate its last checkpoint."""
    folders = Path(args.work_dir, args.world, f'seed{seed}')
    options = [f'randomness.seed={seed}']
    options += [f'{key}={last_checkpoint(folders / "DSC")}' for key in keys]
    # Of the code that trains, not of what HEAD has become when it is done.
    origin = provenance()
    (report,) = train_and_test(config, folders / name.replace(' ', ''), options)
    origin['command'] = (
        f'python tools/benchmark/adaptation.py {args.world} --seeds {seed} '
        f'--methods "{name}"'
    )
    return dict(
        method=name,
        seed=seed,
        metrics=report['metrics'],
        checkpoint='last',
        config=config,
        options=options,
        **origin,
    )


def finished(results: Path) -> set[tuple[str, int]]:
    return {(row['method'], row['seed']) for row in read_rows(results)}


if __name__ == '__main__':
    main()
