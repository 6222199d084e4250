"""The web UI as a person uses it: a real headless Chromium on `concert-assets dev`, from an empty home to success."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.browser

# These bound a hang; nothing passes or fails by how long it takes.
SECONDS_TO_SERVE = 120
SECONDS_TO_RUN = 400
SECONDS_FOR_A_PAGE = 60
T = TypeVar("T")
COMMAND = str(Path(sys.executable).with_name("concert-assets"))
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

CHROMIUM = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1600,1000",
)


def eventually(seconds: float, what: str, probe: Callable[[], T | None]) -> T:
    """The first answer of the probe that is not None, asked for until the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (answer := probe()) is not None:
            return answer
        time.sleep(0.5)
    raise TimeoutError(f"waited {seconds} s for {what}")


@dataclass(frozen=True)
class Server:
    """The UI that `concert-assets dev` serves."""

    url: str
    home: Path

    def ask(self, query: str, **variables: str) -> Any:
        """The data that answers a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=SECONDS_FOR_A_PAGE) as answer:
            found = json.load(answer)
        assert "errors" not in found, found["errors"]
        return found["data"]

    def code_locations(self) -> list[str] | None:
        """The names of the locations that are loaded, or None while there are none or nothing answers."""
        try:
            data = self.ask("{ repositoriesOrError { ... on RepositoryConnection { nodes { location { name } } } } }")
        except (URLError, ConnectionError):
            return None
        return [node["location"]["name"] for node in data["repositoriesOrError"].get("nodes", [])] or None


@pytest.fixture
def environment() -> dict[str, str]:
    """This process's environment without settings that would lead the commands elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CONCERT_", "DAGSTER_"))}


@pytest.fixture
def server(tmp_path: Path, environment: dict[str, str]) -> Iterator[Server]:
    """`concert-assets dev` on an empty home and a free port, ended with everything it started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path / "home"
    log = tmp_path / "dev.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [COMMAND, "dev", "--home", str(home), "--port", str(port)],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    served = Server(f"http://127.0.0.1:{port}", home)

    def loaded() -> list[str] | None:
        assert process.poll() is None, log.read_text("utf-8", "replace")
        return served.code_locations()

    try:
        assert len(eventually(SECONDS_TO_SERVE, "the code location", loaded)) == 1
        yield served
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt the process as Ctrl-C would, and end what is left of its session."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=30)
        except ProcessLookupError:  # nobody of the session is left
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait(timeout=30)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """A Chromium of its own profile that keeps a list of what it fetched."""
    options = webdriver.ChromeOptions()
    for flag in (*CHROMIUM, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.binary_location = str(shutil.which("chromium"))
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(executable_path=str(shutil.which("chromedriver"))))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures are kept: CONCERT_SCREENSHOTS, or the test's own folder."""
    folder = Path(os.environ.get("CONCERT_SCREENSHOTS", tmp_path / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def press(browser: webdriver.Chrome, words: str) -> None:
    """Click the button with these words as soon as it can be clicked."""
    place = (By.XPATH, f"//*[self::button or self::a][normalize-space()='{words}']")
    WebDriverWait(browser, SECONDS_FOR_A_PAGE).until(expected_conditions.element_to_be_clickable(place)).click()


def see(browser: webdriver.Chrome, *words: str) -> None:
    """Wait until the page shows all of these words; the page may draw its parts anew while it is read."""

    def missing(driver: webdriver.Chrome) -> list[str]:
        shown = driver.find_element(By.TAG_NAME, "body").text
        return [part for part in words if part not in shown]

    wait = WebDriverWait(browser, SECONDS_FOR_A_PAGE, ignored_exceptions=[StaleElementReferenceException])
    wait.until(lambda driver: not missing(driver), f"the page does not show all of {words}")


def hosts_fetched(browser: webdriver.Chrome) -> set[str]:
    """The hosts of every request and web socket since the browser started."""
    urls = set()
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            urls.add(message["params"]["request"]["url"])
        elif message["method"] == "Network.webSocketCreated":
            urls.add(message["params"]["url"])
    return {str(urlsplit(url).hostname) for url in urls if urlsplit(url).scheme in {"http", "https", "ws", "wss"}}


def test_materialize_all_ends_in_success(server: Server, browser: webdriver.Chrome, screenshots: Path) -> None:
    browser.get(f"{server.url}/asset-groups")
    see(browser, "Materialize all")
    browser.save_screenshot(str(screenshots / "graph_before.png"))
    press(browser, "Materialize all")
    press(browser, "View")  # in the note "Launched run …"; no dialog, since everything has a default
    WebDriverWait(browser, SECONDS_FOR_A_PAGE).until(expected_conditions.url_contains("/runs/"))
    run_id = urlsplit(browser.current_url).path.rpartition("/")[2]

    def status() -> str | None:
        query = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
        found = str(server.ask(query, id=run_id)["runOrError"]["status"])
        return found if found in ENDED else None

    ended = eventually(SECONDS_TO_RUN, "the end of the run", status)
    browser.save_screenshot(str(screenshots / "run.png"))
    assert ended == "SUCCESS", failures(server, run_id)
    see(browser, "Success")
    browser.save_screenshot(str(screenshots / "run.png"))

    nodes = server.ask("{ assetNodes { assetKey { path } isExecutable assetMaterializations(limit: 1) { runId } } }")
    made = {
        "/".join(node["assetKey"]["path"]): [event["runId"] for event in node["assetMaterializations"]]
        for node in nodes["assetNodes"]
        if node["isExecutable"]
    }
    assert len(made) > 10
    assert {key: runs for key, runs in made.items() if runs != [run_id]} == {}

    browser.get(f"{server.url}/asset-groups")
    see(browser, "warehouse")
    browser.save_screenshot(str(screenshots / "graph_after.png"))
    assert (server.home / "reports" / "latest" / "report.html").is_file()
    assert hosts_fetched(browser) == {"127.0.0.1"}


def test_a_held_delivery_is_shown_by_its_failed_check(
    server: Server, browser: webdriver.Chrome, screenshots: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        call = [COMMAND, *words, "--home", str(server.home)]
        return subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    def deliver(name: str, scores: range) -> int:
        rows = [f"{name}{score},Band {name}{score},{score},2025-01-01T00:00:00Z\n" for score in scores]
        file = tmp_path / f"{name}.csv"
        file.write_text("artist_id,name,popularity_score,updated_at\n" + "".join(rows), "utf-8")
        return command("ingest", "--table", "artists", str(file)).returncode

    def status() -> Any:
        return json.loads(command("status", "--json").stdout)

    assert deliver("good", range(40)) == 0
    before = status()["tables"]
    assert before["concert_dw.artists"] == 40
    assert deliver("bad", range(101, 141)) == 1
    after = status()
    assert after["tables"] == before
    assert {item["name"]: item["state"] for item in after["deliveries"]} == {
        "artists/good.csv": "live",
        "artists/bad.csv": "held",
    }

    browser.get(f"{server.url}/assets/quality/artists?view=checks&checkDetail=validity")
    see(browser, "This is a blocking asset check.", "Failed", "refused_share: 40 of 80")
    browser.save_screenshot(str(screenshots / "failed_check.png"))


def failures(server: Server, run_id: str) -> str:
    """What the run says about its failed steps."""
    query = """query($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
      ... on ExecutionStepFailureEvent { stepKey error { message cause { message } } }
      ... on RunFailureEvent { message } } } } }"""
    return json.dumps([event for event in server.ask(query, id=run_id)["logsForRun"]["events"] if event], indent=1)
