"""A local page to step through pseudo labels and to reject some."""

from __future__ import annotations

import errno
import importlib
from collections.abc import Callable, Collection
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import cv2
import numpy as np

from segda_mm.datasets.formats.images import open_image
from segda_mm.datasets.formats.label_checksums import REJECTED, rejected_images
from segda_mm.errors import DataError, MissingDataError, PreflightError
from segda_mm.files import write_text
from segda_mm.inference.onnx_predict import read_picture
from segda_mm.labeling import LabelStore
from segda_mm.labeling.formats import PanopticFormat, SemanticFormat
from segda_mm.labeling.store import LabelJournal
from segda_mm.visualization import colorize

#: Pixels of a picture's longer side in the page.
MOST_PIXELS = 1600

_PAGE = Path(__file__).with_name('review.html')


class Review:
    """Pseudo labels of a folder, their images, and which of them are rejected.

    Args:
        labels: A folder that :func:`label`, or the pseudo labels of a training, wrote.
        against: Other labels of the same images: such a folder, or any of 8-bit PNGs
            of train ids under the same paths.
        images: Folder that the paths of the images begin at; by default the one that
            was labelled.

    Attributes:
        frames: Of each image its ``name``, mean ``confidence`` and ``kept`` share
            (None if unknown) and whether it is ``rejected``.
        classes: ``name`` and ``color`` of each class.

    Raises:
        PreflightError: Labels or images are missing, or are not whole.
    """

    def __init__(
        self,
        labels: str | Path,
        against: str | Path | None = None,
        images: str | Path | None = None,
    ) -> None:
        self.store = LabelStore(labels)
        self.against = None if against is None else LabelStore(against)
        for folder in filter(None, (self.store, self.against)):
            if not folder.directory.is_dir():
                raise PreflightError(f'there is no folder of labels {folder.directory}')
        try:
            manifest = self.store.manifest()
            rejected = rejected_images(self.store.directory)
        except DataError as error:
            raise PreflightError(str(error)) from error
        if manifest is None:
            raise PreflightError(
                f'{labels} has no manifest.json: it is no folder of finished labels. '
                'Name one that `segda label` wrote (of videos: <out>/labels)'
            )
        made = manifest.get('labels_of') or {}
        root = images or next(
            (part['images'] for part in made.values() if 'images' in part), None
        )
        if root is None or not Path(root, manifest['images'][0]).is_file():
            raise PreflightError(
                f'{manifest["images"][0]}, which {labels} has a label of, does not '
                f'lie below {root}; name the folder of the images with --images'
            )
        self.root = Path(root)
        journal = LabelJournal(self.store.directory, 0).entries()
        self.frames = [
            dict(
                name=name,
                rejected=name in rejected,
                confidence=journal.get(name, {}).get('confidence'),
                kept=_kept(journal.get(name, {})),
            )
            for name in manifest['images']
        ]
        colors = _distinct_colors(len(manifest['classes']))
        self.classes = [
            dict(name=part['name'], color=part.get('color', color))
            for part, color in zip(manifest['classes'], colors)
        ]

    def image(self, index: int) -> bytes:
        """The image of a frame as JPEG, made smaller if big."""
        picture = _shrunk(read_picture(self.root / self._name(index)), cv2.INTER_AREA)
        _, code = cv2.imencode('.jpg', cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        return code.tobytes()

    def label(self, index: int, classes: Collection[int], against: bool) -> bytes:
        """Labels of a frame as PNG, transparent where void or of other classes."""
        store = self.against if against else self.store
        if store is None:
            raise MissingDataError('there are no labels to compare with')
        with open_image(store.path(self._name(index))) as image:
            values = np.asarray(image)
        count = len(self.classes)
        form = PanopticFormat(count) if values.dtype != np.uint8 else None
        ids = (form or SemanticFormat(count)).classes_of_values(values)
        ids = _shrunk(ids.astype(np.uint8), cv2.INTER_NEAREST)
        shown = np.isin(ids, [c for c in classes if c < count])
        colors = colorize(ids, [part['color'] for part in self.classes])
        _, code = cv2.imencode('.png', np.dstack([colors[..., ::-1], shown * 255]))
        return code.tobytes()

    def reject(self, index: int, rejected: bool) -> int:
        """Reject the label of a frame, or take it back; the number of rejected ones.

        ``rejected.txt`` in the folder of the labels lists them, as data sets read it.
        """
        self._name(index)
        self.frames[index]['rejected'] = rejected
        names = [frame['name'] for frame in self.frames if frame['rejected']]
        write_text(
            self.store.directory / REJECTED, ''.join(f'{name}\n' for name in names)
        )
        return len(names)

    def _name(self, index: int) -> str:
        if not 0 <= index < len(self.frames):
            raise MissingDataError(f'there is no frame {index}')
        return self.frames[index]['name']


def review_app(review: Review) -> Callable:
    """The page as a WSGI application, which answers to this machine's names only.

    Raises:
        PreflightError: Bottle is not installed.
    """
    try:
        bottle: Any = importlib.import_module('bottle')
    except ImportError as error:
        raise PreflightError(
            'the page needs Bottle; `pip install bottle` (or the extra `review`)'
        ) from error
    app = bottle.Bottle()

    @app.hook('before_request')
    def only_here() -> None:
        host = bottle.request.get_header('Host', '').rpartition(':')[0]
        # A page from elsewhere can reach this port, but not under these names.
        if host not in ('localhost', '127.0.0.1', '[::1]'):
            raise bottle.HTTPResponse('open http://127.0.0.1', 403)

    def answer(kind: str, function: Callable, *arguments: Any) -> Any:
        try:
            body = function(*arguments)
        except (OSError, ValueError) as error:
            return bottle.HTTPResponse(str(error), 404, {'Content-Type': 'text/plain'})
        headers = {'Content-Type': kind, 'Cache-Control': 'no-store'}
        return bottle.HTTPResponse(body, **headers)

    @app.get('/')
    def page() -> Any:
        return answer('text/html; charset=utf-8', _PAGE.read_bytes)

    @app.get('/frames')
    def frames() -> dict:
        return dict(
            frames=review.frames,
            classes=review.classes,
            against=review.against and str(review.against.directory),
            labels=str(review.store.directory),
        )

    @app.get('/image/<index:int>')
    def image(index: int) -> Any:
        return answer('image/jpeg', review.image, index)

    @app.get('/label/<which:re:own|against>/<index:int>')
    def label(which: str, index: int) -> Any:
        given = bottle.request.query.get('classes', '')
        classes = [int(c) for c in given.split(',') if c.isdecimal()]
        return answer('image/png', review.label, index, classes, which == 'against')

    @app.post('/reject/<index:int>')
    def reject(index: int) -> Any:
        # Forms of other sites cannot send JSON.
        content = bottle.request.json
        if not isinstance(content, dict) or 'rejected' not in content:
            return bottle.HTTPResponse('send {"rejected": true} as JSON', 400)
        count = review.reject(index, bool(content['rejected']))
        return dict(rejected=count)

    return app


def review(
    labels: str | Path,
    against: str | Path | None = None,
    images: str | Path | None = None,
    port: int = 8265,
    on_start: Callable[[str], None] = print,
) -> None:
    """Serve the page on this machine until it is interrupted.

    Args:
        labels, against, images: See :class:`Review`.
        port: 0 takes a free one.
        on_start: Gets the address.

    Raises:
        PreflightError: As :class:`Review` and :func:`review_app`, or the port is in
            use.
    """
    app = review_app(Review(labels, against, images))
    try:
        server = make_server('127.0.0.1', port, app, _Server, _Quiet)
    except (OSError, OverflowError) as error:
        taken = getattr(error, 'errno', None) == errno.EADDRINUSE
        why = 'is in use' if taken else f'cannot be listened to ({error})'
        raise PreflightError(
            f'port {port} {why}; take another one with --port, or 0 for a free one'
        ) from error
    with server:
        on_start(f'http://127.0.0.1:{server.server_port}')
        server.serve_forever()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Requests of the own page are of no interest."""


def _kept(entry: dict[str, Any]) -> float | None:
    if 'area' not in entry:
        return None
    return sum(entry.get('kept', entry['pixels'])) / entry['area']


def _shrunk(picture: np.ndarray, interpolation: int) -> np.ndarray:
    scale = min(1.0, MOST_PIXELS / max(picture.shape[:2]))
    if scale == 1:
        return picture
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=interpolation)


def _distinct_colors(count: int) -> list[list[int]]:
    hues = (np.arange(count) * 111 % 180).astype(np.uint8)
    full = np.full(count, 210, np.uint8)
    return cv2.cvtColor(np.stack([hues, full, full], 1)[None], cv2.COLOR_HSV2RGB)[
        0
    ].tolist()
