"""Collecting static files for production: minified, hashed and compressed, and only when one of them has changed."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import brotli
import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands import collectstatic
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from whitenoise.compress import Compressor
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

from perf.clock import now

LARGE = 256 * 1024  # bytes; only the API's documentation viewers are, and quality 11 takes them seconds each
KINDS = {".css": "text/css", ".js": "application/javascript"}
IMPORT = re.compile(r"^@import \"([^\"]+)\";", re.MULTILINE)
"""One sheet in another of its folder. A browser would ask for it only then, so production serves them as one."""
HASHED = re.compile(r"/[\w./-]+\.[0-9a-f]{12}(\.\w+)+")
MANIFEST = "staticfiles.json"
KEPT = timedelta(days=30)
THEIRS = {
    "admin",
    "debug_toolbar",
    "ninja",
    "silk",
    "vendor",
}  # folders of files that others ship; they stay as they are


class QuickCompressor(Compressor):
    """Brotli at its best for what pages load; large files get 9 % more bytes in a twentieth of the time."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        compressed: bytes = brotli.compress(data, quality=9 if len(data) > LARGE else 11)
        return compressed


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Minified, hashed, compressed files as WhiteNoise serves them; modules import each other by their hashed names."""

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Minify the copies of our own style sheets and scripts, then hash and compress them; the sources stay."""
        if not dry_run:
            paths = {name: (self, name) if self._minify(name) else found for name, found in paths.items()}
        yield from super().post_process(paths, dry_run, **options)

    def _minify(self, name: str) -> bool:
        """Replace the collected file by a smaller one of the same meaning; whether there was one."""
        if not worth_minifying(name):
            return False
        source = self._source(name)
        whole = IMPORT.sub(lambda found: self._source(f"{PurePosixPath(name).parent / found[1]}"), source)
        smaller = minified(name, whole)
        if whole == source and len(smaller) >= len(source):
            return False
        self.delete(name)
        self._save(name, ContentFile(smaller.encode()))
        return True

    def _source(self, name: str) -> str:
        with self.open(name) as file:
            text: str = file.read().decode()
        return text

    def create_compressor(self, **options: Any) -> Compressor:
        return QuickCompressor(**options)


def worth_minifying(name: str) -> bool:
    """Whether the static file `name` (below STATIC_ROOT) is a style sheet or script of ours, not yet minified."""
    path = PurePosixPath(name)
    return path.suffix in KINDS and ".min." not in path.name and path.parts[0] not in THEIRS


def minified(name: str, source: str) -> str:
    """`source` as short as its meaning allows; as it is where the minifier has no wheel (see requirements.in)."""
    try:
        # Here, for it is a Go library: imported, it starts threads, which no process that serves needs.
        import minify  # noqa: PLC0415
    except ImportError:
        return source
    suffix = PurePosixPath(name).suffix
    smaller: str = minify.string(KINDS[suffix], source)
    # Without its last semicolon, an import at the end of a module would not be seen by what puts in the hashed names.
    return f"{smaller};" if suffix == ".js" else smaller


class Sizes(NamedTuple):
    """Of our own style sheets and scripts: how many, and their bytes as written, as minified and as sent."""

    files: int
    written: int
    minified: int
    compressed: int


def sizes() -> Sizes:
    """What StaticFiles made of our style sheets and scripts when it last collected them; zeros where it did not."""
    root = Path(settings.STATIC_ROOT)
    rows = [
        (Path(storage.path(name)).stat().st_size, served.stat().st_size, _sent(served))
        for finder in get_finders()
        for name, storage in finder.list([])
        if worth_minifying(name)
        and not IMPORT.search(Path(storage.path(name)).read_text())  # made of others
        and (hashed := staticfiles_storage.url(name).removeprefix(settings.STATIC_URL)) != name
        if (served := root / hashed).is_file()
    ]
    return Sizes(len(rows), *(sum(column) for column in zip(*rows, strict=True))) if rows else Sizes(0, 0, 0, 0)


def _sent(served: Path) -> int:
    """The bytes of a file on the wire; what compressing does not make smaller is sent as it is."""
    compressed = served.with_name(f"{served.name}.br")
    return (compressed if compressed.is_file() else served).stat().st_size


def collect_when_changed() -> bool:
    """Copy, hash and compress all static files into STATIC_ROOT; whether there was anything to do."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    present = _fingerprint()
    if stamp.is_file() and stamp.read_text() == present:
        return False
    stamp.unlink(missing_ok=True)  # an interrupted collection is never taken for a whole one
    collect()
    stamp.write_text(present)
    return True


def collect() -> None:
    """Copy, hash and compress all static files into STATIC_ROOT, where none is missing at any moment.

    They are made beside it and put in place one by one, the manifest last. What pages that are open still ask for, of
    versions before, stays for KEPT.
    """
    root = Path(settings.STATIC_ROOT)
    beside = root.with_name(f"{root.name}.new")
    shutil.rmtree(beside, ignore_errors=True)  # of a collection that was interrupted
    command = collectstatic.Command()
    options = settings.STORAGES["staticfiles"]
    command.storage = storages.create_storage({**options, "OPTIONS": {"location": beside}})
    call_command(command, interactive=False, verbosity=0)
    made = sorted((path for path in beside.rglob("*") if path.is_file()), key=lambda path: path.name == MANIFEST)
    for path in made:
        place = root / path.relative_to(beside)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
    shutil.rmtree(beside)
    _forget_old(root, {root / path.relative_to(beside) for path in made})
    storage: Any = staticfiles_storage
    if hasattr(storage, "load_manifest"):
        storage.hashed_files, storage.manifest_hash = storage.load_manifest()


def _forget_old(root: Path, present: set[Path]) -> None:
    oldest = (now() - KEPT).timestamp()
    for path in root.rglob("*"):
        if path not in present and path.is_file() and path.stat().st_mtime < oldest:
            path.unlink()


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise, which knows the files that were there when this process started, and of later ones the hashed.

    While a newer version takes over, its pages also ask processes of the older one for their files.
    """

    def __init__(self, get_response: Any = None, settings: Any = settings) -> None:
        super().__init__(get_response, settings)
        if not self.directories:
            self.directories.append((f"{Path(self.static_root).absolute()}/", self.static_prefix))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The file at this address, or what the rest of the stack answers."""
        url = request.path_info
        if url not in self.files and url.startswith(self.static_prefix) and HASHED.fullmatch(url):
            found = self.find_file(url)
            if found is not None:
                self.files[url] = found
        response: HttpResponse = super().__call__(request)
        return response


def _fingerprint() -> str:
    """Every source file's path, size and time of change, in one word."""
    digest = hashlib.blake2b(f"{django.__version__} {settings.STORAGES['staticfiles']['BACKEND']}".encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            facts = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
