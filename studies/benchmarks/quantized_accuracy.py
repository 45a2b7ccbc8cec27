"""Measure what exporting and quantising a network costs in mIoU.

Evaluates the model and graphs made of it on the config's test data with the same
metric: `tools/deploy/export_onnx.py` writes the first graph, from which
`tools/deploy/quantize_onnx.py` makes the second.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from mmseg.models import BaseSegmentor
from timing import parser_for, report

from segda_mm.apis import load_config
from segda_mm.apis.deployed_model import deployed_network, load_model
from studies.records import provenance


def open_graph(file: str, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(file, options, ['CPUExecutionProvider'])


def predict(
    network: BaseSegmentor, session: onnxruntime.InferenceSession, batch: dict
) -> list:
    """Samples of a batch with what a graph says, brought to the size of the labels."""
    images = torch.stack(batch['inputs']).flip(1).numpy()
    (logits,) = session.run(['logits'], dict(image=np.ascontiguousarray(images)))
    samples = copy.deepcopy(batch['data_samples'])
    return network.postprocess_result(torch.from_numpy(logits), samples)


@torch.inference_mode()
def evaluate(cfg: Config, model: BaseSegmentor, sessions: dict) -> dict[str, dict]:
    """Figures of the model and of every graph."""
    loader = Runner.build_dataloader(cfg.test_dataloader)
    evaluators = {
        name: Evaluator([dict(type='PerClassIoUMetric')])
        for name in ('model', *sessions)
    }
    for evaluator in evaluators.values():
        evaluator.dataset_meta = loader.dataset.metainfo
    equal, pixels = dict.fromkeys(evaluators, 0), 0
    for batch in loader:
        predictions = {
            name: predict(deployed_network(model), session, batch)
            for name, session in sessions.items()
        }
        predictions['model'] = model.test_step(copy.deepcopy(batch))
        for name, samples in predictions.items():
            evaluators[name].process(samples, batch)
            for sample, expected in zip(samples, predictions['model']):
                same = sample.pred_sem_seg.data == expected.pred_sem_seg.data
                equal[name] += int(same.sum())
        pixels += sum(s.pred_sem_seg.data.numel() for s in predictions['model'])
    return {
        name: dict(
            evaluator.evaluate(len(loader.dataset)), agreement=equal[name] / pixels
        )
        for name, evaluator in evaluators.items()
    }


def main() -> None:
    parser = parser_for(__doc__, repeats=1)
    parser.add_argument('config')
    parser.add_argument('checkpoint', help='that the graphs were exported from')
    parser.add_argument('graphs', nargs='+', help='.onnx files that give logits')
    args = parser.parse_args()
    origin = provenance()
    torch.set_num_threads(args.threads)
    cfg = load_config(args.config)
    model = load_model(cfg, args.checkpoint)
    sessions = {Path(file).name: open_graph(file, args.threads) for file in args.graphs}
    results = evaluate(cfg, model, sessions)
    print(pd.DataFrame(results).loc[['mIoU', 'agreement']].T.to_string())
    # JSON knows no NaN.
    stored = {
        name: {key: None if value != value else value for key, value in part.items()}
        for name, part in results.items()
    }
    config = dict(config=args.config, checkpoint=args.checkpoint)
    report('quantized_accuracy', [], origin, args.out, **config, results=stored)


if __name__ == '__main__':
    main()
