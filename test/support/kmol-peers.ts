import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

// Stand-ins for kMoL's own BoxServer and BoxClient, as far as they show in the folder: the files they look for,
// their order, their contents, and what stops them. Models are numbers, as elsewhere in these tests.

const POLL_MS = 15;
const POLLS_MAX = 2_000;

async function until<Value>(what: string, look: () => Promise<Value | undefined>): Promise<Value> {
  for (let poll = 0; poll < POLLS_MAX; poll += 1) {
    const value = await look();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`kMoL's peer waited in vain for ${what}`);
}

async function put(path: string, content: string): Promise<void> {
  const temporary = join(path, '..', `.${Math.random()}.mila-tmp`);
  await writeFile(temporary, content);
  await rename(temporary, path);
}

const textOf = (path: string) => readFile(path, 'utf8').catch(() => undefined);
const namesOf = (path: string): Promise<readonly string[]> => readdir(path).catch(() => []);

/** kMoL's client: returns the rounds it trained. */
export async function kmolClient(shared: string, name: string, step: number): Promise<readonly number[]> {
  const newest = await until('a run', async () => {
    const run = [...(await namesOf(shared))].sort().at(-1);
    const isReady = run !== undefined && existsSync(join(shared, run, 'cfg.json'));
    return isReady ? join(shared, run) : undefined;
  });
  // It knows one spelling only, and stops where the folder is missing.
  const claim = join(newest, 'authentifications', `${name}_authentification.txt`);
  await writeFile(claim, '', { flag: 'wx' });
  await put(join(newest, 'heartbeats', `${name}_heartbeat.txt`), '1673864102.2054172');
  const isOver = () =>
    existsSync(join(newest, 'server_ended.txt')) || existsSync(join(newest, `${name}.lost_connection`));
  await until('an answer', async () => {
    const word = (await textOf(claim))?.split(' ')[0]?.toLowerCase();
    if (word === 'error') throw new Error('refused');
    return word === 'authenticated' ? true : undefined;
  });
  JSON.parse(await readFile(join(newest, 'cfg.json'), 'utf8'));
  const trained: number[] = [];
  for (let round = 1; !isOver(); round += 1) {
    const folder = join(newest, 'rounds', `round_${round}`);
    const start = await until(`round ${round}`, async () => {
      if (isOver()) return 'over';
      const aggregate = await textOf(join(folder, 'server.agg'));
      if (aggregate !== undefined) return aggregate;
      return existsSync(join(folder, 'no_starting_model.info')) ? '0' : undefined;
    });
    if (start === 'over' || isOver()) break;
    trained.push(round);
    await put(join(folder, `${name.toLowerCase()}.pt`), String(Number(start) + step));
  }
  return trained;
}

/** kMoL's server: waits for `clients` participants and runs `rounds` rounds. */
export async function kmolServer(shared: string, clients: number, rounds: number): Promise<string> {
  const run = join(shared, '2026-05-06_07-08-09');
  await mkdir(join(run, 'authentifications'), { recursive: true });
  await mkdir(join(run, 'heartbeats'));
  await put(join(run, 'cfg.json'), '{"epochs": 1}');
  await until('participants', async () => {
    const files = await namesOf(join(run, 'authentifications'));
    for (const file of files.filter((each) => each.endsWith('.txt'))) {
      const path = join(run, 'authentifications', file);
      if ((await textOf(path)) === '') await put(path, 'Authenticated - Token 23118091987');
    }
    return files.filter((file) => file.endsWith('.txt')).length === clients ? true : undefined;
  });
  await mkdir(join(run, 'rounds', 'round_1'), { recursive: true });
  await put(join(run, 'rounds', 'round_1', 'no_starting_model.info'), '');
  for (let round = 1; round <= rounds; round += 1) {
    const folder = join(run, 'rounds', `round_${round}`);
    const updates = await until(`updates of round ${round}`, async () => {
      const files = (await namesOf(folder)).filter((name) => name.endsWith('.pt'));
      // It counts files, so that one too many would make it wait for ever.
      return files.length === clients ? files : undefined;
    });
    const values = await Promise.all(updates.map(async (name) => Number(await textOf(join(folder, name)))));
    await mkdir(join(run, 'rounds', `round_${round + 1}`));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    await put(join(run, 'rounds', `round_${round + 1}`, 'server.agg'), String(mean));
  }
  // The final model comes before the end, so that a fast client starts another training.
  await new Promise((resolve) => setTimeout(resolve, 300));
  await put(join(run, 'server_ended.txt'), 'Training finished 1673943293.448432');
  return run;
}
