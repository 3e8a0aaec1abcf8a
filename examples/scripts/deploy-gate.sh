#!/bin/sh
# Stops a deployment while the bridge is in trouble: deploy-gate.sh && deploy
# The exit code of `status` is the answer; what somebody has taken charge of does not count.
#   0 go   1 wait, something is HIGH or MEDIUM   2 stop, something is CRITICAL   3 stop, nobody knows   other: repair the monitor
set -u
program="${SIPPAR_MON:-sippar-mon}"
said=$("$program" status --format nagios --ignore-acked 2>&1)
code=$?
case $code in
    0) echo "go: $said" ;;
    1) echo "wait: $said" >&2 ;;
    2) echo "stop: $said" >&2 ;;
    3) echo "stop, the state is not known: $said" >&2 ;;
    *) echo "stop, the monitor itself is in trouble ($code): $said" >&2 ;;
esac
exit "$code"
