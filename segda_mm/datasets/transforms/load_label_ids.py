from __future__ import annotations

from collections.abc import Mapping

from mmcv.transforms import BaseTransform

from segda_mm.registry import TRANSFORMS

from ..formats.label_files import (
    LabelTable,
    check_same_size,
    label_table,
    read_label_ids,
    to_train_ids,
)


@TRANSFORMS.register_module()
class LoadLabelIds(BaseTransform):
    """Load a label file and turn its ids into train ids.

    Required keys: ``seg_map_path``, ``ori_shape`` and ``img_path`` (so it
    stands after ``LoadImageFromFile``). Adds ``gt_seg_map``, uint8 (H, W),
    255 where void, and its name to ``seg_fields``. A data set that was given
    part of its classes (``label_map``) gets the ids of those.

    Args:
        table: The label table: ``'cityscapes'``, ``'gta5'``, ``'camvid'``,
            ``'train_id'`` or an own ``{id: train_id}``, see
            :func:`segda_mm.datasets.formats.label_files.label_table`. None takes the
            one of the data set.

    Raises:
        DataError: The file cannot be read, is RGB or 16-bit, differs in size
            from the image, or has ids that the table does not know.
    """

    def __init__(self, table: str | Mapping[int, int] | None = None) -> None:
        self.table = None if table is None else label_table(table)

    def transform(self, results: dict) -> dict:
        """Add ``gt_seg_map`` to ``results``."""
        file = results['seg_map_path']
        ids = read_label_ids(file)
        check_same_size(
            ids.shape,
            results['ori_shape'][:2],
            file,
            results['img_path'],
            results.get('relative_path', results['img_path']),
        )
        results['gt_seg_map'] = to_train_ids(
            ids, self._table_for(results), file, results.get('label_map')
        )
        results['seg_fields'].append('gt_seg_map')
        return results

    def _table_for(self, results: dict) -> LabelTable:
        if self.table is not None:
            return self.table
        if results.get('label_table') is None:
            raise ValueError(
                'the data set does not say which label table its files use; '
                "set it in the pipeline: dict(type='LoadLabelIds', "
                "table='cityscapes' | 'gta5' | 'camvid' | 'train_id' | "
                '{id: train_id})'
            )
        return label_table(results['label_table'])

    def __repr__(self) -> str:
        name = None if self.table is None else self.table.name
        return f'{type(self).__name__}(table={name!r})'
