"""Somebody who visits the example's site: over HTTP, with cookies and forms."""

from __future__ import annotations

import json
import re
from html import unescape
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, build_opener

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Page:
    def __init__(self, status: int, url: str, text: str) -> None:
        self.status = status
        self.url = url
        self.text = text

    @property
    def words(self) -> str:
        """What a reader sees, without the tags."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.text)).split())

    @property
    def job_id(self) -> str:
        match = re.search(r"/jobs/([0-9a-f-]{36})/", self.url)
        assert match, f"{self.url} is not the page of a job:\n{self.words}"
        return match[1]


class Visitor:
    def __init__(self, site: str) -> None:
        self.site = site
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> Page:
        return self._ask(path, None)

    def json(self, path: str) -> Any:
        page = self.get(path)
        assert page.status == 200, page.words
        return json.loads(page.text)

    def submit(self, path: str, *, at: str = "", **fields: str) -> Page:
        """Send the form that the page ``at``, or the path itself, holds."""
        form = self.get(at or path)
        token = _TOKEN.search(form.text)
        assert token, f"{form.url} holds no form:\n{form.words}"
        # A page with a form in a redirect, such as the one that sets a password,
        # takes the answer where it led to.
        target = path if at else form.url
        data = {**fields, "csrfmiddlewaretoken": token[1]}
        return self._ask(target, urlencode(data).encode())

    def log_in(self, username: str, password: str) -> None:
        page = self.submit("/accounts/login/", username=username, password=password)
        assert "Log out" in page.text, page.words

    def status(self, job_id: str) -> Any:
        return self.json(f"/jobs/{job_id}/status/")

    def finished(self, job_id: str) -> Any:
        """The job's status if it has finished, else None."""
        status = self.status(job_id)
        return status if status["finished"] else None

    def _ask(self, path: str, data: bytes | None) -> Page:
        try:
            answer = self._opener.open(urljoin(self.site, path), data, 30)
        except HTTPError as error:
            answer = error  # type: ignore[assignment]
        with answer:
            text = answer.read().decode(errors="replace")
        return Page(answer.status or 0, answer.url, text)
