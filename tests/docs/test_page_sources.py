"""What the site is made from fits the package: pictures, citations, the guide to schemes, the cheat sheet."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest
from test_pages import blocks

import neurosim
from neurosim import cli, registry
from neurosim.model_files.circuits.circuit_file import load_circuit
from neurosim.model_files.model_file import load
from neurosim.rules import Rule
from neurosim.schemes import node_perturbation

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
#: Bytes of all images that are kept.
MOST = 2_000_000


def part(name: str, needs: str = "yaml"):
    """A module of what writes pages."""
    for module in ("sphinx", needs):
        pytest.importorskip(module, reason="the extra 'docs' is not installed")
    return importlib.import_module(name)


def test_pictures_are_there_say_what_they_show_and_are_small() -> None:
    pictures = importlib.import_module("pictures").pictures(REPOSITORY)
    assert {*registry.circuits()} <= pictures.keys()
    kept = {path.relative_to(REPOSITORY) for path in (DOCS / "images" / "gallery").iterdir()}
    assert kept == {each.path for each in pictures.values()}
    assert all(len(each.shows.split()) >= 8 for each in pictures.values())
    assert sum(path.stat().st_size for path in (DOCS / "images").rglob("*") if path.is_file()) < MOST


def test_settings_of_pictures_are_accepted() -> None:
    # Models as they are have tests of their own.
    for picture in importlib.import_module("pictures").pictures(REPOSITORY).values():
        if picture.settings:
            check = load_circuit if picture.figure == "overview" else load
            check(picture.name, list(picture.settings))


def test_every_paper_has_an_entry() -> None:
    citations = part("citation_pages")
    entries = citations.papers(REPOSITORY)
    cited = {key for _, _, keys in citations._cited(entries) for key in keys}
    assert cited == entries.keys()
    for key, entry in entries.items():
        fields = dict(re.findall(r"^  (\w+) = \{(.*)\},?$", entry, re.MULTILINE))
        assert fields.keys() >= {"title", "author", "year"} and key.endswith(fields["year"]), key
        assert entry.count("{") == entry.count("}")


@pytest.mark.parametrize("reference", ["Nobody & Someone (1900), Journal", "Lansdell (1999), elsewhere"])
def test_a_paper_without_an_entry_is_refused(reference: str) -> None:
    citations = part("citation_pages")
    with pytest.raises(KeyError, match=r"has no entry .* in docs/papers.bib"):
        citations.keys_of(reference, citations.papers(REPOSITORY))


def test_the_citation_has_this_version() -> None:
    assert f"version = {{{neurosim.__version__}}}" in part("citation_pages").own_entry(REPOSITORY)


def test_measured_tables_are_those_of_the_model() -> None:
    guide = importlib.import_module("scheme_guide")
    text = (REPOSITORY / "models" / "lansdell2020" / "README.md").read_text()
    variants = load("lansdell2020/schemes").given["variants"]
    assert guide.measured_rows(text, "schemes").keys() - {"schemes"} <= variants.keys()
    assert "| `schemes` | 97.27" in text and guide.measured_rows(text, "schemes")["schemes"][1] == "97.27 ± 0.75"
    with pytest.raises(ValueError, match="no table whose first row is `nothing`"):
        guide.measured_rows(text, "nothing")


def test_the_guide_names_every_scheme() -> None:
    text = (DOCS / "which-scheme.md").read_text()
    unnamed = [scheme for scheme in registry.names("schemes") if f"`{scheme}`" not in text]
    # These two read weights of neighbours, or the transposed ones: nobody who asks for a way to learn is led there.
    assert unnamed == ["activation_alignment", "sign_symmetry", "symmetric_alignment"]


def test_the_guide_asks_for_columns_that_the_table_has() -> None:
    guide = importlib.import_module("scheme_guide")
    asked = re.findall(r"^\* `(.+?): (.+?)`", (DOCS / "which-scheme.md").read_text(), re.MULTILINE)
    assert len(asked) == 8 and {column for column, _ in asked} <= {*guide._HEADS}


def names_of(obj: str) -> object:
    """What a dotted name of the package means, importing modules on the way."""
    parts = obj.split(".")
    found: object = neurosim
    for length, name in enumerate(parts[1:], 2):
        if not hasattr(found, name):
            importlib.import_module(".".join(parts[:length]))
        found = getattr(found, name)
    return found


def test_the_cheat_sheet_names_what_there_is() -> None:
    page = DOCS / "cheat-sheet.md"
    text = page.read_text()
    verbs = set(re.findall(r"`neurosim (\w+)", text))
    assert verbs == {
        command.name or getattr(command.callback, "__name__", "") for command in cli.app.registered_commands
    }
    named = set(re.findall(r"neurosim(?:\.\w+)+(?=\()", text))
    assert len(named) > 6 and all(callable(names_of(name)) for name in named)
    (model,) = [body for head, body in blocks(page) if head == "toml"]
    sections = tomllib.loads(model)
    settings = load(sections)
    assert settings.scheme_kind == "node_perturbation" and [*settings.variants] == ["fixed"]
    known = {"engine": settings.engine, "training": settings.training, "scheme": node_perturbation.Config()}
    listed = re.findall(r"`(\w+)\.(\w+)`", text.partition("## Settings")[2])
    assert len(listed) > 5 and all(hasattr(known[section], key) for section, key in listed)


def test_formulas_become_mathml_or_say_why_not() -> None:
    mathml = part("mathml", "latex2mathml").mathml
    made = mathml(r"\frac{dv}{dt} = -v/\tau", block=True)
    assert made.startswith('<math alttext="') and 'display="block"' in made and "<mfrac>" in made
    assert "<mtable" in mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}")
    for wrong in (r"\left( a", r"\nosuchthing x", r"a & b"):
        with pytest.raises(ValueError, match=r"not understood|Error"):
            mathml(wrong)


PAGE = """
<p>Spikes of all neurons.</p>
<div class="cell_output"><img src="a.png" alt="a.png"></div>
<table><thead><tr><th>setting</th><th>meaning</th></tr></thead>
<tbody><tr><td>dt</td><td>time step</td></tr></tbody></table>
"""


def test_images_without_text_are_found_and_notebooks_figures_get_theirs() -> None:
    pages = part("whole_pages", "bs4")
    soup = importlib.import_module("bs4").BeautifulSoup
    page = soup(PAGE, "html.parser")
    assert pages._without_text(page) == []
    assert page.img["alt"] == "Figure. Spikes of all neurons."
    silent = soup(
        '<p>Text</p><img src="b.png"><img src="c.png" alt="c.png"><img src="d.png" alt="Rates">', "html.parser"
    )
    assert [image["src"] for image in pages._without_text(silent)] == ["b.png", "c.png"]


def test_cells_are_told_their_column() -> None:
    pages = part("whole_pages", "bs4")
    page = importlib.import_module("bs4").BeautifulSoup(PAGE, "html.parser")
    pages.label_cells(page.table)
    assert [cell["data-head"] for cell in page.find_all("td")] == ["setting", "meaning"]


def test_install_lines_name_this_distribution() -> None:
    # The package that PyPI calls neurosim is another one.
    pages = [REPOSITORY / "README.md", *(page for page in DOCS.rglob("*.md") if "generated" not in page.parts)]
    wrong = [
        page.name for page in pages if re.search(r"^\s*pip install \"?neurosim(?!-lab)", page.read_text(), re.MULTILINE)
    ]
    assert not wrong


def test_texts_become_symbols() -> None:
    formulas = importlib.import_module("formulas")
    assert formulas.statements("w -= learning_rate*delta_held_post*r_held_pre + decay*w", synapse=True) == [
        r"\Delta w_{ij} &= - \text{decay} \, w_{ij} - \delta_{i,\text{held}} \, \eta \, r_{j,\text{held}}"
    ]
    assert formulas.equations("dv/dt = (drive - v)/tau_m : 1\ndrive : 1") == [
        r"\frac{dv}{dt} &= \frac{\text{drive} - v}{\tau_{m}}"
    ]
    # Elsewhere w is a name like any other; conditions are brackets, and fractions stay fractions.
    assert formulas.expression("w*int(v > 0)/18") == r"\frac{w \, \left[ v > 0 \right]}{18}"
    assert formulas.statements("v = 0; r *= 2") == [r"v &\leftarrow 0", r"r &\leftarrow 2 \, r"]


def test_all_rules_neurons_and_readouts_can_be_written_in_symbols() -> None:
    mathml, symbols = part("mathml", "latex2mathml").mathml, importlib.import_module("symbols")
    texts = {
        f"readout {name}": symbols.of_readout(registry.load("readouts", name).READOUT)
        for name in registry.names("readouts")
    }
    for name in registry.names("rules"):
        if isinstance(rule := registry.load("rules", name).RULE, Rule) and rule.learns:
            texts[f"rule {name}"] = symbols.of_rule(rule)
    for name in registry.names("neurons"):
        module = registry.load("neurons", name)
        neuron = module.build(module.Config())
        if "=" in str(neuron.equations):
            texts[f"neuron {name}"] = symbols.of_neuron(neuron)
    for name, text in texts.items():
        blocks_of = re.findall(r"\$\$\n(.*?)\n\$\$", text, re.DOTALL)
        assert blocks_of, name
        assert all(mathml(each, block=True).startswith("<math") for each in blocks_of)


@pytest.mark.slow
@pytest.mark.parametrize("name", registry.names("schemes"))
def test_every_scheme_is_written_in_symbols(name: str) -> None:
    symbols, guide = (importlib.import_module(each) for each in ("symbols", "scheme_guide"))
    circuit = guide.circuit_of(name)
    text = symbols.of_scheme(circuit)
    learning = [pathway.name for pathway in circuit.pathways if pathway.synapse.learns]
    assert learning and all(f"`{pathway}`" in text for pathway in learning)
    assert ("B_{ij}" in text) == (guide.feedback(circuit) != "none")


def test_long_names_may_break_after_their_underscores() -> None:
    pages = part("whole_pages", "bs4")
    text = "<table><tbody><tr><td>episode_weight_perturbation</td><td>tau_theta</td></tr></tbody></table>"
    page = importlib.import_module("bs4").BeautifulSoup(text, "html.parser")
    pages.let_names_break(page, page.table)
    assert [str(cell) for cell in page.find_all("td")] == [
        "<td>episode_<wbr/>weight_<wbr/>perturbation</td>",
        "<td>tau_theta</td>",
    ]
