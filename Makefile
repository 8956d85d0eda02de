# make lab · make course · make test: the first use of any of them makes .venv and installs into it. They call the
# command gantutor, which does the same without make: .venv/bin/gantutor --help.

PRESET ?= cpu
SEED ?=
MINUTES ?=
NOTEBOOKS ?=
COURSE_OPTIONS ?=
BROWSER ?=

.PHONY: help lab course test lint unit browser smoke repeat check test-browser test-site screenshots benchmarks site

help:
	@echo "make lab                    open the course in JupyterLab (BROWSER=no prints the address instead)"
	@echo "make course                 run every notebook and collect the scores in runs/"
	@echo "                            PRESET=cpu|smoke|gpu SEED=3 MINUTES=40 NOTEBOOKS='02 03'"
	@echo "make exercises              write the exercises of each notebook into one of their own: runs/exercises"
	@echo "make sweep NOTEBOOKS=02     run a notebook with several seeds and values, and tabulate the scores"
	@echo "                            PRESET=smoke SWEEP='--seeds 0 1 2 --set steps=300,600 --jobs 2'"
	@echo "make test                   lint, unit tests, every notebook at the smoke preset, twice, and the"
	@echo "                            live views in a browser, where chromium is installed"
	@echo "make test-browser           the live views once more: beside a busy process, with other kernels, in Notebook 7"
	@echo "make site                   build the site of the course and of the package: runs/site/index.html"
	@echo "make test-site              build it, and look at it in a browser"
	@echo "make benchmarks             measure speed and quality anew: benchmarks/results (over an hour)"
	@echo "                            BENCHMARKS='failures tables doctor': what the notebooks quote of many seeds"
	@echo "make screenshots            take the pictures of the README anew (needs chromium)"

# PYTHON may name another interpreter; otherwise the first that fits is taken.
.venv/.ready: pyproject.toml constraints.txt
	@for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3); do \
	  if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; then \
	    echo "Making .venv with $$python; the packages take about 6 GB on disk"; \
	    exec $$python gantutor/course/commands/lock_folder.py .venv sh -c '"$$0" -m venv .venv && exec .venv/bin/python -m pip \
	      install --disable-pip-version-check -e ".[images,audio,faces,sequences,lab,test,site]" -c constraints.txt' \
	      "$$python"; \
	  fi; \
	done; \
	echo "GANTutor needs Python 3.11 to 3.14: none was found; name one as in make test PYTHON=/path/to/python3.12"; \
	exit 1
	@touch .venv/.ready

lab: .venv/.ready
	.venv/bin/python -m gantutor lab $(if $(filter no,$(BROWSER)),--no-browser)

course: .venv/.ready
	.venv/bin/python -m gantutor course $(NOTEBOOKS) --preset $(PRESET) \
	  $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(COURSE_OPTIONS)

# For teachers: docs/teaching.md.
.PHONY: exercises sweep

exercises: .venv/.ready
	.venv/bin/python -m gantutor exercises $(NOTEBOOKS)

sweep: .venv/.ready
	.venv/bin/python -m gantutor sweep $(NOTEBOOKS) --preset $(PRESET) $(SWEEP)

test: lint unit smoke repeat browser check

lint: .venv/.ready
	.venv/bin/python -m gantutor test lint

# Two processes share the tests; each takes one thread.
unit: .venv/.ready
	.venv/bin/python -m gantutor test unit

# Real clicks in a real JupyterLab; the screenshots are left in runs/browser.
browser: .venv/.ready
	.venv/bin/python -m gantutor test browser

# Longer, and it installs older and newer kernels into runs/kernels: not part of make test.
test-browser: .venv/.ready
	.venv/bin/python -m gantutor test platforms

# Each writes benchmarks/results/; on two cores over an hour, on a quiet machine. With a GPU: DEVICE=cuda.
# Not among them, since they take hours: BENCHMARKS="failures tables doctor", the runs over many seeds that the
# notebooks and the documentation show (gantutor/course/results, gantutor/doctor/hits.json).
benchmarks: .venv/.ready
	@for name in $(or $(BENCHMARKS),overheads choices loop foreign_loops quality sequences dashboard lab pages kills); do \
	  echo "$$name"; \
	  .venv/bin/python benchmarks/$$name.py \
	    $(if $(DEVICE),$$(case $$name in loop|quality) echo --device $(DEVICE);; esac)) || exit 1; \
	done

# From the committed notebooks, docs/ and the docstrings; nothing is executed, and a warning ends it.
site: .venv/.ready
	.venv/bin/python scripts/site/build.py runs/site

test-site: .venv/.ready
	.venv/bin/python -m gantutor test site

screenshots: .venv/.ready
	.venv/bin/python scripts/site/screenshots.py

smoke: .venv/.ready
	.venv/bin/python -m gantutor test smoke

# Every executed copy once more, cell by cell, two at once: a seed must repeat.
repeat: smoke
	.venv/bin/python -m gantutor test repeat

check: .venv/.ready
	.venv/bin/python -m gantutor test check
