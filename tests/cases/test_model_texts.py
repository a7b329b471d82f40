"""Texts of models as editors and strangers write them: encodings, ends of lines, sizes and depths."""

from __future__ import annotations

import codecs
import itertools

import pytest

from neurosim import NeuronModel, Rule, load
from neurosim.errors import ArgumentError, ConfigError, NeurosimError
from neurosim.model_files.toml import DEEPEST, parsed, read_toml, value_of
from neurosim.studies.sweeps.plan import read_plan

MODEL = """# Größe
[task]
kind = "digits"
[network]
hidden = [6]
[scheme]
kind = "feedback_alignment"
[model]
title = "Größe"
"""
ENCODED = {
    "UTF-8": MODEL.encode(),
    "UTF-8 with a mark": codecs.BOM_UTF8 + MODEL.encode(),
    "UTF-16": MODEL.encode("utf-16"),
    "UTF-16 of the other order": codecs.BOM_UTF16_BE + MODEL.encode("utf-16-be"),
    "UTF-32": MODEL.encode("utf-32"),
    "lines that end as on Windows": MODEL.replace("\n", "\r\n").encode(),
    "both": codecs.BOM_UTF8 + MODEL.replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("name", ENCODED)
def test_a_model_file_is_read_in_every_encoding_that_says_so(name, tmp_path):
    path = tmp_path / "m.toml"
    path.write_bytes(ENCODED[name])
    model = load(path)
    assert model.about.title == "Größe"
    assert model.resolve()["network"]["hidden"] == [6]
    sweep = tmp_path / "s.toml"
    text = '[sweep]\nmodel = "m.toml"\n[grid]\n"training.epochs" = [1, 2]\n'
    sweep.write_bytes(codecs.BOM_UTF8 + text.replace("\n", "\r\n").encode())
    assert len(read_plan(sweep).configurations) == 2


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (MODEL.encode("latin-1"), "line 1: not UTF-8 (the encoding seems to be Latin-1"),
        (MODEL.encode("utf-16-le"), "not UTF-8 (it seems to be UTF-16 without a byte order mark)"),
        (MODEL.encode("utf-16-be"), "not UTF-8 (it seems to be UTF-16 without a byte order mark)"),
        (MODEL.encode("utf-16") + b"x", "not UTF-8 (the encoding seems to be UTF-16-LE)"),
        (b"\x7fELF\x00\x00\x01\x01", "not UTF-8 (it seems to be no text)"),
        (MODEL.replace("\n", "\r").encode(), "no valid TOML"),
    ],
)
def test_any_other_is_refused_by_its_name(data, sentence, tmp_path):
    path = tmp_path / "m.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert sentence in str(caught.value) and "m.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_equations_may_begin_with_a_mark_and_end_lines_as_on_windows():
    for text in ("\ufeffdv/dt = -v/(10*ms) : 1\r\nw : 1\r\n", "dv/dt = -v/(10*ms) : 1\nw : 1\n"):
        assert NeuronModel(text).state_variables == ("v",)
    assert Rule("\ufeffw += rate*r_pre\r\n", parameters={"rate": None}).increments == {"w": "rate*r_pre"}


DEEP = {
    "a key": "a" + ".a" * 60_000 + " = 1\n",
    "a head": "[a" + ".a" * 60_000 + "]\n",
    "a head of an array": "[[a" + ".a" * 60_000 + "]]\n",
    "a quoted key": '"a"' + '."a"' * 60_000 + " = 1\n",
    "a key with blanks": "a" + " . a" * 60_000 + " = 1\n",
    "a key in a table": "a = {b" + ".b" * 60_000 + " = 1}\n",
    "arrays": "a = " + "[" * 60_000 + "]" * 60_000 + "\n",
    "arrays over lines": "a = " + "[\n" * 60_000 + "]\n" * 60_000 + "\n",
    "tables": "a = " + "{a=" * 60_000 + "1" + "}" * 60_000 + "\n",
    "both": "a = " + "[{a=" * 30_000 + "1" + "}]" * 30_000 + "\n",
    "after text": 'b = """x\\"""" # [[[\nc = \'[[\'\na = ' + "[" * 100 + "]" * 100 + "\n",
}


@pytest.mark.parametrize("name", DEEP)
def test_what_is_nested_too_deeply_is_refused_before_it_is_parsed(name, tmp_path, monkeypatch):
    path = tmp_path / "m.toml"
    path.write_text(DEEP[name])
    monkeypatch.setattr("neurosim.model_files.toml.tomllib", None)
    for read in (read_toml, load, read_plan):
        with pytest.raises(ConfigError, match=r"m\.toml: line \d+: nested too deeply, expected at most 32 levels"):
            read(path)


def test_what_looks_deep_in_text_and_comments_is_not():
    text = f'# {"[" * 100}{".a" * 100}\na = "{"[" * 100}"\nb = \'{"." * 100}\'\nc = """\n{"{" * 100}"""\n'
    assert parsed(text, "m")["c"] == "{" * 100
    assert parsed("a = [1.5, 2.5, 3.5]\n" * 1, "m")["a"][2] == 3.5
    many = ", ".join(f"{number}.5" for number in range(1000))
    assert len(parsed(f"a = [{many}]", "m")["a"]) == 1000
    just = ".".join("a" for _ in range(DEEPEST))
    assert parsed(f"{just} = 1", "m")


def test_a_value_on_the_command_line_is_bounded_as_well():
    assert value_of("[1, 2]") == [1, 2] and value_of("node") == "node" and value_of('"x"') == "x"
    for text in ("[" * 1200 + "]" * 1200, "{a=" * 1200 + "1" + "}" * 1200, "{a" + ".a" * 1200 + "=1}"):
        with pytest.raises(ConfigError, match="nested too deeply"):
            value_of(text)


SECTIONS = {"task": {"kind": "digits"}, "network": {"hidden": [6]}, "scheme": {"kind": "feedback_alignment"}}


def test_tables_from_python_are_bounded_though_they_hold_themselves():
    itself: dict = {}
    itself["task"] = itself
    array: list = []
    array.append(array)
    deep: dict = {}
    for _ in range(1200):
        deep = {"a": deep}
    wide: dict = {}
    for _ in range(60):
        wide = {"a": wide, "b": wide}
    for table in (itself, {**SECTIONS, "training": {"x": array}}, {"task": deep}, {"task": wide}):
        with pytest.raises(ConfigError, match="nested too deeply"):
            load(table)


STRANGE = {
    "a tuple": (3, 4),
    "a table of numbers": {1: 2},
    "a table of tuples": {("a",): 1},
    "bytes": b"x",
    "an object": object(),
    "a long number": 10**5000,
    "no number": float("nan"),
    "infinity": float("inf"),
    "half a character": "\ud800",
    "a NUL character": "a\0b",
    "an array of nothing": [None],
}


@pytest.mark.parametrize("name", STRANGE)
def test_values_that_no_file_has_are_refused_in_a_sentence(name):
    places = itertools.product(("task", "network", "scheme", "engine", "training"), ("kind", "hidden", "epochs", "x"))
    for section, key in places:
        if (name, section, key) == ("a tuple", "network", "hidden"):
            continue  # as good as an array
        with pytest.raises(NeurosimError) as caught:
            load({**SECTIONS, section: {**SECTIONS.get(section, {}), key: STRANGE[name]}})
        assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("section", ["task", "network", "scheme", "engine", "training", "model", "variants", "probe"])
@pytest.mark.parametrize("value", [3, "x", [], [{}], True, 1.5])
def test_sections_that_are_no_tables_are_refused(section, value):
    with pytest.raises(ConfigError, match=section):
        load({**SECTIONS, section: value})


def test_arguments_of_load_are_checked():
    for source in (3, None, 1.5, [SECTIONS], b"lansdell2020/digits"):
        with pytest.raises(ArgumentError, match="source"):
            load(source)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"overrides: .*a list of names"):
        load(SECTIONS, "training.epochs=3")
    with pytest.raises(ArgumentError, match="variants"):
        load(SECTIONS, variants=[3])  # type: ignore[list-item]
    with pytest.raises(NeurosimError, match="a model is a file that ends in"):
        load(__file__)
    for name in ("a\0b.toml", "a\0b", "", " ", "x" * 5000, "x" * 5000 + ".toml", "/", "..", ".toml"):
        with pytest.raises(NeurosimError):
            load(name)


def test_a_number_of_thousands_of_digits_is_refused_in_words_of_the_file(tmp_path):
    path = tmp_path / "long.toml"
    path.write_text(f"[training]\nepochs = {'9' * 5000}\n")
    with pytest.raises(ConfigError, match="no valid TOML: a number has thousands of digits"):
        load(path)
