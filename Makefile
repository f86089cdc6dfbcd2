# Everything is in scripts/make.py, which needs no make: `python3 scripts/make.py demo` (Windows: `py scripts\make.py demo`).
PYTHON ?= python3

.PHONY: demo test compare soak clean
demo test compare soak clean:
	$(PYTHON) scripts/make.py $@
