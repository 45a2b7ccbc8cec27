"""Where the car that carries the camera is seen in the frames of a snippet."""

from __future__ import annotations

import os.path as osp
import warnings
import zlib
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from segda_mm.errors import DataError
from segda_mm.registry import DATASETS

from .discovery import list_files
from .formats.label_files import decode_labels, read_label_ids
from .snippets import CityscapesSnippets, PatternSnippets


class EgoCarRegions:
    """The ego-car region of every frame, from the annotated frames of its snippet.

    Source: Chen et al., "Naive-Student", ECCV 2020, "Ego-Car Region in Pseudo
    Labels". The region of a snippet is what all of its annotated frames mark.

    Cityscapes is ``EgoCarRegions('data/cityscapes/gtFine/train')``; CamVid, where
    void also marks what nobody annotated::

        EgoCarRegions(
            annotated=dict(type='CamVidDataset', data_root='data/camvid'),
            ego_ids=(11, ), snippets=dict(pattern='(?P<snippet>0001TP)_'),
            touching_bottom=True)

    Args:
        annotated: The label-id or instance-id files of the annotated frames: a
            folder (of ``*_gtFine_labelIds.png``, with a pattern of ``*.png``), or
            the config of a labelled data set.
        ego_ids: Values that mark the ego car (Cityscapes: 1, ego vehicle).
        snippets: ``'cityscapes'`` or ``dict(pattern=...)``, see
            :mod:`segda_mm.datasets.snippets`.
        touching_bottom: Whether only what is connected with the lower border of
            the image is the ego car.
        include_annotated: Whether an annotated frame has a region itself.
    """

    def __init__(
        self,
        annotated: str | Mapping,
        ego_ids: Sequence[int] = (1,),
        snippets: str | Mapping[str, str] = 'cityscapes',
        touching_bottom: bool = False,
        include_annotated: bool = False,
    ) -> None:
        if not len(ego_ids):
            raise ValueError('ego_ids= must name values that mark the ego car')
        has_pattern = isinstance(snippets, Mapping) and set(snippets) == {'pattern'}
        if snippets != 'cityscapes' and not has_pattern:
            raise ValueError(
                f"snippets={snippets!r} must be 'cityscapes' or "
                "dict(pattern=r'(?P<snippet>...)')"
            )
        # By the names of the annotated frames without suffix.
        if isinstance(annotated, str):
            suffix = '.png' if has_pattern else '_gtFine_labelIds.png'
            expected = f'label files of the annotated frames, *{suffix}'
            files = {
                name[: -len(suffix)]: f'{annotated}/{name}'
                for name in list_files(annotated, (suffix,), expected)
            }
        else:
            files = _files_of_dataset(annotated)
        self._snippets = (
            PatternSnippets(snippets['pattern'], files)
            if has_pattern
            else CityscapesSnippets(files)
        )
        self._is_ego = np.zeros(2**16, dtype=bool)
        self._is_ego[list(ego_ids)] = True
        self.touching_bottom = touching_bottom
        self.include_annotated = include_annotated
        # Packed, because a run sees thousands of snippets: some kilobytes each.
        self._packed: dict[str, tuple[tuple[int, int], bytes]] = {}
        self._reported: set[str] = set()

    def region(
        self,
        relative_path: str,
        shape: tuple[int, int],
        annotated_path: str | None = None,
    ) -> np.ndarray | None:
        """Find the ego-car region of a frame.

        Args:
            relative_path: Path of its image below the folder of the images.
            shape: (H, W) of the image.
            annotated_path: That of the snippet's annotated frame, where known.

        Returns:
            bool (H, W), the caller's to change. None for a frame of no snippet, for
            an annotated frame unless ``include_annotated``, and (with a warning, once
            for each snippet) where the snippet has no annotated frame.
        """
        snippet = self._snippets.find(relative_path, annotated_path)
        if snippet is None or (snippet.is_annotated and not self.include_annotated):
            return None
        if not snippet.label_files:
            if snippet.name not in self._reported:
                self._reported.add(snippet.name)
                warnings.warn(
                    f'the snippet {snippet.name} with the frame {relative_path} has no '
                    'annotated frame in annotated=: its ego-car region is unknown',
                    stacklevel=2,
                )
            return None
        if snippet.name not in self._packed:
            region = self._common_region(snippet.label_files)
            bits = zlib.compress(np.packbits(region).tobytes(), level=1)
            self._packed[snippet.name] = region.shape, bits
        size, bits = self._packed[snippet.name]
        if size != tuple(shape):
            raise DataError(
                f'annotated frame is {_size(size)} pixels, but the frame '
                f'{relative_path} of its snippet is {_size(shape)}',
                file=snippet.label_files[0],
                remedy='Place EgoCarVoid before everything that resizes or crops',
            )
        packed = np.frombuffer(zlib.decompress(bits), dtype=np.uint8)
        region = np.unpackbits(packed, count=size[0] * size[1])
        return region.view(bool).reshape(size)

    def _common_region(self, files: Sequence[str]) -> np.ndarray:
        marked = [self._is_ego[_read_ids(file)] for file in files]
        for file, part in zip(files, marked):
            if part.shape != marked[0].shape:
                raise DataError(
                    f'is {_size(part.shape)} pixels, but {files[0]} of the same '
                    f'snippet is {_size(marked[0].shape)}',
                    file=file,
                    remedy='Correct snippets=, or leave the file out of annotated=',
                )
        region = np.logical_and.reduce(marked)
        if self.touching_bottom:
            # Parts are 8-connected; 0 is what is outside the region.
            _, parts = cv2.connectedComponents(region.astype(np.uint8))
            region &= np.isin(parts, parts[-1])
        return region


def _files_of_dataset(config: Mapping) -> dict[str, str]:
    dataset = DATASETS.build({**config, 'pipeline': []})
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    if any('seg_map_path' not in info or 'segments_info' in info for info in infos):
        raise ValueError(
            f'annotated=dict(type={config["type"]!r}) must be a data set with files '
            'of label ids or instance ids'
        )
    return {
        osp.splitext(info['relative_path'])[0]: info['seg_map_path'] for info in infos
    }


def _read_ids(file: str) -> np.ndarray:
    mode, ids = decode_labels(file, 'label file')
    return ids if mode.startswith('I') else read_label_ids(file)


def _size(shape: tuple[int, int]) -> str:
    return f'{shape[1]}x{shape[0]}'
