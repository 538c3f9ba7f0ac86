"""Named scenarios of a peer: listed, or run one after the other with a line of JSON for each."""

import json
import sys
import traceback

SCENARIOS = []


def scenario(name):
    """Give a scenario its name."""

    def keep(function):
        SCENARIOS.append((name, function))
        return function

    return keep


def expect(actual, wanted):
    """Fail with both values unless they are equal."""
    if actual != wanted:
        raise AssertionError(f"{actual!r} is not {wanted!r}")


def expect_error(kind, status, call):
    """Fail unless the call raises this kind of error with this status; returns the error."""
    try:
        call()
    except kind as error:
        found = getattr(error, "status", None) or error.response_info.status_code
        expect(found, status)
        return error
    raise AssertionError(f"{kind.__name__} with status {status} was expected")


def main(connect):
    """`list` prints the names; `run CONFIG` runs all, with what `connect` makes of the configuration's path."""
    if sys.argv[1] == "list":
        print(json.dumps([name for name, _ in SCENARIOS]))
        return
    world = connect(sys.argv[2])
    for name, function in SCENARIOS:
        error = None
        try:
            function(world)
        except Exception:  # Each scenario stands for itself: the others still run.
            error = traceback.format_exc()
        print(json.dumps({"name": name, "error": error}), flush=True)
