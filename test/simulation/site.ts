import type { Clock } from '../../src/clock.ts';
import { TransientError } from '../../src/errors.ts';
import { silentLogger } from '../../src/logger.ts';
import { type Random, randomBelow } from '../../src/random.ts';
import { SyncEngine } from '../../src/sync/engine/engine.ts';
import { Replica } from '../../src/sync/engine/replica.ts';
import { VersionIndex } from '../../src/sync/index/version-index.ts';
import { LocalDisk } from '../../src/sync/local/disk.ts';
import { MirrorRoot } from '../../src/sync/local/mirror-root.ts';
import { profileFilter } from '../../src/sync/mount/profiles.ts';
import { type MemoryFault, MemoryStore } from '../../src/sync/remote/memory-store.ts';
import type { MemoryWorld } from '../../src/sync/remote/memory-world.ts';
import type { ChangeHint, RemoteStore } from '../../src/sync/remote/remote-store.ts';
import type { RemoteFolder } from '../../src/sync/tree/entry.ts';
import type { Oracle } from './oracle.ts';
import type { SimClock } from './sim-clock.ts';
import { SimDisk, systemError } from './sim-disk.ts';
import { type Gate, SimFiles } from './sim-files.ts';
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
}

export const MIRROR = '/mount/shared';
export const CONFLICTS = '/mount/.mila-sync/conflicts';
const never = new Promise<never>(() => {});
const isFileWrite = (effect: string) => effect === 'write' || effect === 'make-folder' || effect === 'link';

/** One participant: a disk, an account in Box, and an engine that dies and is started again. */
export class Site {
  readonly name: string;
  readonly disk: SimDisk;
  weather: Weather = CALM;
  calls: string[] = [];
  /** Paths that the disk refuses to open for reading. */
  readonly unreadable = new Set<string>();
  readonly #options: SiteOptions;
  #image: Buffer | undefined;
  #olderImage: Buffer | undefined;
  #life: Life | undefined;

  constructor(options: SiteOptions) {
    this.name = options.name;
    this.#options = options;
    this.disk = new SimDisk(() => options.clock.now());
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

  /** Start the engine. `crashAt`: after so many effects it dies; Infinity: never. */
  start(crashAt: number): void {
    const { trace } = this.#options;
    trace.note(this.name, `starts${crashAt === Infinity ? '' : ` and dies after ${crashAt}`}`);
    const life = new Life(this, this.#options, this.#image, crashAt);
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

/** An engine from its start to its death. */
class Life implements Gate {
  alive = true;
  readonly engine: SyncEngine;
  readonly #site: Site;
  readonly #options: SiteOptions;
  readonly #index: VersionIndex;
  readonly #crashAt: number;
  #effects = 0;

  constructor(site: Site, options: SiteOptions, image: Buffer | undefined, crashAt: number) {
    this.#site = site;
    this.#options = options;
    this.#crashAt = crashAt;
    this.#index = VersionIndex.open(image ?? ':memory:');
    const files = new SimFiles(site.disk, this);
    const root = new MirrorRoot({ directory: '/mount', rootPath: ['shared'] }, files);
    this.engine = new SyncEngine({
      store: this.#store(),
      replica: Replica.open(this.#index, options.folder),
      disk: new LocalDisk(root),
      watch: async ({ onHint }) => {
        site.disk.onChange = (path) => this.#hint(path, onHint);
        return { close: async () => {} };
      },
      filter: profileFilter({ kind: 'full' }),
      clock: this.#clock(),
      random: options.random,
      logger: silentLogger,
    });
  }

  run(): Promise<void> {
    return this.engine.run();
  }

  /** End it. Returns the index as it stands. */
  end(): Buffer {
    this.alive = false;
    this.#site.disk.onChange = () => {};
    const image = this.#index.image();
    this.engine.stop();
    return image;
  }

  async pass(moment: 'before' | 'after', effect: string, subject: string): Promise<void> {
    if (!this.alive) return never;
    this.#effects += 1;
    if (this.#effects >= this.#crashAt) {
      this.#options.trace.note(this.#site.name, `dies ${moment} ${effect} ${subject}`);
      if (this.#options.random.next() < 0.5) this.#site.kill();
      else this.#site.cutPower();
      return never;
    }
    if (moment === 'after') {
      if (effect === 'rename' || effect === 'link')
        this.#options.oracle.lookAt(this.#site.name, this.#site.disk);
      return;
    }
    if (effect === 'open' && this.#site.unreadable.has(subject)) throw systemError('EACCES', subject);
    if (this.#options.random.next() < this.#site.weather.diskFails) {
      const code = isFileWrite(effect) && this.#options.random.next() < 0.5 ? 'ENOSPC' : 'EIO';
      this.#options.trace.note(this.#site.name, `${code} at ${effect} ${subject}`);
      throw systemError(code, subject);
    }
  }

  #hint(path: string, onHint: (path: string) => void): void {
    const { clock, random } = this.#options;
    if (random.next() < this.#site.weather.hintLost) return;
    clock.after(randomBelow(random, 50), () => {
      if (this.alive) onHint(path);
    });
  }

  /** Nothing that a dead engine waits for ever comes. */
  #clock(): Clock {
    const { clock } = this.#options;
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, callback) => clock.after(delayMs, () => void (this.alive && callback())),
    };
  }

  #store(): RemoteStore {
    const { world, trace, random } = this.#options;
    const { name } = this.#site;
    const store = new MemoryStore({
      clock: this.#clock(),
      world,
      user: { id: name, name },
      eventDelayMs: randomBelow(random, 1500),
      fault: ({ operation, id, name: itemName }) => {
        if (operation !== 'waitForChange') {
          this.#site.calls.push(operation);
          trace.note(name, `${operation} ${id ?? ''} ${itemName ?? ''}`);
        }
        return this.#fault(operation);
      },
      readsShort: () => this.#site.weather.callFails > 0 && random.next() < 0.3,
      disturbHints: (hints) => this.#disturb(hints),
    });
    return gated(store, this);
  }

  #fault(operation: string): MemoryFault | undefined {
    const { random } = this.#options;
    const { callFails, answerLost, callSlow, downloadBreaks } = this.#site.weather;
    const luck = random.next();
    const error = new TransientError({ code: 'simulated', message: 'the simulated network failed' });
    if (luck < callFails) return { kind: 'fail', error };
    if (luck < callFails + answerLost)
      return {
        kind: 'lose-answer',
        error: new TransientError({ code: 'simulated', message: 'the answer was lost', effectUnknown: true }),
      };
    if (luck < callFails + answerLost + callSlow)
      return { kind: 'delay', delayMs: randomBelow(random, 20_000) };
    if (operation === 'download' && random.next() < downloadBreaks)
      return random.next() < 0.7
        ? { kind: 'break', afterBytes: randomBelow(random, 200), error }
        : { kind: 'corrupt', atByte: randomBelow(random, 200) };
    return undefined;
  }

  #disturb(hints: readonly ChangeHint[]): readonly ChangeHint[] {
    const { random } = this.#options;
    const { eventLost, callFails } = this.#site.weather;
    if (callFails === 0 && eventLost === 0) return hints;
    const kept = hints.filter(() => random.next() >= eventLost);
    const doubled = kept.flatMap((hint) => (random.next() < 0.1 ? [hint, hint] : [hint]));
    return random.next() < 0.2 ? doubled.toReversed() : doubled;
  }
}

/** A store whose every call passes the gate before and after. */
function gated(store: MemoryStore, gate: Gate): RemoteStore {
  return new Proxy(store, {
    get(target, key) {
      const member = Reflect.get(target, key, target) as unknown;
      if (typeof member !== 'function' || key === 'waitForChange' || key === 'close') {
        return typeof member === 'function' ? member.bind(target) : member;
      }
      return async (...args: unknown[]) => {
        await gate.pass('before', `call ${String(key)}`, '');
        const result: unknown = await member.apply(target, args);
        await gate.pass('after', `call ${String(key)}`, '');
        return result;
      };
    },
  });
}
