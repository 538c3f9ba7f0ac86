import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type RunningEmulator, startEmulator } from '../../src/sync/box-emulator/emulator.ts';
import { freePort } from './free-port.ts';
import { MadeRun, makeGoodRun } from './made-run.ts';
import { builtProgram } from './programs.ts';
import { type Shell, typeLine } from './typed-line.ts';

/**
 * How far a reader has come: `nothing` in the folder; a `project` in which the package is installed; the files of a
 * federation with the key of a `new-box` in which nothing is set up; the same, set up, with runs to look at
 * (`federation`); a `recording` and an emulator to play it into; the files and certificates of a federation over `grpc`.
 */
export type PlaceKind = 'nothing' | 'project' | 'new-box' | 'federation' | 'recording' | 'grpc';

/** A folder of one reader's own, in which a line is typed. */
export interface ReaderPlace extends Shell {
  readonly box: RunningEmulator;
}

const SITES = ['site_a', 'site_b'];
const RECORDING = 'session.jsonl.gz';
/** As `mila init` names them. */
const SESSION = 'first_run';
const GRPC_PORT = ':8024';
const MIRRORED = ['data', 'box', 'server', 'federation', SESSION];

/** Makes places for readers, each in a folder and at home in a directory of its own. */
export class ReaderPlaces {
  readonly #root: string;
  readonly #box: RunningEmulator;
  readonly #others: RunningEmulator[] = [];
  #made = 0;

  private constructor(root: string, box: RunningEmulator) {
    this.#root = root;
    this.#box = box;
  }

  static async open(): Promise<ReaderPlaces> {
    const root = await mkdtemp(join(tmpdir(), 'mila-documents-'));
    const places = new ReaderPlaces(root, await startEmulator());
    await places.#installPrograms();
    const { participants, digits } = { participants: SITES.join(), digits: '--program digits' };
    const init = (folder: string, transport: string) =>
      places.#do(root, `mila init ${folder} --participants ${participants} ${digits} ${transport}`);
    await init('federation', '--no-emulator --transport box');
    await init('grpc', '--transport grpc');
    const clients = SITES.map((name) => `--client ${name}`).join(' ');
    await places.#do(join(root, 'grpc'), `mila certificates -o certificates --host localhost ${clients}`);
    const federation = join(root, 'federation');
    await places.#giveKey(federation, places.#box);
    await places.#do(
      federation,
      `mila-sync setup server.json ${SITES.map((name) => `--participant ${name}`).join(' ')}`,
    );
    await makeGoodRun(new MadeRun(join(federation, 'finished_run')), SITES, 2);
    await cp(join(federation, 'finished_run'), join(federation, 'open_run'), { recursive: true });
    await rm(join(federation, 'open_run', 'server_ended.txt'));
    await places.#record();
    return places;
  }

  async close(): Promise<void> {
    await Promise.all([this.#box, ...this.#others].map((box) => box.close()));
    await rm(this.#root, { recursive: true, force: true, maxRetries: 5 });
  }

  /** A new place. Guarantees: what happens in it is seen in no other one. */
  async make(kind: PlaceKind): Promise<ReaderPlace> {
    this.#made += 1;
    const name = `place_${this.#made}`;
    const folder = join(this.#root, name);
    const box = kind === 'new-box' || kind === 'recording' ? await this.#anotherBox() : this.#box;
    await mkdir(join(folder, 'home'), { recursive: true });
    if (kind === 'project') {
      await cp(join(this.#root, 'bin'), join(folder, 'node_modules', '.bin'), { recursive: true });
    } else if (kind === 'recording') {
      for (const part of [RECORDING, `${RECORDING}.contents`])
        await cp(join(this.#root, 'recorded', part), join(folder, part), { recursive: true });
    } else if (kind !== 'nothing') {
      await cp(join(this.#root, kind === 'grpc' ? 'grpc' : 'federation'), folder, { recursive: true });
      await this.#setApart(folder, name);
      if (kind !== 'grpc') await this.#giveKey(folder, box);
    }
    return { folder, box, environment: this.#environment(folder) };
  }

  async #anotherBox(): Promise<RunningEmulator> {
    const box = await startEmulator();
    this.#others.push(box);
    return box;
  }

  /** Runs of this place are in a folder of Box, or at a port, that no other place knows. */
  async #setApart(folder: string, session: string): Promise<void> {
    const port = await freePort();
    for (const who of ['server', ...SITES]) {
      const path = join(folder, `${who}.json`);
      const text = await readFile(path, 'utf8');
      await writeFile(path, text.replace(SESSION, session).replace(GRPC_PORT, `:${port}`));
    }
  }

  async #giveKey(folder: string, { configuration }: RunningEmulator): Promise<void> {
    await writeFile(join(folder, 'box-key.json'), JSON.stringify(configuration), { mode: 0o600 });
  }

  /** A mount's session in which a run came. */
  async #record(): Promise<void> {
    const folder = join(this.#root, 'recorded');
    await cp(join(this.#root, 'federation'), folder, { recursive: true });
    await this.#do(folder, 'mila-sync mount server.json --once');
    await cp(join(folder, 'finished_run'), join(folder, ...MIRRORED, 'run'), { recursive: true });
    await this.#do(folder, `mila-sync mount server.json --once --record ${RECORDING}`);
  }

  async #installPrograms(): Promise<void> {
    await mkdir(join(this.#root, 'bin'));
    for (const name of ['mila', 'mila-sync'] as const) {
      const path = join(this.#root, 'bin', name);
      await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${builtProgram(name)}' "$@"\n`);
      await chmod(path, 0o755);
    }
  }

  #environment(home: string): NodeJS.ProcessEnv {
    const strange = Object.entries(process.env).filter(([name]) => !/^(?:XDG_|MILA_)/.test(name));
    return {
      ...Object.fromEntries(strange),
      HOME: join(home, 'home'),
      PATH: `${join(this.#root, 'bin')}:${process.env['PATH']}`,
    };
  }

  async #do(folder: string, text: string): Promise<void> {
    const line = typeLine(text, { folder, environment: this.#environment(this.#root) });
    expect(await line.ended, `${text}\n${line.said()}`).toBe(0);
  }
}

/** Paths at a place, relative to its folder, at which there is no folder and no file with something in it. */
export async function missingAt({ folder }: Shell, paths: readonly string[]): Promise<readonly string[]> {
  const isThere = (path: string) =>
    stat(join(folder, path)).then(
      (facts) => facts.isDirectory() || facts.size > 0,
      () => false,
    );
  const there = await Promise.all(paths.map(isThere));
  return paths.filter((_, index) => !there[index]);
}
