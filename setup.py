"""Finds the packages; all else stands in setup.cfg, which cannot add a folder to a search."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["neurosim", "neurosim.*"]), "neurosim.models"],
    package_dir={"neurosim.models": "models"},
)
