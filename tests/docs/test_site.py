"""The site is built without a warning, and its pages are whole at the widths of a screen and of a telephone.

The build takes 2 to 4 minutes, more where notebooks have not run yet, and the browser another, so all of it is slow.
``NEUROSIM_SITE=build/docs-quick`` looks at a site that is built already. Without Sphinx, or a Chromium that Playwright
can drive, it is skipped. Screenshots stay in ``build/screenshots``, to be looked at.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurosim

VERSION = neurosim.__version__
REPOSITORY = Path(__file__).resolve().parents[2]
WIDTHS = (1280, 390)
MODES = ("light", "dark")
# One of each sort; what tells them apart is their layout.
PAGES = (
    "index",
    "quick-start",
    "which-scheme",
    "cheat-sheet",
    "faq",
    "glossary",
    "cite",
    "upgrade",
    "concepts/definitions",
    "concepts/levels",
    "generated/gallery",
    "generated/kinds",
    "generated/circuits/classics/cuba",
    "how-to/add/neuron",
    "how-to/sweep",
    "generated/notebooks/index",
    "generated/notebooks/01-first-network",
    "generated/notebooks/04-feedback-and-gradient",
    "generated/models/index",
    "generated/models/lansdell2020/digits",
    "generated/models/kunin2020/index",
    "generated/schemes",
    "generated/rules",
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
    if given := os.environ.get("NEUROSIM_SITE"):
        return Path(given).resolve()
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


def test_every_image_says_what_it_shows(site: Path) -> None:
    silent = []
    for page in site.rglob("*.html"):
        for image in re.findall(r"<img [^>]*>", page.read_text()):
            text = re.search(r'alt="([^"]*)"', image)
            if text is None or not text[1].strip() or text[1].endswith((".png", ".svg", ".webp")):
                silent.append(f"{page.relative_to(site)}: {image[:100]}")
    assert not silent, "\n".join(silent)


def test_formulas_are_in_the_pages_and_need_no_script(site: Path) -> None:
    for name in ("concepts/definitions", "generated/rules", "generated/neurons"):
        assert "<math " in (site / f"{name}.html").read_text(), name
    assert not [
        page for page in site.rglob("*.html") if re.search("<script[^>]*mathjax", page.read_text(), re.IGNORECASE)
    ]


#: Tables of which a part lies beyond their box, and cells whose words are broken.
CUT = """
Array.from(document.querySelectorAll('article table')).filter(table => {
  const box = table.closest('.pst-scrollable-table-container') || table.parentElement;
  return box.scrollWidth > box.clientWidth + 1 || table.getBoundingClientRect().right > innerWidth;
}).map(table => table.textContent.trim().slice(0, 60))
"""
BROKEN_WORDS = """
Array.from(document.querySelectorAll('article thead th, article tbody td'))
.filter(cell => getComputedStyle(cell).display === 'table-cell' && !cell.querySelector('code, math'))
.filter(cell => getComputedStyle(cell.closest('table').querySelector('thead') || cell).position !== 'absolute')
.filter(cell => {
  const probe = document.createElement('span');
  probe.style.cssText = 'position:absolute;visibility:hidden;white-space:nowrap;font:' + getComputedStyle(cell).font;
  document.body.append(probe);
  const style = getComputedStyle(cell);
  const room = cell.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) + 1;
  const longest = Math.max(...cell.textContent.trim().split(/[-\\s]+|(?<=_)(?=\\w)/).map(word => {
    probe.textContent = word;
    return probe.offsetWidth;
  }));
  probe.remove();
  return longest > room;
}).map(cell => cell.textContent)
"""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_pages_fit_the_screen(site: Path, browser, name: str, width: int, mode: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.add_init_script(f"localStorage.setItem('mode', '{mode}'); localStorage.setItem('theme', '{mode}')")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
    page.goto((site / f"{name}.html").as_uri())
    page.evaluate("document.fonts.ready.then(() => 0)")
    shots = REPOSITORY / "build" / "screenshots"
    shots.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=shots / f"{name.replace('/', '-')}-{width}-{mode}.png", full_page=True)
    assert page.evaluate("document.documentElement.dataset.theme") == mode
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CUT) == []
    assert page.evaluate(BROKEN_WORDS) == []
    small = page.evaluate(
        "Array.from(document.querySelectorAll('article img'))"
        ".filter(image => !image.naturalWidth || image.clientWidth < Math.min(200, image.naturalWidth))"
        ".map(image => image.src)"
    )
    assert not small, "figures that are missing or too small to read"
    assert not said, "an error, or something that is fetched from elsewhere"
    page.close()


def test_the_column_of_meanings_is_the_widest(site: Path, browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((site / "generated/schemes.html").as_uri())
    narrow = page.evaluate(
        "Array.from(document.querySelectorAll('article table'))"
        ".map(table => Array.from(table.querySelectorAll('thead th')))"
        ".filter(heads => heads.some(head => head.textContent.trim() === 'meaning'))"
        ".filter(heads => heads.some(head => head.offsetWidth > heads.at(-1).offsetWidth)).length"
    )
    tables = page.locator("th", has_text="meaning").count()
    assert tables > 10 and narrow == 0
    page.close()


def test_the_table_of_schemes_is_filtered(site: Path, browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((site / "which-scheme.html").as_uri())
    rows = page.locator("table.filtered tbody tr")
    everything = rows.count()
    page.get_by_label("local only").check()
    page.get_by_label("recurrent").check()
    shown = [row for row in rows.all() if row.is_visible()]
    assert 0 < len(shown) < everything
    texts = [[cell.inner_text() for cell in row.locator("td").all()] for row in shown]
    assert all("recurrent" in cells[1] and cells[2] == "yes" for cells in texts)
    assert page.locator(".filters output").inner_text() == f"{len(shown)} of {everything} schemes"
    page.get_by_label("local only").uncheck()
    page.get_by_label("recurrent").uncheck()
    assert all(row.is_visible() for row in rows.all())
    page.close()


@pytest.fixture
def served(site: Path, tmp_path: Path) -> Iterator[str]:
    """The site as it is published: two versions beside each other."""
    for version in ("dev", VERSION):
        (tmp_path / version).symlink_to(site)
    listed = [{"version": "dev"}, {"version": VERSION, "name": f"{VERSION} (newest)"}]
    (tmp_path / "versions.json").write_text(json.dumps(listed))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_other_versions_can_be_chosen(served: str, browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{served}/dev/generated/schemes.html")
    menu = page.locator(".versions").first
    menu.locator("summary").click()
    menu.get_by_text(f"{VERSION} (newest)").click()
    page.wait_for_url(f"{served}/{VERSION}/**")
    assert page.locator(".versions [aria-current]").first.text_content() == f"{VERSION} (newest)"
    page.close()


def test_what_is_copied_can_be_run(served: str, browser) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{served}/dev/quick-start.html")
    block = page.locator("div.highlight", has_text="one spike every").first
    block.hover()
    block.locator("button.copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert ">>>" not in copied and "..." not in copied and not copied.rstrip().endswith("45")
    compile(copied, "copied", "exec")
    context.close()
