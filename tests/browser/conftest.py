"""A real browser without a window: Debian's chromium, driven by its own chromedriver."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PHONE = (390, 844)


@dataclass(frozen=True)
class Browser:
    """What the tests ask of a browser."""

    driver: webdriver.Chrome

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        """Show pages as a screen of that size does; narrower than any window may be."""
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, "mobile": phone})

    def open(self, address: str | Path) -> None:
        self.driver.get_log("browser")  # of the page before
        self.driver.get_log("performance")
        self.driver.get(address.as_uri() if isinstance(address, Path) else address)

    def find(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        return [element.text for element in self.find(css)]

    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def click(self, label: str) -> bool:
        """Click what bears that label; whether there is such a thing."""
        found = self.driver.find_elements(By.XPATH, f"//*[normalize-space(text())='{label}']")
        for element in found[:1]:
            element.click()
        return bool(found)

    def run(self, script: str, *arguments: object):
        return self.driver.execute_script(script, *arguments)

    def complaints(self) -> list[str]:
        """What the console says since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Every address that was asked for since the page was opened."""
        events = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        sent = [event for event in events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def photograph(self, name: str) -> None:
        """Keep what is seen, if LOSSLAB_SCREENSHOTS names a folder for it."""
        if folder := os.environ.get("LOSSLAB_SCREENSHOTS"):
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))


@pytest.fixture
def wait_for() -> Callable[[str, Callable[[], T]], T]:
    """Wait until something is there, and return it."""

    def wait(what: str, look: Callable[[], T], seconds: float = 60) -> T:
        end = time.monotonic() + seconds
        while True:
            with suppress(StaleElementReferenceException):  # the page was drawn anew
                if found := look():
                    return found
            assert time.monotonic() < end, f"{what} did not come"
            time.sleep(0.1)

    return wait


def _found() -> tuple[str, str]:
    """The browser and its driver.

    Where LOSSLAB_BROWSER_TESTS is set, as `.ci/run` does, a machine without them fails the tests.
    """
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        lacking = "no browser" if browser is None else "no chromedriver"
        why = f"{lacking} on PATH: apt-get install chromium chromium-driver"
        if os.environ.get("LOSSLAB_BROWSER_TESTS"):
            pytest.fail(why)
        pytest.skip(why)
    return browser, driver


@pytest.fixture(scope="session")
def _driver(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    browser, driver = _found()
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    profile = tmp_path_factory.mktemp("profile")
    for flag in (
        "headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu",
        "disable-background-networking", "no-first-run", f"user-data-dir={profile}",
    ):  # fmt: skip
        options.add_argument(f"--{flag}")
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    chrome.set_page_load_timeout(60)
    yield chrome
    chrome.quit()


@pytest.fixture
def desktop(_driver) -> Browser:
    browser = Browser(_driver)
    browser.resize(1280, 900)
    return browser


@pytest.fixture
def phone(_driver) -> Browser:
    browser = Browser(_driver)
    browser.resize(*_PHONE, phone=True)
    return browser
