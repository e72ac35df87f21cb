"""A browser without a window, and what tests do with pages in it."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def _knows_localhost() -> bool:
    """Say whether the name resolves: a folder that debootstrap made has no /etc/hosts."""
    try:
        return bool(socket.getaddrinfo("localhost", None))
    except socket.gaierror:
        return False


def chromium() -> Iterator[Any]:
    """Give a browser; both programs are named, so that nothing is looked for or downloaded."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
    if driver is None or chromium is None:
        pytest.skip("no chromium with its chromedriver (apt-get install chromium chromium-driver)")
    if not _knows_localhost():
        pytest.skip("chromedriver needs the name localhost (apt-get install libnss-myhostname)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    # CI runs as root, where the sandbox can't; the pages are our own
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument("--window-size=1400,900")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield started
    started.quit()


def find(browser: Any, css: str) -> Any:
    return browser.find_element("css selector", css)


def names(browser: Any) -> list[str]:
    script = "return [...document.querySelectorAll('th[scope=row]')].map(th => th.textContent)"
    found: list[str] = browser.execute_script(script)
    return found


def search(browser: Any, text: str) -> None:
    field = find(browser, "#search")
    field.clear()
    field.send_keys(text)


def cell(browser: Any, row: str, column: int) -> Any:
    path = f"//tr[th[.='{row}']]/td[{column + 1}]"
    return browser.find_element("xpath", path)


def complaints(browser: Any) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser")]
