# make run: the demo on http://127.0.0.1:8000.  make test: everything.  The rest is for those who stay.
PYTHON ?= python3
V := .venv/bin

.PHONY: run test phone logins bench lock clean
.DEFAULT_GOAL := run

run: .venv/ready
	@$(V)/flask --app wsgi words compile
	@$(V)/flask --app wsgi db upgrade
	@$(V)/flask --app wsgi sample first
	@exec $(V)/flask --app wsgi serve

phone: .venv/ready
	@$(V)/flask --app wsgi words compile
	@$(V)/flask --app wsgi db upgrade
	@export PUBLIC_URL="$$($(V)/flask --app wsgi phone --address)"; \
	  $(V)/flask --app wsgi sample first && exec $(V)/flask --app wsgi phone

test: .venv/proved
	@tests/setup/prepare
	$(V)/ruff check .
	$(V)/ruff format --check .
	$(V)/mypy
	$(V)/python -m pytest -n 2 --dist loadgroup

# A Debian without python3-venv cannot make an environment with pip in it; as root we fetch what is missing.
.venv/bin/pip:
	@$(PYTHON) -m venv .venv 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -q >/dev/null && apt-get install -q -y --no-install-recommends python3-venv >/dev/null && $(PYTHON) -m venv --clear .venv; \
	  else echo "Please install python3-venv first." >&2; exit 1; fi; }

.venv/ready: .venv/bin/pip requirements.txt
	@echo "Installing packages, about half a minute ..."
	@$(V)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/proved: .venv/bin/pip requirements-dev.txt
	@echo "Installing packages, about a minute ..."
	@$(V)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ .venv/ready

logins: .venv/ready
	@$(V)/flask --app wsgi sample logins

# Refresh the locked lists after editing requirements*.in.
lock:
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements.in -o requirements.txt
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 -c requirements.txt requirements-dev.in -o requirements-dev.txt

# Nuanchao and the least program that does the same, side by side; a quarter of an hour.
bench: .venv/proved
	@$(V)/python -m bench.run

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
