import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import type { Logger } from '../../logger.ts';
import type { Random } from '../../random.ts';
import { SyncEngine } from '../engine/engine.ts';
import type { Attention } from '../engine/feed-pace.ts';
import { Notices, OPEN_FILES } from '../engine/notices.ts';
import { Replica } from '../engine/replica.ts';
import type { EngineState } from '../engine/status.ts';
import type { VersionIndex } from '../index/version-index.ts';
import { tellsBirth, withoutBirth } from '../local/birth-times.ts';
import { LocalDisk } from '../local/disk.ts';
import { systemFiles } from '../local/file-system.ts';
import type { LocalTreeStore } from '../local/local-tree-store.ts';
import { MirrorRoot, type MountLayout, stateFolder } from '../local/mirror-root.ts';
import { startWatcher } from '../local/watcher.ts';
import type { Filter } from '../plan/op.ts';
import { recordKnownTrees } from '../recording/known-trees.ts';
import { RecordedDisk, recordedLocalTree } from '../recording/recorded-disk.ts';
import { RecordedStore } from '../recording/recorded-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { RemoteCallLedger, RemoteStore } from '../remote/remote-store.ts';
import { ByteRates } from './byte-rates.ts';
import { CallLedger } from './call-ledger.ts';
import type { ControlRequest, ControlSocket } from './control-socket.ts';
import type { RunningParts } from './file-requests.ts';
import { renewGeneration } from './index-generation.ts';
import { lockRefused } from './lock-texts.ts';
import { prepareRoot, refuseForeignContent } from './mirror-folder.ts';
import { assertHeld, lockMount } from './mount-lock.ts';
import { openMountSocket } from './mount-socket.ts';
import { type MountStatus, mountStatus } from './mount-status.ts';
import { obeyAboutFiles } from './obey-about-files.ts';
import { tolerateUnwritable, tolerateUnwritableLater } from './open-index.ts';
import { openOwnIndex } from './own-index.ts';
import { Pins } from './pins.ts';
import { openPrivateFolder } from './private-folder.ts';
import { adoptSelection, rememberLayout } from './remembered.ts';
import { findRemoteRoot } from './remote-root.ts';
import { type BandwidthLimits, throttledStore } from './throttled-store.ts';

export interface MountOptions {
  readonly layout: MountLayout;
  readonly participant?: string;
  /** True on the server's side: a missing folder in Box is created. */
  readonly createRoot: boolean;
  readonly openStore: (ledger: RemoteCallLedger) => Promise<RemoteStore>;
  readonly filter: Filter;
  /** What the filter is made of, as `selectionText` writes it: another text than last time is another filter. */
  readonly selection?: string;
  readonly deletionsMax?: number;
  /** True when nothing that one side lacks was meant to be deleted: it comes back from the other. */
  readonly bringBack?: boolean;
  readonly conflictCopies?: 'apart' | 'beside';
  readonly bandwidth?: BandwidthLimits;
  readonly attention?: Attention;
  /** Calls a month that the enterprise's plan allows, where somebody named them. */
  readonly monthlyApiQuota?: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Told how many entries the trees hold, where this process is the mount's own and its heap may be fitted to them. */
  readonly fitHeap?: (entries: number) => void;
  /** Records every observation and every effect of this mount. */
  readonly recorder?: Recorder;
  /** Aborted: stop in order. */
  readonly signal: AbortSignal;
  readonly onState?: (state: EngineState) => void;
  /** Told of a convenience that fails while the mount goes on, by a key of its own; undefined: that is over. */
  readonly onNotice?: (key: string, text: string | undefined) => void;
}

/** Where a mount's files of its own stand. */
export const lockPath = (layout: MountLayout) => join(stateFolder(layout), 'lock');
export const indexPath = (layout: MountLayout) => join(stateFolder(layout), 'index.sqlite');
/** The control socket; the system allows its path about a hundred bytes, so a deep mount's stands elsewhere. */
export function socketPath(layout: MountLayout): string {
  const path = join(stateFolder(layout), 'control.sock');
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX_BYTES) return path;
  return join(tmpdir(), `mila-sync-${createHash('sha256').update(path).digest('hex').slice(0, 24)}.sock`);
}

/** Where the index keeps the engine's state, for programs that read the index while the mount runs. */
export const ENGINE_STATE = 'engine_state';

/** Where the index keeps the account that the mount works in, as JSON: its id and its name. */
export const ACCOUNT = 'account';
/** The log's name in the engine's own folder. */
export const LOG_NAME = 'log.jsonl';
const SOCKET_PATH_MAX_BYTES = 100;
const LEDGER_FLUSH_MS = 5000;

/**
 * Mirror a Box folder until the signal is aborted.
 *
 * Guarantees: one mount a directory; whatever ends it, lock and socket are gone afterwards and the index is whole.
 * `onReady` is called once both sides agreed for the first time. Errors: StateError 'already-mounted' |
 * 'directory-not-empty' | 'mount-of-another' | 'root-missing' | 'lock-lost'; AuthError and TransientError from the first contact with Box.
 */
export async function runMount(
  asked: MountOptions,
  onReady: (mount: { status(): MountStatus; stop(): void }) => void,
): Promise<void> {
  const notices = new Notices((key, texts) => tellNotice(asked, key, texts));
  const onNotice = (key: string, text: string | undefined) =>
    notices.set(key, text === undefined ? [] : [text]);
  const options = { ...asked, onNotice };
  const { layout } = options;
  await refuseForeignContent(layout);
  await openPrivateFolder(stateFolder(layout)).catch((error: unknown) => {
    throw lockRefused(lockPath(layout), error);
  });
  const stop = new AbortController();
  const forward = () => stop.abort();
  const lock = await lockMount(lockPath(layout), options, forward);
  if (lock === undefined) return;
  options.signal.addEventListener('abort', forward, { once: true });
  if (options.signal.aborted) forward();
  let session: Session | undefined;
  let socket: ControlSocket | undefined;
  try {
    const index = await openOwnIndex(indexPath(layout), options);
    // Once more, for the files of an index that was made just now.
    await openPrivateFolder(stateFolder(layout));
    session = {
      options,
      index,
      ledger: new CallLedger(options.clock),
      stop,
      engine: undefined,
      running: undefined,
      rates: new ByteRates(options.clock),
      notices,
    };
    const controlled = session;
    socket = await openMountSocket(socketPath(layout), (request) => obey(request, controlled), options);
    await mirror(session, onReady);
    await assertHeld(lock);
    // A copy of the index that was made while this mount ran is an older one from now on, where the disk takes that.
    if (session.running !== undefined) await tolerateUnwritableLater(renewGeneration(layout, index, options));
  } catch (error) {
    // A lost lock explains whatever else went wrong.
    await assertHeld(lock);
    throw error;
  } finally {
    options.signal.removeEventListener('abort', forward);
    await socket?.close();
    session?.index.close();
    // The lock goes last: whoever sees it gone finds everything else at rest.
    await lock.release();
  }
}

/** A mount from its lock to its end. */
interface Session {
  readonly options: MountOptions;
  readonly index: VersionIndex;
  readonly ledger: CallLedger;
  readonly stop: AbortController;
  /** Absent until the folder in Box was found. */
  engine: SyncEngine | undefined;
  running: RunningParts | undefined;
  readonly rates: ByteRates;
  readonly notices: Notices;
}

/** Who writes which file changes all the time: that is for whoever asks for the status. */
function tellNotice({ onNotice }: MountOptions, key: string, texts: readonly string[]): void {
  if (key !== OPEN_FILES) onNotice?.(key, texts.length === 0 ? undefined : texts.join('; '));
}

async function mirror(session: Session, onReady: Parameters<typeof runMount>[1]): Promise<void> {
  const { options, index, ledger, stop } = session;
  const { layout, createRoot, clock, logger } = options;
  const opened = await options.openStore(ledger.record);
  const { recorder } = options;
  const recorded = recorder === undefined ? opened : new RecordedStore(opened, recorder, clock);
  const store = throttledStore(recorded, options.bandwidth ?? {});
  const flushing = keepFlushing(clock, () => {
    tolerateUnwritable(() => ledger.flush(index));
    session.rates.sample(session.engine?.status().bytes);
  });
  try {
    const { signal } = stop;
    const root = await findRemoteRoot({
      store,
      path: layout.rootPath,
      create: createRoot,
      clock,
      logger,
      signal,
      onAwaiting: () => enterState(session, 'awaiting-folder'),
    });
    if (root === undefined) return;
    const { id, name } = await store.account();
    tolerateUnwritable(() => index.setMeta(ACCOUNT, JSON.stringify({ id, name })));
    store.confine(root.id);
    await prepareRoot(layout, index);
    await renewGeneration(layout, index, options);
    rememberLayout(index, layout, options.participant);
    if (options.selection !== undefined) adoptSelection(index, options.filter, options.selection);
    const replica = Replica.open(index, root);
    if (options.bringBack === true) replica.forgetAgreements();
    await runEngine(session, store, replica, onReady);
  } finally {
    flushing.cancel();
    await store.close();
    tolerateUnwritable(() => ledger.flush(index));
  }
}

/** Keep the state where other programs on this machine look, and tell it. */
function enterState({ index, options }: Session, state: EngineState): void {
  tolerateUnwritable(() => index.setMeta(ENGINE_STATE, state));
  options.onState?.(state);
}

async function runEngine(
  session: Session,
  store: RemoteStore,
  replica: Replica,
  onReady: Parameters<typeof runMount>[1],
): Promise<void> {
  const { options, index, stop } = session;
  const pins = new Pins(index);
  const filter = pins.applied(options.filter);
  const onState = (state: EngineState) => enterState(session, state);
  const { disk, ...seen } = await borders(options, replica);
  const engine = new SyncEngine({
    ...options,
    ...seen,
    filter,
    store,
    replica,
    disk,
    watch: startWatcher,
    onState,
    notices: session.notices,
  });
  session.engine = engine;
  session.running = { store, replica, disk, engine, pins, filter: options.filter };
  stop.signal.addEventListener('abort', () => engine.stop(), { once: true });
  if (stop.signal.aborted) engine.stop();
  options.fitHeap?.(replica.local.size);
  let fault: { readonly error: unknown } | undefined;
  engine
    .ready()
    .then(() => {
      options.fitHeap?.(replica.local.size);
      onReady({ status: () => describe(session), stop: () => stop.abort() });
    })
    .catch((error: unknown) => {
      fault = { error };
      stop.abort();
    });
  await engine.run();
  if (fault !== undefined) throw fault.error;
}

/** The engine's way to the disk, recorded where that was asked for. */
async function borders(
  { layout, recorder }: MountOptions,
  replica: Replica,
): Promise<{ disk: LocalDisk; localStore?: LocalTreeStore }> {
  const files = (await tellsBirth(systemFiles, stateFolder(layout)))
    ? systemFiles
    : withoutBirth(systemFiles);
  const root = new MirrorRoot(layout, files);
  if (recorder === undefined) return { disk: new LocalDisk(root) };
  recordKnownTrees({ remote: replica.remote, local: replica.local, rootId: replica.remoteRoot.id }, recorder);
  return { disk: new RecordedDisk(root, recorder), localStore: recordedLocalTree(replica, root, recorder) };
}

function obey(request: ControlRequest, session: Session): unknown {
  switch (request.command) {
    case 'status':
      return describe(session);
    case 'pause':
      return session.engine?.pause();
    case 'resume':
      return session.engine?.resume();
    case 'sync':
      return session.engine?.syncNow();
    case 'stop':
      return session.stop.abort();
    default:
      return obeyAboutFiles(request, session.running, session.options);
  }
}

function describe(session: Session): MountStatus {
  const { layout, clock, monthlyApiQuota } = session.options;
  tolerateUnwritable(() => session.ledger.flush(session.index));
  return mountStatus({ ...session, layout, clock, monthlyApiQuota });
}

function keepFlushing(clock: Clock, flush: () => void): { cancel(): void } {
  let timer = clock.after(LEDGER_FLUSH_MS, function tick() {
    flush();
    timer = clock.after(LEDGER_FLUSH_MS, tick);
  });
  return { cancel: () => timer.cancel() };
}
