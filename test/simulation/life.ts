import type { Clock } from '../../src/clock.ts';
import { FullError, RejectedError, TransientError } from '../../src/errors.ts';
import { silentLogger } from '../../src/logger.ts';
import { randomBelow } from '../../src/random.ts';
import { SyncEngine } from '../../src/sync/engine/engine.ts';
import { Replica } from '../../src/sync/engine/replica.ts';
import { VersionIndex } from '../../src/sync/index/version-index.ts';
import { LocalDisk } from '../../src/sync/local/disk.ts';
import { MirrorRoot } from '../../src/sync/local/mirror-root.ts';
import { profileFilter } from '../../src/sync/mount/profiles.ts';
import type { MemoryFault } from '../../src/sync/remote/memory-faults.ts';
import { MemoryStore } from '../../src/sync/remote/memory-store.ts';
import type { MemoryWorld } from '../../src/sync/remote/memory-world.ts';
import type { ChangeHint, RemoteStore, Removal } from '../../src/sync/remote/remote-store.ts';
import type { RemoteEntry } from '../../src/sync/tree/entry.ts';
import { MIRROR } from './places.ts';
import { contentsIn, systemError } from './sim-disk.ts';
import { type Gate, SimFiles } from './sim-files.ts';
import type { Decision, Site, SiteOptions } from './site.ts';

const never = new Promise<never>(() => {});
const isFileWrite = (effect: string) => effect === 'write' || effect === 'make-folder' || effect === 'link';

/** An engine from its start to its death. */
export class Life implements Gate {
  alive = true;
  readonly engine: SyncEngine;
  readonly #site: Site;
  readonly #options: SiteOptions;
  readonly #index: VersionIndex;
  readonly crashAt: number;
  #isRunning = false;
  #effects = 0;

  constructor(
    site: Site,
    options: SiteOptions,
    image: Buffer | undefined,
    { crashAt, decision }: { readonly crashAt: number; readonly decision: Decision },
  ) {
    this.#site = site;
    this.#options = options;
    this.crashAt = crashAt;
    this.#index = VersionIndex.open(image ?? ':memory:');
    this.#mayRunFull(this.#index);
    const replica = Replica.open(this.#index, options.folder);
    if (decision === 'bring-back') replica.forgetAgreements();
    const files = new SimFiles(site.disk, this);
    const root = new MirrorRoot({ directory: '/mount', rootPath: ['shared'] }, files);
    this.engine = new SyncEngine({
      store: this.#store(),
      replica,
      ...(decision === 'let-through' ? { deletionsMax: Number.POSITIVE_INFINITY } : {}),
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
    this.#isRunning = true;
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
    if (this.#effects >= this.crashAt) {
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
      this.#hides(effect, subject);
      throw systemError(code, subject);
    }
  }

  /** A file that moved and that the disk then refuses to show counts as deleted where it was. */
  #hides(effect: string, path: string): void {
    const node = effect === 'facts' ? this.#site.disk.find(path) : undefined;
    if (node?.kind === 'file') this.#options.oracle.givesUp([node.bytes.toString()]);
  }

  /**
   * What the engine takes from the mirror was deleted by somebody, or stands in Box or at another site, be it on a disk
   * that is not mounted there just now, or where a person put it: whether that site was right to take it out of Box was judged then.
   */
  removes(path: string): void {
    const { oracle, world, sites } = this.#options;
    const node = this.#site.disk.find(path);
    if (!path.startsWith(`${MIRROR}/`) || node?.kind !== 'file') return;
    const content = node.bytes.toString();
    const standing = (site: Site) =>
      site === this.#site
        ? contentsAt(site, path)
        : new Set([...oracle.contentsOn(site.disk), ...site.drawer.flatMap(contentsIn)]);
    oracle.engineTakesAway(this.#site.name, `on its disk at ${path}`, content, () =>
      [liveContents(world), ...sites.map(standing)].some((contents) => contents.has(content)),
    );
  }

  /**
   * What the engine takes out of Box was deleted by somebody, or stands on its own disk; where that disk was unmounted
   * since, it stands in Box, too, where it was moved to.
   */
  #judgeTrashing({ id, etag }: Removal): void {
    const { oracle, world } = this.#options;
    // Box refuses what was decided on an older state.
    if (String(world.find(id, this.#site.name)?.etag) !== etag) return;
    // A folder goes with what the listing right before left out, which is in Box's trash then.
    if (this.#site.wasLiedTo && world.find(id, this.#site.name)?.kind === 'folder')
      oracle.givesUp(contentsBelow(world, id));
    const unmounted = new Set(this.#site.drawer.flatMap(contentsIn));
    const others = liveContents(world, id);
    for (const content of contentsBelow(world, id))
      oracle.engineTakesAway(
        this.#site.name,
        'in Box',
        content,
        () => contentsAt(this.#site).has(content) || (unmounted.has(content) && others.has(content)),
      );
  }

  /** A disk that has no room for the index. */
  #mayRunFull(index: VersionIndex): void {
    const transaction = index.transaction.bind(index);
    index.transaction = (work) => {
      if (this.#isRunning && this.alive && this.#site.troubles.indexFull)
        throw new FullError({ code: 'disk-full', message: 'the simulated index has no room' });
      return transaction(work);
    };
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
      now: () => {
        const { processOffsetMs, drift } = this.#site.clocks;
        return Math.floor(clock.now() + processOffsetMs + drift * clock.monotonic());
      },
      monotonic: () => clock.monotonic(),
      after: (delayMs, callback) => clock.after(delayMs, () => void (this.alive && callback())),
    };
  }

  #store(): RemoteStore {
    const { world, trace, random, clock } = this.#options;
    const { name } = this.#site;
    const alive: Clock = { ...this.#clock(), now: () => clock.now() };
    const store = new MemoryStore({
      // Box has a clock of its own.
      clock: alive,
      world,
      user: { id: name, name },
      eventDelayMs: randomBelow(random, 1500),
      fault: ({ operation, id, name: itemName }) => {
        if (operation !== 'waitForChange') {
          this.#site.calls.push(operation);
          trace.note(name, `${operation} ${id ?? ''} ${itemName ?? ''}`);
        }
        return this.#refusal(operation) ?? this.#fault(operation);
      },
      readsShort: () => this.#site.weather.callFails > 0 && random.next() < 0.3,
      disturbHints: (hints) => this.#disturb(hints),
    });
    return gated(store, this, {
      beforeRemove: (removal) => this.#judgeTrashing(removal),
      listed: (entries) =>
        this.#site.troubles.listingsLie && random.next() < 0.5
          ? entries.filter(() => random.next() < 0.7)
          : entries,
    });
  }

  /** What is refused as long as it lasts. */
  #refusal(operation: string): MemoryFault | undefined {
    const { mayNotWrite, realtimeBlocked } = this.#site.troubles;
    if (realtimeBlocked && operation === 'waitForChange')
      return {
        kind: 'fail',
        error: new TransientError({ code: 'realtime-unreachable', message: 'blocked' }),
      };
    if (mayNotWrite && WRITES.has(operation))
      return { kind: 'fail', error: new RejectedError({ code: 'no-permission', message: 'no editor' }) };
    return undefined;
  }

  #fault(operation: string): MemoryFault | undefined {
    const { random } = this.#options;
    // Waiting for signs is blocked for a while, or not at all: see the powers.
    if (operation === 'waitForChange') return undefined;
    const { callFails, answerLost, callSlow, downloadBreaks } = this.#site.weather;
    const luck = random.next();
    const error = new TransientError({ code: 'simulated', message: 'the simulated network failed' });
    if (luck < callFails) return { kind: 'fail', error };
    if (luck < callFails + answerLost)
      return {
        kind: 'lose-answer',
        error: new TransientError({ code: 'simulated', message: 'the answer was lost', effectUnknown: true }),
      };
    // What comes into a folder while Box deletes it goes to the trash with it, and no engine can help it.
    if (luck < callFails + answerLost + callSlow && operation !== 'remove')
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

const WRITES: ReadonlySet<string> = new Set([
  'upload',
  'uploadVersion',
  'createFolder',
  'relocate',
  'remove',
]);

/** The present contents of a folder or file in Box, as far as nothing of it is in the trash, without those of `but`. */
function contentsBelow(world: MemoryWorld, id: string, but?: string): string[] {
  const found: string[] = [];
  for (const item of world.all()) {
    if (item.trashed || item.id === but) continue;
    if (item.id === id && item.kind === 'file')
      found.push(Buffer.from(item.versions.at(-1)?.bytes ?? []).toString());
    if (item.parentId === id) found.push(...contentsBelow(world, item.id, but));
  }
  return found;
}

/** What a site shows, or keeps of a conflict; not what lies on a disk that is not mounted. */
function contentsAt({ disk }: Site, but?: string): Set<string> {
  const found = new Set<string>();
  for (const [path, node] of disk.walk('/mount'))
    if (node.kind === 'file' && path !== but && !path.includes('/staging/') && !path.includes('/former-'))
      found.add(node.bytes.toString());
  return found;
}

/** Every content that stands in Box outside the trash, without those of `but`. */
function liveContents(world: MemoryWorld, but?: string): Set<string> {
  return new Set(contentsBelow(world, '0', but));
}

interface Between {
  readonly beforeRemove: (removal: Removal) => void;
  readonly listed: (entries: readonly RemoteEntry[]) => readonly RemoteEntry[];
}

/** A store whose every call passes the gate before and after. */
function gated(store: MemoryStore, gate: Gate, between: Between): RemoteStore {
  return new Proxy(store, {
    get(target, key) {
      const member = Reflect.get(target, key, target) as unknown;
      if (typeof member !== 'function' || key === 'waitForChange' || key === 'close') {
        return typeof member === 'function' ? member.bind(target) : member;
      }
      return async (...args: unknown[]) => {
        await gate.pass('before', `call ${String(key)}`, '');
        if (key === 'remove') between.beforeRemove(args[0] as Removal);
        const result: unknown = await member.apply(target, args);
        await gate.pass('after', `call ${String(key)}`, '');
        return key === 'list' && result !== undefined ? between.listed(result as RemoteEntry[]) : result;
      };
    },
  });
}
