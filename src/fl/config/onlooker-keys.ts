import { key } from './key.ts';
import { NOTIFY_SECTION } from './notify-section.ts';
import { TRACKING } from './tracking-section.ts';

/** The keys of either side for whoever looks on from outside. */
export const ONLOOKER_KEYS = {
  tracking: key(
    TRACKING,
    "The numbers that metrics.jsonl keeps go to these places too: TensorBoard's files, an MLflow server.",
    {
      examples: [
        [{ type: 'tensorboard' }, { type: 'mlflow', uri: 'http://127.0.0.1:5000', experiment: 'trial' }],
      ],
    },
  ),
  notify: key(
    NOTIFY_SECTION.nullable().default(null),
    'A program or an address is told of trouble, of lost participants and of the end.',
    { title: 'Telling somebody', examples: [{ command: ['/usr/local/bin/tell'] }] },
  ),
};
