import { FINISHED_WORDS, STOPPED_BY_USER_TEXT } from '../round/protocol-texts.ts';
import type { RunFile } from './catalogue.ts';
import type { EndingReport } from './inspection.ts';
import type { Irregularities } from './irregularity.ts';

function kindOf(text: string): EndingReport['kind'] {
  const words = text.trim();
  if (words === '') return 'unreadable';
  if (words.startsWith(FINISHED_WORDS)) return 'finished';
  return words.startsWith(STOPPED_BY_USER_TEXT) ? 'stopped-by-user' : 'failed';
}

/** How a run ended, by its `server_ended.txt`. */
export function endingOf(file: RunFile | null, irregularities: Irregularities): EndingReport {
  if (file === null) {
    irregularities.add('note', 'no-ending', '', 'no server_ended.txt: the run goes on, or its server died');
    return { kind: 'open', text: null, atMs: null };
  }
  if (file.text === null) return { kind: 'unreadable', text: null, atMs: file.atMs };
  const kind = kindOf(file.text);
  if (kind === 'unreadable')
    irregularities.add(
      'error',
      'empty-ending',
      file.path,
      'server_ended.txt is empty: it does not say how the run ended',
    );
  if (kind === 'failed')
    irregularities.add('error', 'run-failed', file.path, file.text.trim().split('\n', 1)[0] ?? '');
  if (kind === 'stopped-by-user')
    irregularities.add('warning', 'run-stopped', file.path, 'a person stopped the server');
  return { kind, text: file.text, atMs: file.atMs };
}
