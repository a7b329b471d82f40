"""The site is built without a warning, and its pages are whole at the widths of a screen and of a telephone.

The build takes 2 to 4 minutes, more where notebooks have not run yet, and the browser another, so all of it is slow.
Without Sphinx, or a Chromium that Playwright can drive, it is skipped. Screenshots stay in ``build/screenshots``, to be
looked at.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
WIDTHS = (1280, 390)
# One of each sort; what tells them apart is their layout.
PAGES = (
    "index",
    "quick-start",
    "concepts/levels",
    "how-to/add/neuron",
    "how-to/sweep",
    "generated/notebooks/index",
    "generated/notebooks/01-first-network",
    "generated/notebooks/04-feedback-and-gradient",
    "generated/models/index",
    "generated/models/lansdell2020/digits",
    "generated/models/kunin2020/index",
    "generated/schemes",
    "generated/neurons",
    "generated/tasks",
    "generated/api/index",
    "generated/api/simulate",
    "generated/api/Circuit",
    "generated/api/neurosim.stability",
    "limits",
    "coming-from",
    "developer/architecture",
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The built site; a warning fails the build."""
    for name in ("sphinx", "myst_nb", "pydata_sphinx_theme", "numpydoc", "sphinx_design"):
        pytest.importorskip(name, reason="the extra 'docs' is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-b",
        "html",
        "-W",
        "--keep-going",
        str(REPOSITORY / "docs"),
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


def test_every_generated_page_is_in_the_site(site: Path) -> None:
    sources = [path.relative_to(REPOSITORY / "docs") for path in (REPOSITORY / "docs").rglob("*.md")]
    missing = [str(source) for source in sources if not (site / source.with_suffix(".html")).is_file()]
    assert sources and not missing


def test_links_within_the_site_lead_somewhere(site: Path) -> None:
    broken, followed = [], 0
    for page in site.rglob("*.html"):
        text = page.read_text()
        for target, anchor in re.findall(r'<a [^>]*href="([^":#]*)(#[^"]*)?"', text):
            followed += 1
            aim = (page.parent / target).resolve() if target else page
            if not aim.exists():
                broken.append(f"{page.relative_to(site)}: {target}")
            elif anchor and aim.suffix == ".html" and f'id="{anchor[1:]}"' not in aim.read_text() and anchor != "#":
                broken.append(f"{page.relative_to(site)}: {target}{anchor}")
    assert followed and not broken, "\n".join(dict.fromkeys(broken))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_pages_fit_the_screen(site: Path, browser, name: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    # What is not on this machine (icons of the theme's author, formulas) is not asked for.
    page.route("http*://**", lambda route: route.fulfill(status=200, body=""))
    page.goto((site / f"{name}.html").as_uri())
    page.evaluate("document.fonts.ready.then(() => 0)")
    shots = REPOSITORY / "build" / "screenshots"
    shots.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=shots / f"{name.replace('/', '-')}-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        "Array.from(document.querySelectorAll('article img'))"
        ".filter(image => !image.naturalWidth || image.clientWidth < Math.min(300, image.naturalWidth))"
        ".map(image => image.src)"
    )
    assert not small, "figures that are missing or too small to read"
    assert not said
    page.close()
