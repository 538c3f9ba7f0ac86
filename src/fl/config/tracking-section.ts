import { z } from 'zod';
import { key } from './key.ts';

/** An address of HTTP without a user, a password or a question, as a pattern that JSON Schema knows too. */
const SERVER_PATTERN = '^https?://[^\\s/?#@\\\\]+(/[^\\s?#@\\\\]*)?$';
const SERVER_WORDS =
  'an address such as http://127.0.0.1:5000 is expected, without a password: a token goes into the variable MLFLOW_TRACKING_TOKEN';

/** Whether a text is an address that requests can go to. */
export function isAddress(text: string, pattern: string): boolean {
  return new RegExp(pattern).test(text) && URL.canParse(text);
}

const type = <Name extends string>(name: Name, words: string) => key(z.literal(name), words);

/** An entry of `tracking` for TensorBoard. */
export const TENSORBOARD_ENTRY = z.strictObject({
  type: type('tensorboard', 'Numbers go to event files that TensorBoard reads.'),
  directory: key(
    z.string().min(1).nullable().default(null),
    'The event files stand here, in a folder for each run and in it one for each participant.',
    { absent: 'the folder tensorboard beside history.jsonl', examples: ['/srv/tensorboard'] },
  ),
});

/** An entry of `tracking` for MLflow. */
export const MLFLOW_ENTRY = z.strictObject({
  type: type('mlflow', 'Numbers go to an MLflow server, by its REST API.'),
  uri: key(
    z.string().refine((text) => isAddress(text, SERVER_PATTERN), SERVER_WORDS),
    'The MLflow server is at this address; a token for it is read from the variable MLFLOW_TRACKING_TOKEN.',
    { examples: ['http://127.0.0.1:5000'], pattern: SERVER_PATTERN },
  ),
  experiment: key(
    z.string().min(1).max(500).default('mila'),
    'The run is one of this experiment there; it is made where there is none.',
    { examples: ['trial'] },
  ),
});

/** More places than this are a slip of the pen. */
const PLACES_MAX = 16;

/** `tracking`, of either side. */
export const TRACKING = z
  .array(z.discriminatedUnion('type', [TENSORBOARD_ENTRY, MLFLOW_ENTRY]))
  .max(PLACES_MAX)
  .default([]);

/** Two entries that would write to the same place; one line each. */
export function trackingFaults(entries: z.infer<typeof TRACKING> | undefined): readonly string[] {
  const places = (entries ?? []).map((entry) =>
    entry.type === 'tensorboard'
      ? `tensorboard ${entry.directory ?? ''}`
      : `mlflow ${entry.uri.replace(/\/+$/, '')} ${entry.experiment}`,
  );
  return places.flatMap((place, index) => {
    const first = places.indexOf(place);
    return first === index
      ? []
      : [`tracking.${index} is the same place as tracking.${first}: one of them is enough`];
  });
}
