"""Who is answered by the server's own routes, and with what."""

import asyncio
import json
from dataclasses import dataclass

import numpy as np
import pytest
from starlette.applications import Starlette

from app import routes
from cmae.latent.media import thumbnail


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict
    content: bytes


def _get(path, **headers):
    """Ask the routes as a server would, without one."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [
            (name.replace("_", "-").lower().encode(), value.encode())
            for name, value in {"host": "127.0.0.1:8501", **headers}.items()
        ],
    }
    asyncio.run(Starlette(routes=routes.routes())(scope, receive, send))
    start = next(each for each in sent if each["type"] == "http.response.start")
    body = b"".join(each.get("body", b"") for each in sent if each["type"] == "http.response.body")
    return Answer(
        start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body
    )


@pytest.fixture
def known():
    return {routes.TOKEN_HEADER: routes.tokens.issue()}


@pytest.fixture
def address(explorer):
    return routes.thumbnails_address(explorer)


def _unpacked(block):
    length = int.from_bytes(block[:4], "little")
    header = json.loads(block[4 : 4 + length])
    start = -(-(4 + length) // 8) * 8
    arrays = {
        each["name"]: np.frombuffer(
            block, np.dtype(each["type"]), each["length"], start + each["offset"]
        )
        for each in header["arrays"]
    }
    return header, arrays


def test_a_thumbnail_holds_frame_beat_and_facts_of_its_row(explorer, address, known):
    header, arrays = _unpacked(_get(f"{address}/5", **known).content)
    expected = thumbnail(explorer.cohort.read("ecg", 5), explorer.cohort.read("mri", 5))
    np.testing.assert_array_equal(arrays["frame"], expected.frame.ravel())
    np.testing.assert_array_equal(arrays["beat"], expected.beat.ravel())
    assert ["Age", "45.0 years"] in header["facts"]
    assert ["Sex", "male"] in header["facts"]


@pytest.mark.parametrize(("row", "lacking"), [(2, "frame"), (3, "beat")])
def test_a_thumbnail_of_a_row_that_lacks_a_recording_lacks_it_too(address, known, row, lacking):
    _, arrays = _unpacked(_get(f"{address}/{row}", **known).content)
    assert set(arrays) == {"frame", "beat"} - {lacking}


def test_no_identifier_is_sent(address, known):
    assert b"P005" not in _get(f"{address}/5", **known).content


def test_an_answer_is_kept_by_its_own_browser_only_and_named(address, known):
    first = _get(f"{address}/5", **known)
    assert first.status == 200
    assert first.headers["cache-control"].startswith("private")
    assert first.headers["cross-origin-resource-policy"] == "same-origin"
    again = _get(f"{address}/5", If_None_Match=first.headers["etag"], **known)
    assert (again.status, again.content) == (304, b"")
    assert _get(f"{address}/6", If_None_Match=first.headers["etag"], **known).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8501", "127.0.0.1.evil.example", "", "[", "127.0.0.2"]
)
def test_another_host_is_refused(address, known, host):
    answer = _get(f"{address}/5", **{**known, "host": host})
    assert (answer.status, answer.content) == (403, b"")


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "LOCALHOST"])
def test_the_names_of_this_machine_are_answered(address, known, host):
    assert _get(f"{address}/5", **{**known, "host": host}).status == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:9999", "null", "http://["]
)
def test_a_page_from_elsewhere_is_refused(address, known, origin):
    assert _get(f"{address}/5", Origin=origin, **known).status == 403


def test_a_page_of_this_server_is_answered(address, known):
    assert _get(f"{address}/5", Origin="http://127.0.0.1:8501", **known).status == 200
    assert _get(f"{address}/5", Sec_Fetch_Site="same-origin", **known).status == 200
    for site in ("cross-site", "same-site"):
        assert _get(f"{address}/5", Sec_Fetch_Site=site, **known).status == 403


def test_without_a_token_of_this_server_there_is_nothing(address):
    assert _get(f"{address}/5").status == 404
    for token in ("", "guess", routes.tokens.issue()[:-1]):
        assert _get(f"{address}/5", **{routes.TOKEN_HEADER: token}).status == 404


@pytest.mark.parametrize("row", ["12", "-1", "abc", "٣", "1e3", "9" * 5000, "0x1", "5/.."])
def test_a_row_that_is_not_there_is_not_found(address, known, row):
    assert _get(f"{address}/{row}", **known).status == 404


def test_another_cohort_is_not_found(known):
    assert _get(f"/hearts/{'0' * 64}/5", **known).status == 404


def test_the_token_of_the_session_that_was_idle_longest_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(routes, "MOST_TOKENS", 2)
    tokens = routes.Tokens()
    first, second = tokens.issue(), tokens.issue()
    assert tokens.knows(first)
    third = tokens.issue()
    assert [tokens.knows(token) for token in (first, second, third)] == [True, False, True]
