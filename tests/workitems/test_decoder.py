"""The warm process that decodes: what it survives, what ends it, and that nobody else ends with it."""

import os
import signal
import struct
import sys
import zlib

import pytest
from PIL import Image

from tests.workitems.test_headers import png_header
from workitems import images
from workitems.images import Decoder, DecoderDied, NotAPhoto


@pytest.fixture
def photo(tmp_path):
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "photo.jpg")
    return tmp_path / "photo.jpg"


@pytest.fixture
def decoder():
    made = Decoder()
    yield made
    made.close()


def python(code):
    """A decoder that does something else, with the real one's limits and frames at hand."""
    start = "import os, signal, sys; from workitems import frames, rendering; rendering._limit()\n"
    return (sys.executable, "-c", start + code)


def test_one_process_reads_many_and_is_replaced_in_time(photo):
    decoder = Decoder(images=2)
    pids = [(decoder.render(photo).width, decoder.pid) for _ in range(2)]
    first, (_, gone) = pids
    assert first[0] == 64
    assert gone is None
    decoder.render(photo)
    assert decoder.pid not in (None, first[1])
    decoder.close()
    assert decoder.pid is None


@pytest.mark.req("B47", "B48")
def test_a_refusal_leaves_the_process_warm(decoder, photo, tmp_path):
    decoder.render(photo)
    pid = decoder.pid
    (tmp_path / "broken.png").write_bytes(png_header(40, 40).getvalue() + b"\0" * 40)
    with pytest.raises(NotAPhoto, match="damaged"):
        decoder.render(tmp_path / "broken.png")
    assert decoder.render(photo).width == 64
    assert decoder.pid == pid


def test_a_killed_process_is_replaced(decoder, photo):
    decoder.render(photo)
    os.kill(decoder.pid, signal.SIGKILL)
    decoder._process.wait()
    assert decoder.render(photo).width == 64


def test_a_process_that_dies_of_a_photo_says_so(photo):
    decoder = Decoder(command=python("frames.read(sys.stdin.buffer); os.kill(os.getpid(), signal.SIGSEGV)"))
    with pytest.raises(DecoderDied, match=r"ended with -11 at photo\.jpg"):
        decoder.render(photo)
    assert decoder.pid is None


def test_a_process_that_hangs_is_killed(photo):
    decoder = Decoder(patience=0.3, command=python("import time; time.sleep(60)"))
    with pytest.raises(DecoderDied, match="ended with -9"):
        decoder.render(photo)


def test_a_photo_after_one_that_was_broken_off_gets_its_own_picture(photo, tmp_path):
    """As a worker does whose soft time limit comes while the decoder works."""
    slow = "import time; real = rendering.render\ndef late(path):\n  time.sleep(0.2); return real(path)\n"
    decoder = Decoder(command=python(f"{slow}rendering.answer.__defaults__ = (late,); rendering.main()"))
    Image.new("RGB", (32, 48), "teal").save(tmp_path / "next.jpg")
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    with pytest.raises(KeyboardInterrupt):
        decoder.render(photo)
    signal.signal(signal.SIGALRM, before)
    assert decoder.render(tmp_path / "next.jpg").width == 32
    decoder.close()


def test_a_photo_may_not_take_longer_than_its_cpu_time(photo):
    code = "rendering.CPU_SECONDS = 1; frames.read(sys.stdin.buffer); rendering._allow_seconds()\nwhile True: pass"
    with pytest.raises(NotAPhoto, match="takes longer"):
        Decoder(command=python(code)).render(photo)


def test_a_photo_may_not_take_more_than_a_gibibyte(photo):
    greedy = "rendering.answer.__defaults__ = (lambda path: bytearray(2**30),); rendering.main()"
    decoder = Decoder(command=python(greedy))
    with pytest.raises(NotAPhoto, match="more memory"):
        decoder.render(photo)
    assert decoder.pid is None  # replaced: what it left in memory is gone


def test_the_decoder_may_write_no_file(photo, tmp_path):
    code = f"rendering.answer.__defaults__ = (lambda p: os.write(os.open({str(tmp_path / 'made')!r}, 65), b'x'),)"
    decoder = Decoder(command=python(f"{code}; rendering.main()"))
    with pytest.raises(NotAPhoto):
        decoder.render(photo)
    decoder.close()
    assert (tmp_path / "made").stat().st_size == 0


def test_what_a_library_prints_is_no_answer(photo):
    loud = "def loud(path):\n  with suppress(OSError): os.write(1, b'x' * 99)\n  return rendering.render(path)\n"
    start = f"from contextlib import suppress\n{loud}rendering.answer.__defaults__ = (loud,)"
    decoder = Decoder(command=python(f"{start}; rendering.main()"))
    assert decoder.render(photo).width == 64
    decoder.close()


@pytest.mark.req("B47")
def test_a_bomb_that_lies_about_its_size_is_refused(decoder, photo, tmp_path):
    """A PNG whose compressed pixels are a thousand times what they claim."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60, 40, 8, 2, 0, 0, 0))
    notes = chunk(b"zTXt", b"note\0\0" + zlib.compress(b"\0" * 200_000_000, 9))
    (tmp_path / "bomb.png").write_bytes(start + notes + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b""))
    with pytest.raises(NotAPhoto):
        decoder.render(tmp_path / "bomb.png")
    assert decoder.render(photo).width == 64


def test_a_forked_process_has_a_decoder_of_its_own(photo):
    images.render(photo)
    inherited = images._decoder
    read, write = os.pipe()
    if not (pid := os.fork()):
        os.write(write, b"own" if images._decoder is not inherited and images._decoder.pid is None else b"shared")
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 10) == b"own"
    assert images._decoder is inherited
    os.close(read)
    os.close(write)
