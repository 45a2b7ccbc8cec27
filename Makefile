# From nothing to a result (`make demo`) and from nothing to passed tests (`make test`).
# PYTHON=/path/to/python3.11 picks the interpreter .venv is made with.

.PHONY: demo test lint docs venv
.DEFAULT_GOAL := help

help:
	@echo 'make demo   install into .venv, train the five methods on the miniature world, show the result'
	@echo 'make test   install into .venv, run all tests but the slow ones'
	@echo 'make lint   install into .venv, check the code, its form and its types'
	@echo 'make docs   install into .venv, build the site in docs/_build/html (Python 3.11 or newer)'
.PHONY: help

venv:
	@PYTHON='$(PYTHON)' bash requirements/make_venv.sh

demo: venv
	.venv/bin/segda demo

test: venv
	.venv/bin/python -m pytest -q -m 'not slow' -n 2 --dist loadfile

lint: venv
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy

docs: venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/docs.txt
	.venv/bin/python -m sphinx --quiet --fail-on-warning --keep-going -c docs . docs/_build/html
	@echo docs/_build/html/index.html
