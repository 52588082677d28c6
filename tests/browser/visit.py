"""What a person does at a browser, in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.waiting import eventually

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver
    from selenium.webdriver.remote.webelement import WebElement


class Visit:
    """A browser on one site. Elements are named by CSS selectors.

    What is looked for is waited for: no test needs to pause.
    """

    def __init__(self, driver: WebDriver, site: str, screenshots: Path) -> None:
        self.driver = driver
        self.site = site
        self._screenshots = screenshots

    def open(self, path: str) -> None:
        """Go to a path of the site, such as ``/admin/``."""
        self.driver.get(self.site + path)

    def add_cookie(self, name: str, value: str) -> None:
        if not self.driver.current_url.startswith(self.site):
            # A cookie needs a page of its site; a missing one does as well.
            self.driver.get(f"{self.site}/static/admin/img/icon-yes.svg")
        self.driver.add_cookie({"name": name, "value": value, "path": "/"})

    def resize(self, width: int, height: int) -> None:
        self.driver.set_window_size(width, height)

    def emulate(self, dark: bool = False, timezone: str = "UTC") -> None:
        """Prefer dark colours or not, and live in that time zone."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._devtools("Emulation.setEmulatedMedia", {"features": [scheme]})
        self._devtools("Emulation.setTimezoneOverride", {"timezoneId": timezone})

    def run_scripts(self, allowed: bool) -> None:
        """Let pages run scripts, or not, from the next page on."""
        self._devtools("Emulation.setScriptExecutionDisabled", {"value": not allowed})

    def phone(self) -> None:
        """Become a phone, 390 pixels wide."""
        # A window can not be as narrow as that.
        self._devtools(
            "Emulation.setDeviceMetricsOverride",
            {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True},
        )

    def desk(self) -> None:
        """Stop being a phone."""
        self._devtools("Emulation.clearDeviceMetricsOverride", {})

    def all(self, selector: str) -> list[WebElement]:
        """Return what is there now, seen or hidden."""
        return self.driver.find_elements("css selector", selector)

    def find(self, selector: str) -> WebElement:
        """Return the first element that can be seen; wait for one."""
        found: WebElement = eventually(
            lambda: self._first_shown(selector), f"{selector} to be seen"
        )
        return found

    def gone(self, selector: str) -> None:
        """Wait until no such element can be seen."""
        eventually(
            lambda: self._first_shown(selector) is None, f"{selector} to be gone"
        )

    def text(self, selector: str) -> str:
        return str(self.find(selector).text)

    def wait_for_text(self, selector: str, text: str) -> None:
        """Wait until an element that can be seen holds this text."""
        eventually(
            lambda: text in self._text_now(selector), f"{selector} to say {text!r}"
        )

    def click(self, selector: str) -> None:
        eventually(lambda: self._has_clicked(selector), f"a click on {selector}")

    def _has_clicked(self, selector: str) -> bool:
        from selenium.common.exceptions import StaleElementReferenceException

        element = self.find(selector)
        try:
            self.script("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
        except StaleElementReferenceException:
            return False  # The page has just renewed this part of itself.
        return True

    def leave_by(self, selector: str) -> None:
        """Click what leads to another page, and wait for that page."""
        self.script("window.isPageBefore = true")
        self.click(selector)
        eventually(self._is_new_page, f"a page after {selector}")

    def fill(self, selector: str, value: str) -> None:
        """Type into a field, in place of what it holds."""
        element = self.find(selector)
        element.clear()
        element.send_keys(value)

    def put(self, selector: str, value: str) -> None:
        """Set the value of a field at once, such as a date or a long text."""
        self.script(
            "arguments[0].value = arguments[1];"
            "arguments[0].dispatchEvent(new Event('input', {bubbles: true}));",
            self.find(selector),
            value,
        )

    def choose(self, selector: str, value: str) -> None:
        """Choose the option of a select by its value."""
        from selenium.webdriver.support.select import Select

        Select(self.find(selector)).select_by_value(value)

    def press(self, *keys: str) -> None:
        """Press keys where the focus is; names as in selenium's Keys."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        pressed = (getattr(Keys, key, key) for key in keys)
        ActionChains(self.driver).send_keys(*pressed).perform()

    def script(self, text: str, *arguments: Any) -> Any:
        """Run JavaScript in the page, and return what it returns."""
        return self.driver.execute_script(text, *arguments)  # type: ignore[no-untyped-call]

    def is_wider_than_the_screen(self) -> bool:
        """Tell whether the page as a whole must be scrolled sideways."""
        return bool(
            self.script(
                "const page = document.scrollingElement;"
                "return page.scrollWidth > page.clientWidth + 1"
            )
        )

    def screenshot(self, name: str, selector: str = "") -> Path:
        """Keep a picture of the page, or of one element, as ``<name>.png``."""
        self._screenshots.mkdir(parents=True, exist_ok=True)
        path = self._screenshots / f"{name}.png"
        if selector:
            element = self.find(selector)
            self.script("arguments[0].scrollIntoView()", element)
            assert element.screenshot(str(path))
        else:
            assert self.driver.save_screenshot(str(path))
        return path

    def console_errors(self) -> list[str]:
        """Return the errors that the browser has logged since it was last asked."""
        entries = self.driver.get_log("browser")  # type: ignore[attr-defined]
        return [
            json.dumps(entry) for entry in entries if entry.get("level") == "SEVERE"
        ]

    def _devtools(self, command: str, values: dict[str, Any]) -> None:
        self.driver.execute_cdp_cmd(command, values)  # type: ignore[attr-defined]

    def _first_shown(self, selector: str) -> WebElement | None:
        from selenium.common.exceptions import StaleElementReferenceException

        try:
            return next(
                (each for each in self.all(selector) if each.is_displayed()), None
            )
        except StaleElementReferenceException:
            # The page was changed between two looks.
            return None

    def _text_now(self, selector: str) -> str:
        from selenium.common.exceptions import StaleElementReferenceException

        try:
            element = self._first_shown(selector)
            return element.text if element else ""
        except StaleElementReferenceException:
            return ""

    def _is_new_page(self) -> bool:
        from selenium.common.exceptions import WebDriverException

        try:
            return bool(
                self.script(
                    "return !window.isPageBefore && document.readyState == 'complete'"
                )
            )
        except WebDriverException:
            # Between two pages there is none to ask.
            return False
