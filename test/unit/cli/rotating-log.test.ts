import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pinoLogger } from '../../../src/cli/pino-logger.ts';
import { oldLogPath, RotatingLog } from '../../../src/cli/rotating-log.ts';
import { FakeClock } from '../sync/box/fake-clock.ts';

let folder: string;
let path: string;
let heard: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mila-log-'));
  path = join(folder, 'state', 'log.jsonl');
  heard = [];
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function open(maxBytes = 1_000): RotatingLog {
  const onTrouble = (error: unknown) => heard.push(error === undefined ? 'over' : 'trouble');
  return new RotatingLog({ path, clock: new FakeClock(), maxBytes, onTrouble });
}

const linesOf = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n');

it('keeps one file of bounded size and three old ones, whatever is written', async () => {
  const log = open(100);
  for (let n = 0; n < 100; n += 1) log.write(`${JSON.stringify({ n, fill: 'x'.repeat(20) })}\n`);
  log.close();
  const names = await readdir(join(folder, 'state'));
  expect(names.sort()).toEqual(['log.1.jsonl', 'log.2.jsonl', 'log.3.jsonl', 'log.jsonl']);
  const files = [oldLogPath(path, 3), oldLogPath(path, 2), oldLogPath(path, 1), path];
  for (const file of files) expect(readFileSync(file).length).toBeLessThanOrEqual(100);
  const numbers = files.flatMap(linesOf).map((line) => (JSON.parse(line) as { n: number }).n);
  expect(numbers).toEqual(Array.from(numbers, (_, at) => 100 - numbers.length + at));
});

it('goes on from the length that an earlier process left', () => {
  const first = open(100);
  first.write(`${'a'.repeat(90)}\n`);
  first.close();
  const second = open(100);
  second.write(`${'b'.repeat(90)}\n`);
  second.close();
  expect(linesOf(oldLogPath(path, 1))).toEqual(['a'.repeat(90)]);
  expect(linesOf(path)).toEqual(['b'.repeat(90)]);
});

it('follows when another process rotates the file', async () => {
  const log = open();
  log.write('"one"\n');
  await rename(path, oldLogPath(path, 1));
  log.write('"two"\n');
  log.close();
  expect(linesOf(path)).toEqual(['"two"']);
});

it('makes a removed file again, but never the folder that it stood in', async () => {
  const log = open();
  log.write('"one"\n');
  await rm(path);
  log.write('"two"\n');
  expect(linesOf(path)).toEqual(['"two"']);
  await rm(join(folder, 'state'), { recursive: true });
  log.write('"three"\n');
  expect(existsSync(join(folder, 'state'))).toBe(false);
  await mkdir(join(folder, 'state'));
  log.write('"four"\n');
  log.close();
  const [gap, last] = linesOf(path);
  expect(JSON.parse(gap ?? '')).toMatchObject({ level: 40, dropped: 1 });
  expect(last).toBe('"four"');
  expect(heard).toEqual(['trouble', 'over']);
});

it('drops lines while the disk is full, says so once, and afterwards how many they were', async () => {
  await mkdir(join(folder, 'state'));
  await symlink('/dev/full', path);
  const log = open();
  for (let n = 0; n < 3; n += 1) log.write(`${n}\n`);
  expect(heard).toEqual(['trouble']);
  await rm(path);
  log.write('"room again"\n');
  log.close();
  const [gap, last] = linesOf(path);
  expect(JSON.parse(gap ?? '')).toMatchObject({ dropped: 3, time: expect.stringMatching(/^\d{4}-/) });
  expect(last).toBe('"room again"');
  expect(heard).toEqual(['trouble', 'over']);
});

it('is no reason to fail for who logs, wherever the file should stand', async () => {
  await writeFile(join(folder, 'state'), 'a file in the folder’s place');
  const notices: [string, string | undefined][] = [];
  const logger = pinoLogger('info', path, (key, text) => notices.push([key, text]));
  logger.info({}, 'one');
  logger.warn({}, 'two');
  expect(notices).toEqual([['log', expect.stringContaining(path)]]);
});
