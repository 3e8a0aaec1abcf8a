#!/bin/sh
# Pauses the bridge when an alert is CRITICAL: posts the alert, as JSON, to the address that is its first argument. What it
# prints stands in the alert's history and in the next message.
#
#   [responses.pause-bridge]
#   command = ["/usr/local/lib/sippar-mon/pause-bridge.sh", "http://127.0.0.1:3004/reserves/admin/pause"]
#   max_runs = 1
#
#   [[rule]]
#   alert = "UNDER_COLLATERALIZED"
#   respond = { CRITICAL = "pause-bridge" }
#
# Only root may be able to write to this file. A second argument names a file that holds a header for the service, such as
# `Authorization: Bearer ...`: so the secret stands neither in the configuration nor in the list of processes. Try it with
# `sippar-mon respond pause-bridge --dry-run`, and against a service of your own before the real one. Needs curl.
set -eu

if [ $# -lt 1 ]; then
    echo "no address was given" >&2
    exit 64
fi
if [ "${SIPPAR_SEVERITY:-}" != CRITICAL ]; then
    echo "nothing was paused: the alert is ${SIPPAR_SEVERITY:-unknown}, not CRITICAL" >&2
    exit 65
fi

url=$1
shift
if [ $# -gt 0 ]; then
    set -- --header "@$1"
fi
curl --fail --silent --show-error --max-time 20 --output /dev/null --request POST "$@" \
    --header "Content-Type: application/json" --header "Idempotency-Key: sippar-run-$SIPPAR_RUN" \
    --data-binary @- -- "$url"
echo "paused for ${SIPPAR_ALERT}, alert ${SIPPAR_NUMBER:-none}"
