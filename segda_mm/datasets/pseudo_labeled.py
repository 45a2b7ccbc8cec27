from __future__ import annotations

import copy
import os.path as osp

from segda_mm.errors import DataError, MissingDataError
from segda_mm.registry import DATASETS

from .base import FolderSegDataset
from .formats.cityscapes_labels import IGNORE_INDEX
from .formats.label_checksums import (
    IDENTITY,
    MANIFEST,
    REJECTED,
    label_checksums,
    rejected_images,
    require_unchanged_label,
)


@DATASETS.register_module()
class PseudoLabeledDataset(FolderSegDataset):
    """Unlabelled images with the labels that a teacher gave them.

    The label of an image is ``<labels>/<relative_path with the suffix .png>``:
    train ids or, where the metainfo has ``thing_classes``, instance ids of
    Cityscapes. In a folder that ``segda label`` wrote, labelling has to be
    finished, and every label is compared with its checksum whenever it is loaded.
    Images that ``segda review`` rejected are left out.

    Args:
        images: Config of a :class:`UnlabeledImageDataset`, pipeline not used.
        labels: Folder of the pseudo labels.
        metainfo: Of the task, as the labelled data set has it.
        kwargs: Further arguments of :class:`FolderSegDataset`.
    """

    def __init__(self, images: dict, labels: str, metainfo: dict, **kwargs) -> None:
        self.images = images
        self.labels = labels
        ids = range(len(metainfo['classes']))
        self.LABEL_TABLE = {**{i: i for i in ids}, IGNORE_INDEX: IGNORE_INDEX}
        super().__init__(metainfo=metainfo, **kwargs)

    def scan(self) -> tuple[list[dict], list[DataError]]:
        """Find images and labels; see :meth:`FolderSegDataset.scan`."""
        if not osp.isdir(self.labels):
            raise MissingDataError(
                'folder does not exist',
                folder=self.labels,
                expected='one PNG for every image, as segda label writes them',
            )
        has_manifest, has_identity = (
            osp.isfile(osp.join(self.labels, name)) for name in (MANIFEST, IDENTITY)
        )
        if has_identity and not has_manifest:
            raise DataError(
                f'has no {MANIFEST}: labelling stopped before its end',
                file=self.labels,
                remedy='Start segda label as before, and it goes on',
            )
        # Nothing is known of files without a manifest.
        checksums = label_checksums(self.labels) or None
        config = dict(self.images, pipeline=[], lazy_init=True)
        unlabeled = DATASETS.build(copy.deepcopy(config))
        infos = {info['relative_path']: info for info in unlabeled.load_data_list()}
        samples, problems = [], []
        chosen = self.choose_names(sorted(infos), self.labels)
        # After the choice, which is the same whatever is rejected.
        rejected = rejected_images(self.labels)
        kept = [name for name in chosen if name not in rejected]
        if not kept:
            raise DataError(
                'rejects every image that is asked for',
                file=osp.join(self.labels, REJECTED),
                remedy='Take some back with `segda review`, or delete the file',
            )
        for name in kept:
            own = self.data_info('', name)
            del own['img_path']
            info = {**infos[name], **own}
            info['seg_map_path'] = osp.join(self.labels, osp.splitext(name)[0] + '.png')
            if 'thing_classes' in self.metainfo:
                info['thing_classes'] = self.metainfo['thing_classes']
            if checksums is not None:
                info['label_checksum'] = checksums.get(name)
            if not osp.isfile(info['seg_map_path']):
                what = f'is missing: {info["img_path"]} has no pseudo label'
            elif checksums is not None and name not in checksums:
                what = f'is not named in {MANIFEST}, so that its origin is unknown'
            else:
                samples.append(info)
                continue
            problems.append(
                DataError(
                    what,
                    file=info['seg_map_path'],
                    remedy='Label the images with segda label (it goes on where '
                    f'it stopped), or list {name!r} in the file given as exclude=',
                    name=name,
                )
            )
        return samples, problems

    def prepare_data(self, idx: int) -> dict:
        """Run the pipeline on a sample whose label is the one that was made."""
        require_unchanged_label(self.get_data_info(idx))
        return super().prepare_data(idx)
