"""Prints the scalars of a folder's event files as TensorBoard's own reader finds them, as JSON."""
import json
import sys

from tensorboard.backend.event_processing import event_accumulator

accumulator = event_accumulator.EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
accumulator.Reload()
print(json.dumps({
    tag: [[point.step, point.value, point.wall_time] for point in accumulator.Scalars(tag)]
    for tag in accumulator.Tags()["scalars"]
}))
