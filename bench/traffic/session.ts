import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Administrator } from '../../src/cli/demo/administrator.ts';
import { BenchProcess } from '../bench-process.ts';
import { type Call, readCalls } from './calls.ts';

const BOX = { groupName: 'sites', folderName: 'shared', savePath: 'bench' } as const;
const PATIENCE_MS = 180_000;
const PRELOAD = new URL('./preload.mjs', import.meta.url).href;

/** Sessions that stand: what an end of the benchmark from outside has to stop. */
const standing = new Set<BoxSession>();

interface SessionOptions {
  /** A folder of its own. */
  readonly folder: string;
  /** How many times faster the clocks of all programs run. */
  readonly speed: number;
  /** Before each answer of Box, by the session's clock. Units: milliseconds. */
  readonly latencyMs?: number;
}

/** A Box on this machine, and programs that work on it, all with the same clock, each call of a mount written down. */
export class BoxSession {
  readonly speed: number;
  readonly #folder: string;
  readonly #clock: Readonly<Record<string, string>>;
  readonly #programs: BenchProcess[] = [];
  readonly #names: string[] = [];
  #url = '';

  private constructor({ folder, speed }: SessionOptions) {
    this.#folder = folder;
    this.speed = speed;
    this.#clock = {
      NODE_OPTIONS: `--import ${PRELOAD}`,
      MILA_BENCH_SPEED: String(speed),
      MILA_BENCH_EPOCH: String(Date.now()),
      XDG_STATE_HOME: join(folder, 'state'),
    };
  }

  /** Start the Box, and share a folder with the group of all sites. */
  static async open(options: SessionOptions): Promise<BoxSession> {
    const session = new BoxSession(options);
    standing.add(session);
    await mkdir(options.folder, { recursive: true });
    const { latencyMs = 0 } = options;
    const words = ['--json', '--port', '0', '--write-config', join(options.folder, 'box.json')];
    const emulator = session.#start('mila-sync', ['emulator', ...words, '--latency', String(latencyMs)]);
    const ready = await emulator.waitFor('ready', undefined, PATIENCE_MS);
    session.#url = String(ready['url']);
    await new Administrator(session.#url).prepare(BOX);
    return session;
  }

  /** Write a participant's configuration; returns its path. */
  async configure(name: string, keys: Readonly<Record<string, unknown>>): Promise<string> {
    const home = join(this.#folder, name);
    await mkdir(home, { recursive: true });
    const box = {
      box_configuration_path: join(this.#folder, 'box.json'),
      shared_dir_name: BOX.folderName,
      save_path: BOX.savePath,
      group_name: BOX.groupName,
      mount_path: join(home, 'mount'),
    };
    const path = join(this.#folder, `${name}.json`);
    const configuration = { box_configuration: box, save_path: join(home, 'results'), ...keys };
    await writeFile(path, JSON.stringify(configuration));
    return path;
  }

  /** Where a participant's mirror stands on the disk. */
  mirrorOf(name: string): string {
    return join(this.#folder, name, 'mount', BOX.folderName, BOX.savePath);
  }

  /** Mount a participant's folder, with each of its calls written down, and wait until both sides agree. */
  async mount(name: string): Promise<void> {
    this.#names.push(name);
    const mount = this.#start('mila-sync', ['mount', join(this.#folder, `${name}.json`), '--json'], {
      MILA_BENCH_CALLS: this.#callsPath(name),
    });
    await mount.waitFor('ready', undefined, PATIENCE_MS);
  }

  /** Start `mila server` or `mila client` on the mount of its configuration. */
  run(part: 'server' | 'client', name: string): BenchProcess {
    return this.#start('mila', [part, join(this.#folder, `${name}.json`), '--json']);
  }

  /** The calls of all mounts between two moments of this machine's clock. Units: milliseconds since 1970. */
  async calls(fromMs: number, toMs = Number.POSITIVE_INFINITY): Promise<readonly Call[]> {
    const paths = await this.#pathsInBox();
    const all = await Promise.all(
      this.#names.map((name) => readCalls(this.#callsPath(name), { user: name, paths })),
    );
    return all.flat().filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  }

  /** Calls and bytes as Box itself has counted them so far, for the whole federation. */
  async counters(): Promise<{
    readonly calls: number;
    readonly bytesUp: number;
    readonly bytesDown: number;
  }> {
    const answer = await fetch(`${this.#url}/_emulator/stats`);
    const stats = (await answer.json()) as {
      readonly calls: { readonly total: number };
      readonly bytes_up: number;
      readonly bytes_down: number;
    };
    return { calls: stats.calls.total, bytesUp: stats.bytes_up, bytesDown: stats.bytes_down };
  }

  /** End every program, the Box last. Idempotent. */
  async close(): Promise<void> {
    standing.delete(this);
    const [box, ...others] = this.#programs.splice(0);
    await Promise.all(others.map((each) => each.stop()));
    await box?.stop();
  }

  #callsPath(name: string): string {
    return join(this.#folder, `${name}.calls.jsonl`);
  }

  async #pathsInBox(): Promise<ReadonlyMap<string, string>> {
    const answer = await fetch(`${this.#url}/_emulator/tree`);
    const { entries } = (await answer.json()) as {
      readonly entries: readonly { readonly id: string; readonly path: string }[];
    };
    return new Map(entries.map(({ id, path }) => [id, path]));
  }

  #start(
    program: 'mila' | 'mila-sync',
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): BenchProcess {
    const started = new BenchProcess(program, args, { ...this.#clock, ...environment });
    this.#programs.push(started);
    return started;
  }
}

/** End the programs of every session that stands. */
export async function closeAll(): Promise<void> {
  await Promise.all([...standing].map((session) => session.close()));
}
