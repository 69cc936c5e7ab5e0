# Every way into the project. Needs Python 3.11 or newer and make; the rest is installed by hash into .venv.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: demo test chaos attack api audit check bench run lock format texts pictures clean

.venv/ready: requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/ready  ## a member's /video from Enter to the posted MP4, on this machine alone
	$(BIN)/rushes demo $(ARGS)

test: .venv/ready  ## the whole suite, five at a time: journeys mostly wait
	$(BIN)/pytest -n 5 --dist worksteal $(ARGS)

attack: .venv/ready  ## a million bad callbacks, slow connections and hostile addresses, counted
	$(BIN)/python -m tests.attack $(ARGS)

# Schemathesis and pip-audit bring more packages than the program has, so they live in a place of their own.
.venv-attack/ready: tests/attack/requirements.txt
	$(PYTHON) -m venv .venv-attack
	.venv-attack/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/attack/requirements.txt
	touch $@

api: .venv/ready .venv-attack/ready  ## the receiver against docs/openapi.json, by Schemathesis
	$(BIN)/python -m tests.attack.api .venv-attack/bin/schemathesis $(ARGS)

audit: .venv-attack/ready  ## known weaknesses of what is installed; needs the internet
	.venv-attack/bin/python tests/attack/audit.py .venv-attack/bin/pip-audit requirements.txt requirements-dev.txt

chaos: .venv/ready  ## kills, cut wires, full disks, wrong clocks: 10,000 jobs, 200 kills, then the books are read
	$(BIN)/python -m tests.chaos $(ARGS)

check: .venv/ready  ## style, types and the direction of imports, in seconds
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

bench: .venv/ready .venv-bench/ready  ## how fast it is, beside what others would do: one table, in about ten minutes
	$(BIN)/python -m benchmarks $(ARGS)

# Without the network the peers that need packages stay away, and the rest is measured.
.venv-bench/ready: benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.txt \
	  && touch $@ || { rm -rf .venv-bench; echo "the peers' packages could not be installed"; }

run: .venv/ready  ## the bot, against Discord and the vendors named in .env
	$(BIN)/rushes run $(ARGS)

format: .venv/ready  ## let ruff put the files in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:  ## renew the hashed requirement files (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  pyproject.toml -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	grep -oE '^(aiohttp|aiosqlite|sqlalchemy)==[0-9.]+' requirements.txt \
	  | uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  -c /dev/stdin benchmarks/requirements.in -o benchmarks/requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  tests/attack/requirements.in -o tests/attack/requirements.txt

texts: .venv/ready  ## bring the new texts into every catalogue, where they wait to be translated
	$(BIN)/pybabel -q extract --no-location --sort-output --omit-header --width=120 -o .venv/texts.pot bot
	for language in bot/locales/*; do $(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --omit-header \
	  --width=120 -i .venv/texts.pot -o $$language/LC_MESSAGES/rushes.po -l $$(basename $$language); done

pictures: .venv/ready  ## draw the README's pictures anew from what the bot sends (needs Chromium)
	RUSHES_DRAW=1 $(BIN)/pytest tests/bot/test_pictures.py

clean:
	rm -rf .venv .venv-attack .venv-bench data demo-output bench-output .pytest_cache .ruff_cache
