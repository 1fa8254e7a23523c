#!/bin/sh
# Makes the namespace of the jobs, with a retention as long as results are kept, and the search attributes. Harmless to repeat.
set -eu

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 \
  || temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d

# The server knows a new namespace some seconds later.
tries=0
until known=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE" 2>/dev/null); do
  tries=$((tries + 1))
  if [ "$tries" -ge 60 ]; then
    echo "namespace \"$TEMPORAL_NAMESPACE\" cannot be used after a minute" >&2
    exit 1
  fi
  sleep 1
done
for name in MillraceName MillraceState MillraceProcessor MillraceTenant MillraceSchedule; do
  case "$known" in
    *"$name"*) ;;
    *) temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword ;;
  esac
done
