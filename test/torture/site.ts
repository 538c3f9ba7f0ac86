import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type MountProcess, startMount } from '../../bench/mount-process.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import type { SiteClock } from './clocks.ts';
import type { SiteDisk } from './site-disk.ts';
import type { Writer } from './writer.ts';

/** How long a supervisor waits before it starts a mount again. */
const RESTART_MS = 500;
/** What a supervisor starts again: a directory's state and an unreachable Box pass. */
const PASSING: readonly (number | string)[] = [EXIT.state, EXIT.unreachable];

interface SiteOptions {
  readonly name: string;
  /** Where all sites' directories and configurations are. */
  readonly folder: string;
  readonly writer: Writer;
  readonly clock: SiteClock | undefined;
  readonly disk: SiteDisk | undefined;
}

/** One participant: a directory, a person who writes in it, and a mount that a supervisor starts again. */
export class Site {
  readonly name: string;
  /** The mount's directory, with the engine's own folder. */
  readonly directory: string;
  readonly root: string;
  readonly writer: Writer;
  readonly clock: SiteClock | undefined;
  readonly disk: SiteDisk | undefined;
  /** Names of the powers that are at work here. */
  readonly under = new Set<string>();
  /** Ends of the mount that nothing explains. */
  readonly faults: string[] = [];
  /** Grows when a process begins or is stopped for a while: what it should have said by now is not sure then. */
  disturbances = 0;
  readonly #folder: string;
  #mount: MountProcess | undefined;
  #isClosed = false;
  #turn: Promise<void> = Promise.resolve();

  constructor({ name, folder, writer, clock, disk }: SiteOptions) {
    this.name = name;
    this.#folder = folder;
    this.directory = join(folder, `m-${name}`);
    this.root = join(this.directory, 'shared', 'runs');
    this.writer = writer;
    this.clock = clock;
    this.disk = disk;
  }

  /** Where a person puts what another folder in the mirror's place held. */
  get aside(): string {
    return join(this.directory, 'aside');
  }

  get conflicts(): string {
    return join(this.directory, '.mila-sync', 'conflicts');
  }

  /** The mount's index, also while the disk is away. */
  get indexPath(): string {
    const own = join('.mila-sync', 'index.sqlite');
    const isOnDisk = this.disk?.path === this.directory;
    return join(isOnDisk ? this.disk.source : this.directory, own);
  }

  get pid(): number | undefined {
    return this.#mount?.pid;
  }

  isReady(): boolean {
    return this.#mount?.isReady() === true;
  }

  /** Start the first mount and wait until it is ready. */
  async open(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    await this.disk?.mount();
    await this.start({ wait: true });
  }

  /** Start a mount unless one runs. `through` starts it, such as `unshare --uts`. */
  start(how: { readonly wait?: boolean; readonly through?: readonly string[] } = {}): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#isClosed || this.#mount !== undefined) return;
      this.disturbances += 1;
      const mount = await startMount(this.#folder, {
        name: this.name,
        args: ['--profile', 'full'],
        wait: false,
        quiet: true,
        environment: this.clock?.environment() ?? {},
        ...how,
      });
      this.#mount = mount;
      void mount.ended.then((end) => this.#endedBy(mount, end));
    });
  }

  /** Kill the mount without warning, and start another. */
  async restart(afterMs = 0): Promise<void> {
    await this.kill();
    await pause(afterMs);
    await this.start();
  }

  kill(): Promise<void> {
    return this.#inTurn(async () => {
      const mount = this.#mount;
      this.#mount = undefined;
      await mount?.kill();
    });
  }

  /** Leave the present mount alone, with nobody to start it again, and give it back. */
  release(): MountProcess | undefined {
    const mount = this.#mount;
    this.#mount = undefined;
    return mount;
  }

  /** End the mount, and take the disk away. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.kill();
    await this.disk?.unmount();
  }

  async #endedBy(mount: MountProcess, how: number | string): Promise<void> {
    if (this.#mount !== mount || this.#isClosed) return;
    this.#mount = undefined;
    if (!PASSING.includes(how))
      this.faults.push(`${this.name}: the mount ended by ${how}: ${mount.complaints().slice(-600)}`);
    await pause(RESTART_MS);
    await this.start();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work, work);
    return this.#turn;
  }
}
