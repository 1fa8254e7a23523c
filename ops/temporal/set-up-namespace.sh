#!/bin/sh
# Makes the namespace of the jobs, with a retention as long as results are kept, and the search attributes. Harmless to repeat.
set -eu

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 \
  || temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d
for name in MillraceName MillraceState MillraceProcessor MillraceTenant MillraceSchedule; do
  temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword || true
done
