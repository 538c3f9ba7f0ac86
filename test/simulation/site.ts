import type { Random } from '../../src/random.ts';
import type { SyncEngine } from '../../src/sync/engine/engine.ts';
import type { MemoryWorld } from '../../src/sync/remote/memory-world.ts';
import type { RemoteFolder } from '../../src/sync/tree/entry.ts';
import { Life } from './life.ts';
import type { Oracle } from './oracle.ts';
import { MIRROR, STATE } from './places.ts';
import type { SimClock } from './sim-clock.ts';
import { type DiskNode, SimDisk } from './sim-disk.ts';
import type { Trace } from './trace.ts';

/** How bad the world is, each a probability for one occasion. */
export interface Weather {
  readonly callFails: number;
  readonly answerLost: number;
  readonly callSlow: number;
  readonly downloadBreaks: number;
  readonly diskFails: number;
  readonly hintLost: number;
  readonly eventLost: number;
}

export const CALM: Weather = {
  callFails: 0,
  answerLost: 0,
  callSlow: 0,
  downloadBreaks: 0,
  diskFails: 0,
  hintLost: 0,
  eventLost: 0,
};

export interface SiteOptions {
  readonly name: string;
  readonly clock: SimClock;
  readonly random: Random;
  readonly world: MemoryWorld;
  readonly folder: RemoteFolder;
  readonly oracle: Oracle;
  readonly trace: Trace;
  /** All sites of this world; this one may be among them. */
  readonly sites: readonly Site[];
}

/** How a site's clocks differ from Box's. */
export interface Clocks {
  processOffsetMs: number;
  diskOffsetMs: number;
  /** The process's clock gains this share of the time. */
  drift: number;
}

/** What lasts at a site until it ends. */
export interface Troubles {
  realtimeBlocked: boolean;
  mayNotWrite: boolean;
  listingsLie: boolean;
  indexFull: boolean;
}

/** What a person says when mounting: that held deletions are meant, or that what is missing is to come back. */
export type Decision = 'none' | 'let-through' | 'bring-back';

/** One participant: a disk, an account in Box, and an engine that dies and is started again. */
export class Site {
  readonly name: string;
  readonly disk: SimDisk;
  weather: Weather = CALM;
  calls: string[] = [];
  /** Paths that the disk refuses to open for reading. */
  readonly unreadable = new Set<string>();
  readonly clocks: Clocks = { processOffsetMs: 0, diskOffsetMs: 0, drift: 0 };
  readonly troubles: Troubles = {
    realtimeBlocked: false,
    mayNotWrite: false,
    listingsLie: false,
    indexFull: false,
  };
  /** Folders of disks that are not mounted now. */
  readonly drawer: DiskNode[] = [];
  /** True while a folder is not the one that it was. */
  isTampered = false;
  wasEmptied = false;
  /** True once signs could not be waited for: waiting is tried again rarely, and until then the feed is read on a timer. */
  wasBlocked = false;
  /** True once listings left out what is there: nothing but another look at everything tells. */
  wasLiedTo = false;
  stateWasRemoved = false;
  readonly #options: SiteOptions;
  #image: Buffer | undefined;
  #olderImage: Buffer | undefined;
  #life: Life | undefined;

  constructor(options: SiteOptions) {
    this.name = options.name;
    this.#options = options;
    this.disk = new SimDisk(() => Math.max(0, options.clock.now() + this.clocks.diskOffsetMs));
    this.disk.makeFolders(MIRROR);
    this.disk.makeFolders('/mount/.mila-sync');
    this.disk.sync();
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  get engine(): SyncEngine | undefined {
    return this.#life?.engine;
  }

  /** True when it does not come to an agreement by itself: somebody must look at it. */
  get needsPerson(): boolean {
    const life = this.#life;
    if (life === undefined || life.crashAt < Infinity) return true;
    const { held, state, problems } = life.engine.status();
    if (problems.some(({ reason }) => reason === 'another-disk')) return true;
    return held !== null || state === 'root-replaced' || state === 'root-missing';
  }

  /** Start the engine. `crashAt`: after so many effects it dies; Infinity: never. */
  start(crashAt: number, decision: Decision = 'none'): void {
    const { trace } = this.#options;
    if (this.stateWasRemoved) {
      this.stateWasRemoved = false;
      this.loseIndex();
    }
    this.disk.makeFolders(STATE);
    const said = decision === 'none' ? '' : `, ${decision}`;
    trace.note(this.name, `starts${crashAt === Infinity ? '' : ` and dies after ${crashAt}`}${said}`);
    const life = new Life(this, this.#options, this.#image, { crashAt, decision });
    this.#life = life;
    life.run().catch((error: unknown) => {
      if (life.alive)
        this.#options.oracle.fault(
          `${this.name}: the engine ended: ${String(error instanceof Error ? error.stack : error)}`,
        );
    });
  }

  /** The engine vanishes between two instructions; what the disk and the index hold stays. */
  kill(): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#olderImage = this.#image;
    this.#image = life.end();
    this.#life = undefined;
    this.#options.trace.note(this.name, 'is killed');
  }

  /** As `kill`, and some of what was not synced is lost. */
  cutPower(): void {
    const { random, oracle, trace } = this.#options;
    if (this.#life !== undefined) this.kill();
    const before = oracle.contentsOn(this.disk);
    this.disk.cutPower(random);
    oracle.powerWasCut(this.name, this.disk, before);
    trace.note(this.name, 'loses power');
  }

  loseIndex(): void {
    this.#image = undefined;
    this.#options.oracle.indexWasLost(this.name);
    this.#options.trace.note(this.name, 'loses its index');
  }

  rollIndexBack(): void {
    this.#image = this.#olderImage ?? this.#image;
    this.#options.oracle.indexWasLost(this.name);
    this.#options.trace.note(this.name, 'gets an older index back');
  }
}
