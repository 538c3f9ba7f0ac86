import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, randomBelow } from '../../src/random.ts';

/** Offsets and rates as libfaketime reads them: seconds that matter to files, hours that matter to logins. */
const FACES = ['+10s x1.001', '-10s x0.999', '+40s', '+5h x1.0005', '-3h', '+2d', '+0'] as const;
const LIBRARY_FOLDERS = ['/usr/lib', '/usr/lib64', '/usr/local/lib'];
const LIBRARY = join('faketime', 'libfaketime.so.1');

/** libfaketime's file on this system; undefined where it is not installed. */
export function fakeTimeLibrary(): string | undefined {
  const folders = LIBRARY_FOLDERS.filter(existsSync).flatMap((folder) => [
    folder,
    ...readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'))
      .map(({ name }) => join(folder, name)),
  ]);
  return folders.map((folder) => join(folder, LIBRARY)).find(existsSync);
}

/** The clock of one site's processes: apart from that of the disk and of Box, and set anew while they run. */
export class SiteClock {
  readonly #library: string;
  readonly #path: string;

  constructor(library: string, path: string) {
    this.#library = library;
    this.#path = path;
    this.set('+0');
  }

  /** What it may show. */
  draw(random: Random): string {
    return FACES[randomBelow(random, FACES.length)] ?? '+0';
  }

  /** Set it, also for processes that run. */
  set(face: string): void {
    writeFileSync(this.#path, face);
  }

  environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#path,
      FAKETIME_CACHE_DURATION: '1',
      // Timers run on the clock that nobody can set, and the disk tells the times of its own.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    };
  }
}
