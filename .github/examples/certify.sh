#!/usr/bin/env bash
# Test a target in any CI: run, export, compare with an earlier run, and set the exit status.
#
#   certify.sh TARGET [BASELINE]
#
# TARGET    what to test: a short name, a .toml file or file.py:factory.
# BASELINE  folder with the evidence of an earlier run; without evidence, there is no comparison.
#
# isolation-tests itself reads ISOLATION_PROFILE, ISOLATION_KNOWN and ISOLATION_SEED.
# ISOLATION_REPORT  folder for all files (reports/local).
# DISPOSABLE        true: a run may destroy TARGET's whole store, so users with hostile names write and delete too.
# FAIL_ON           when to fail. any (default): if a check did not hold or something got worse. regressions: only if
#                   something got worse since BASELINE. never: only if the run proves nothing (exit status 2 and above).
# A known finding never fails a run; one that is out of date does.
set -euo pipefail

target=${1:?name the target: certify.sh TARGET [BASELINE]}
baseline=${2:-}
report=${ISOLATION_REPORT:-reports/local}
fail_on=${FAIL_ON:-any}
disposable=()
if [ "${DISPOSABLE:-}" = true ]; then disposable=(--disposable); fi

case $fail_on in
  any | regressions | never) ;;
  *) echo "FAIL_ON must be any, regressions or never, not '$fail_on'." >&2 && exit 3 ;;
esac

status=0
isolation-tests run "$target" ${disposable[@]+"${disposable[@]}"} --report "$report" --junit "$report/junit.xml" \
  --export "$report/summary.md" --export "$report/isolation.sarif" \
  --export "$report/isolation.ctrf.json" --export "$report/isolation.badge.json" || status=$?

# With such a status, the run proved nothing, and there is nothing to compare.
if [ "$status" -ge 2 ]; then exit "$status"; fi

worse=0
if [ -n "$baseline" ] && compgen -G "$baseline/evidence.jsonl*" >/dev/null; then
  isolation-tests report diff "$baseline" "$report" --format markdown >"$report/diff.md" || worse=$?
  cat "$report/diff.md"
elif [ -n "$baseline" ]; then
  echo "There is no earlier evidence in $baseline, so there is no comparison." >&2
  baseline=
fi

case $fail_on in
  never) exit 0 ;;
  regressions) if [ -n "$baseline" ]; then exit "$worse"; else exit "$status"; fi ;;
  any) if [ "$status" -ne 0 ]; then exit "$status"; else exit "$worse"; fi ;;
esac
