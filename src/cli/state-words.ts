import type { EngineState } from '../sync/engine/status.ts';

/** What a state of the engine means to the person who watches. */
export const STATE_WORDS: Readonly<Record<EngineState, string>> = {
  'awaiting-folder': 'waiting for the server to make the folder in Box',
  starting: 'comparing the folder in Box with the directory',
  syncing: 'syncing',
  'in-sync': 'in sync',
  waiting: 'in sync but for entries that are tried again; see mila-sync status',
  paused: 'paused',
  offline: 'Box is out of reach; trying again',
  'access-lost':
    'the folder is not shared with this account any more; nothing is deleted, waiting for it to come back',
  'root-missing':
    'the mirrored directory is gone from the disk; nothing is deleted in Box, waiting for it to come back',
  'root-replaced':
    'another directory stands where the mirrored one was; nothing is done. Put the former one back (mount its disk), or unmount and mount again: then nothing is taken for deleted, and what one side lacks is brought back',
  'root-emptied':
    'everything is gone from one side at once; nothing is done. If that was meant, mount again with --max-delete; else with --bring-back',
  full: 'disk or quota is full; going on when there is room',
  stopped: 'stopped',
};

/** States that a person should hear of at once, each with what is said when it is over. */
export const OVER_WORDS: Readonly<Partial<Record<EngineState, string>>> = {
  'awaiting-folder': 'the folder is there',
  paused: 'going on',
  offline: 'Box is in reach again',
  'access-lost': 'the folder is visible to this account again',
  'root-missing': 'the mirrored directory is back',
  'root-replaced': 'the former directory is back',
  'root-emptied': 'it is decided what happens to what was gone',
  full: 'there is room again',
};

/** Whether a person should hear of a state at once, and again when it is over. */
export function isRemarkable(state: EngineState): boolean {
  return OVER_WORDS[state] !== undefined;
}
