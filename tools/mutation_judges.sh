#!/bin/sh
# What a change of the table is shown to: fails where it is noticed. See tools/mutation.toml.
set -e
PYTHONPATH=src python tests/conformance/run.py "$DOMCAPS_CONFORMANCE" --only domaincaps --jobs 1
PYTHONPATH=src python -m pytest -x -q -p no:cacheprovider tests/unit/test_report_*.py \
  tests/unit/test_table.py tests/unit/test_validate_[!e]*.py
PYTHONPATH=src python tests/conformance/run.py "$DOMCAPS_CONFORMANCE" --only domains --jobs 1
