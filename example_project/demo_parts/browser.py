"""A browser of few words: it keeps cookies, sends forms, and takes the time."""

import re
import time
from http.cookiejar import CookieJar
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, build_opener

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_SECONDS = 30


class Page(NamedTuple):
    status: int
    text: str
    # Where a redirect leads to.
    location: str
    seconds: float


class _Stay(HTTPRedirectHandler):
    """Leaves redirects to the caller, so that each request is timed by itself."""

    def redirect_request(self, *arguments):
        return None


class Browser:
    def __init__(self, site):
        self._site = site
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()), _Stay)

    def get(self, path):
        return self._ask(path, None)

    def submit(self, path, form=None, **fields):
        """Open the page with the form, then send it. ``form`` is where it is."""
        token = _TOKEN.search(self.get(form or path).text)
        if token is None:
            raise RuntimeError(f"{form or path} has no form.")
        fields["csrfmiddlewaretoken"] = token[1]
        return self._ask(path, urlencode(fields).encode())

    def _ask(self, path, data):
        started = time.perf_counter()
        try:
            answer = self._opener.open(urljoin(self._site, path), data, _SECONDS)
        except HTTPError as error:
            answer = error
        with answer:
            text = answer.read().decode(errors="replace")
        seconds = time.perf_counter() - started
        return Page(answer.status, text, answer.headers.get("Location", ""), seconds)
