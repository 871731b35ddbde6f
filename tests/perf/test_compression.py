"""What is compressed, how, and what is not."""

from __future__ import annotations

import gzip

import brotli
import pytest

from tests.perf.urls import GRID

pytestmark = [pytest.mark.urls("tests.perf.urls"), pytest.mark.django_db]
DECODE = {"br": brotli.decompress, "gzip": gzip.decompress}


@pytest.mark.req("A37", "A38")
@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_grid_of_200_rows_shrinks_by_more_than_two_thirds(client, encoding):
    response = client.get("/grid", headers={"accept-encoding": encoding})
    assert response["Content-Encoding"] == encoding
    assert "Accept-Encoding" in response["Vary"]
    assert DECODE[encoding](response.content) == GRID
    assert len(response.content) <= 0.3 * len(GRID)
    assert response["Content-Length"] == str(len(response.content))


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip;q=1.0, br;q=0", "gzip"),
        ("*", "br"),
        ("*;q=0", ""),
        ("gzip;q=x", ""),
        ("deflate", ""),
        ("", ""),
    ],
)
def test_the_client_chooses(client, accepted, encoding):
    response = client.get("/grid", headers={"accept-encoding": accepted})
    assert response.headers.get("Content-Encoding", "") == encoding
    assert "Accept-Encoding" in response["Vary"]


@pytest.mark.req("A38")
@pytest.mark.parametrize("address", ["/small", "/picture", "/secret"])
def test_small_answers_pictures_and_secrets_stay_as_they_are(client, address):
    response = client.get(address, headers={"accept-encoding": "br, gzip"})
    assert not response.has_header("Content-Encoding")


def test_what_is_encoded_already_is_left_alone(client):
    response = client.get("/encoded", headers={"accept-encoding": "br"})
    assert (response["Content-Encoding"], response.content) == ("zstd", b"x" * 500)


@pytest.mark.req("A38")
@pytest.mark.parametrize("address", ["/page", "/fresh-page"])
def test_a_page_with_a_token_hides_its_length(client, address):
    answers = [client.get(address, headers={"accept-encoding": "br, gzip"}) for _ in range(20)]
    assert {response["Content-Encoding"] for response in answers} == {"gzip"}
    # The token's own mask changes the length by a few bytes; the padding by up to a hundred.
    lengths = [len(response.content) for response in answers]
    assert max(lengths) - min(lengths) > 20
    assert all(b"<p>row</p>" in gzip.decompress(response.content) for response in answers)


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_stream_is_compressed_part_by_part(client, encoding):
    response = client.get("/stream", headers={"accept-encoding": encoding})
    parts = list(response.streaming_content)
    assert len(parts) > 1
    assert DECODE[encoding](b"".join(parts)).splitlines()[-1] == b"19999,row"


def test_an_etag_becomes_weak_with_the_encoding(client):
    assert client.get("/grid", headers={"accept-encoding": "br"})["ETag"] == 'W/"abc"'
    assert client.get("/grid")["ETag"] == '"abc"'
