"""The server's own routes: small binary answers beside the pages, for the sessions of this server.

A browser lets any page send a request to this address, so each one must name this server as its
host, come from this server's own pages, and bring the token of a session: unguessable, in a header
that no foreign page may send. Rows are numbers; no identifier is ever part of an address.
"""

import secrets
from collections import OrderedDict
from functools import lru_cache
from threading import Lock
from urllib.parse import SplitResult, urlsplit

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import phenotypes
from app.components.wire import pack
from app.explorer import Explorer, shown
from cmae.errors import CmaeError
from cmae.latent.media import THUMBNAIL_LEADS, thumbnail

TOKEN_HEADER = "X-Cmae-Token"
"""Header that carries a session's token: a foreign page may not send it without being asked."""

LOCAL_HOSTS = ("127.0.0.1", "localhost")
"""Hosts that are answered where the server's settings name none."""

MOST_TOKENS = 4096
"""Sessions whose token is known at the same time; the one that was used longest ago goes first."""

KEPT_S = 3600
"""Seconds that a browser may keep a thumbnail."""

CARD = ("age_years", "sex", "lvef_percent", "lvedv_ml", "lv_mass_g", "qrs_ms")
"""The phenotypes on a map's card."""

_MOST_DIGITS = 9


class Tokens:
    """The tokens of the sessions of this server, the one that was used last at the end."""

    def __init__(self) -> None:
        """No session is known yet."""
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def issue(self) -> str:
        """Return a new token."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._known[token] = None
            while len(self._known) > MOST_TOKENS:
                self._known.popitem(last=False)
        return token

    def knows(self, token: str | None) -> bool:
        """Tell whether a token is one of these.

        Args:
            token: What a request brought.
        """
        with self._lock:
            if token is None or token not in self._known:
                return False
            self._known.move_to_end(token)
            return True


tokens = Tokens()
"""Of this server: shared by its pages, which issue them, and its routes, which ask for them."""


def token() -> str:
    """Return this session's token, for the components that fetch."""
    known: str | None = st.session_state.get("token")
    if known is None or not tokens.knows(known):
        known = st.session_state["token"] = tokens.issue()
    return known


def thumbnails_address(explorer: Explorer) -> str:
    """Return the address below which a cohort's thumbnails lie, one a row number.

    Args:
        explorer: What is looked at.
    """
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"{f'/{base}' if base else ''}/hearts/{explorer.cohort.fingerprint}"


def routes() -> list[Route]:
    """Return the routes to serve beside the pages."""
    return [Route("/hearts/{cohort}/{row}", _heart, methods=["GET"])]


async def _heart(request: Request) -> Response:
    """Answer with the thumbnail of a row, packed as the components read it."""
    if not (_is_own_host(request) and _is_own_page(request)):
        return _answer(403)
    if not tokens.knows(request.headers.get(TOKEN_HEADER)):
        return _answer(404)
    cohort, row = request.path_params["cohort"], request.path_params["row"]
    explorer = next((each for each in shown() if each.cohort.fingerprint == cohort), None)
    is_number = row.isascii() and row.isdecimal() and len(row) <= _MOST_DIGITS
    if explorer is None or not is_number or int(row) >= len(explorer.cohort):
        return _answer(404)
    headers = {
        "ETag": f'"{cohort[:16]}-{int(row)}"',
        "Cache-Control": f"private, max-age={KEPT_S}",
        "Vary": TOKEN_HEADER,
    }
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return _answer(304, headers=headers)
    try:
        block = await run_in_threadpool(_thumbnail, explorer, int(row))
    except CmaeError:
        return _answer(404)
    return _answer(200, content=block, headers=headers)


@lru_cache(maxsize=1024)
def _thumbnail(explorer: Explorer, row: int) -> bytes:
    """Return one heart at a glance: about 12 kB."""
    cohort = explorer.cohort
    values = cohort.table.iloc[row]
    small = thumbnail(
        *(cohort.read(name, row) if cohort.has(name)[row] else None for name in ("ecg", "mri"))
    )
    known = {name: cohort.columns[name] for name in CARD if name in cohort.columns}
    facts = [
        [phenotypes.abbreviation(name), phenotypes.written(name, column, values[name])]
        for name, column in known.items()
    ]
    arrays = {"frame": small.frame, "beat": small.beat}
    header = {
        "facts": facts,
        "leads": list(THUMBNAIL_LEADS),
        "side": 0 if small.frame is None else len(small.frame),
    }
    return pack(header, {name: array for name, array in arrays.items() if array is not None})


def _is_own_host(request: Request) -> bool:
    """Tell whether the request names this server: another name may be a trap for the browser."""
    allowed = st.get_option("server.allowedHosts") or LOCAL_HOSTS
    host = _split(f"//{request.headers.get('Host', '')}").hostname
    return host is not None and host.lower() in {name.lower() for name in allowed}


def _is_own_page(request: Request) -> bool:
    """Tell whether the request comes from this server's pages, or from no page at all."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or _split(origin).netloc == request.headers.get("Host")


def _split(address: str) -> SplitResult:
    """Return the parts of an address, none of them of one that is malformed."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _answer(
    status: int, *, content: bytes = b"", headers: dict[str, str] | None = None
) -> Response:
    """Make an answer that no other origin may use; without headers of its own it is not kept."""
    return Response(
        content,
        status_code=status,
        media_type="application/octet-stream",
        headers={
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            **(headers or {"Cache-Control": "no-store"}),
        },
    )
