import type { Clock } from '../../clock.ts';
import { delay } from '../../clock.ts';
import { ConfigError, StaleError } from '../../errors.ts';
import { didYouMean } from '../../nearest-name.ts';
import type { TrainedUpdate } from '../round/client-state.ts';
import type { FederationEvent } from '../round/event.ts';
import { unixSecondsText } from '../round/protocol-texts.ts';
import { AGGREGATE_FILE, isRunFolderName, runPaths, TASK_FILE } from '../round/run-folder.ts';
import type { ForeignFile } from '../round/server-ownership.ts';
import { foreignFileEvent } from '../round/server-ownership.ts';
import { beatPeriodMs } from './beat-period.ts';
import { createClientObserver } from './client-observer.ts';
import type { ClientSession, ClientTransport, Delivery, HeldAggregate } from './client-transport.ts';
import { OwnedFiles } from './owned-files.ts';
import { publishFile } from './publish.ts';
import type { RunChoice, VisibleRun } from './run-choice.ts';
import { findNewestRun } from './run-choice.ts';
import { parseServerWord, readServerSettings, SIDE_FILE_MAX_BYTES, writeSideFile } from './side-file.ts';
import type { Workdir } from './workdir.ts';

/** The longest task configuration that is read. Units: bytes. */
const TASK_MAX_BYTES = 16_777_216;
/** How often the way of an update to the others is looked at. Units: milliseconds. */
const DELIVERY_POLL_MS = 100;

interface FolderClientOptions {
  readonly workdir: Workdir;
  readonly name: string;
  readonly clock: Clock;
  /** Null leaves it to the server. */
  readonly heartbeatFrequencyMs: number | null;
  /** The account that this site takes for its server's, by name or id; null takes the one that made the run. */
  readonly serverAccount?: string | null;
  readonly onEvent?: (event: FederationEvent) => void;
}

async function namedRun(workdir: Workdir, run: string): Promise<VisibleRun | undefined> {
  const names = (await workdir.list(run)).map(({ name }) => name);
  return names.includes(TASK_FILE) ? { name: run, ended: false } : undefined;
}

async function runNames(workdir: Workdir): Promise<readonly string[]> {
  return (await workdir.list('')).map(({ name }) => name).filter(isRunFolderName);
}

function joinFolder(options: FolderClientOptions, run: string): ClientSession {
  const { workdir, name, clock } = options;
  const files = new OwnedFiles(workdir, run, options.serverAccount ?? null);
  const choice = () => choiceOf(options);
  const observer = createClientObserver(workdir, run, name, { files, choice, clock });
  return {
    folder: workdir.absolutePath(run),
    connected: () => workdir.connected(),
    trouble: () => workdir.trouble?.() ?? null,
    async observe(look) {
      if (!look.admitted) await assertHeartbeat(options, files, run);
      return observer.observe(look);
    },
    claim: (layout) => workdir.write(runPaths.authentication(run, layout, name), ''),
    beat: () => workdir.write(runPaths.heartbeat(run, name), unixSecondsText(clock.now())),
    async beatPeriodMs() {
      const settings = await readServerSettings(files, runPaths.settings(run));
      const timeoutSeconds = settings?.heartbeat_timeout ?? null;
      return beatPeriodMs({ configuredMs: options.heartbeatFrequencyMs, timeoutSeconds, isCounted: true });
    },
    readTask: () => files.read(runPaths.task(run), TASK_MAX_BYTES),
    aggregatePath: (round) => workdir.absolutePath(runPaths.aggregate(run, round)),
    aggregate: (round) => heldAggregate(workdir, files, { run, round }),
    publish: (update, delivery) => publish(options, run, update, delivery),
    reportFailure: (round, message) =>
      workdir.write(
        runPaths.failed(run, round, name),
        `${JSON.stringify({ round, participant: name, message }, undefined, 1)}\n`,
      ),
    close: async () => {},
  };
}

/** Errors: StaleError 'aggregate-missing' while it is not here. */
async function heldAggregate(
  workdir: Workdir,
  files: OwnedFiles,
  { run, round }: { readonly run: string; readonly round: number },
): Promise<HeldAggregate> {
  const folder = runPaths.round(run, round);
  const found = (await workdir.list(folder)).filter(({ name }) => name === AGGREGATE_FILE);
  const [entry] = await files.own(folder, found);
  if (entry?.present !== true) throw new StaleError({ code: 'aggregate-missing', message: 'it is not here' });
  const word = await files.read(runPaths.serverMeta(run, round), SIDE_FILE_MAX_BYTES);
  const { sha256 } = parseServerWord(word);
  return { path: workdir.absolutePath(runPaths.aggregate(run, round)), version: entry.version, sha256 };
}

/** Errors: ConfigError 'heartbeat-too-slow' when the server would count this client as lost between two beats. */
async function assertHeartbeat(
  { heartbeatFrequencyMs }: FolderClientOptions,
  files: OwnedFiles,
  run: string,
): Promise<void> {
  if (heartbeatFrequencyMs === null) return;
  const settings = await readServerSettings(files, runPaths.settings(run));
  if (settings === undefined || heartbeatFrequencyMs / 1000 < settings.heartbeat_timeout) return;
  throw new ConfigError({
    code: 'heartbeat-too-slow',
    message: `heartbeat_frequency is ${heartbeatFrequencyMs / 1000} s, but the server counts a client as lost after ${settings.heartbeat_timeout} s of silence`,
    hint: `Set heartbeat_frequency to ${Math.max(1, Math.floor(settings.heartbeat_timeout / 3))} or less.`,
  });
}

async function publish(
  { workdir, name, clock }: FolderClientOptions,
  run: string,
  update: TrainedUpdate,
  delivery: Delivery,
): Promise<void> {
  const { round, sha256, sizeBytes, samples, metrics, startSha256, seconds, checkpointPath } = update;
  // The side file first: whoever sees the checkpoint can read what it is.
  await writeSideFile(workdir, runPaths.updateMeta(run, round, name), {
    round,
    participant: name,
    samples,
    metrics,
    sha256,
    size_bytes: sizeBytes,
    start_sha256: startSha256,
    seconds,
    ...delivery.account,
  });
  const path = runPaths.update(run, round, name);
  await publishFile(workdir, path, checkpointPath);
  await awaitDelivery(workdir, clock, path, delivery);
}

/** The folder is this machine's: the update is delivered once the others can see it. */
async function awaitDelivery(
  workdir: Workdir,
  clock: Clock,
  path: string,
  { signal, onProgress }: Delivery,
): Promise<void> {
  if (workdir.delivery === undefined) return;
  let told = -1;
  while (!signal.aborted) {
    const fraction = await workdir.delivery(path);
    if (fraction >= 1) return;
    if (fraction > told) onProgress(fraction);
    told = Math.max(told, fraction);
    await delay(clock, DELIVERY_POLL_MS, signal);
  }
}

function choiceOf({ clock, serverAccount = null }: FolderClientOptions): RunChoice {
  return { nowMs: clock.now(), named: serverAccount };
}

/** Take part over a shared folder: the run's files are all that client and server have in common. */
export function folderClientTransport(options: FolderClientOptions): ClientTransport {
  const { workdir } = options;
  const told = new Set<string>();
  const onForeign = (file: ForeignFile) => {
    if (told.has(file.path)) return;
    told.add(file.path);
    options.onEvent?.(foreignFileEvent(file, 'is no run of the server and is ignored'));
  };
  return {
    async findRun({ run, wasPartOf }) {
      const choice = { ...choiceOf(options), onForeign };
      const found = run === null ? await findNewestRun(workdir, choice) : await namedRun(workdir, run);
      if (found !== undefined && (!found.ended || (await wasPartOf(found.name)))) return { run: found.name };
      if (!workdir.connected()) return { unreachable: workdir.trouble?.() ?? null };
      if (found !== undefined) return { awaited: `run ${found.name} has ended; waiting for a new one` };
      const near = run === null ? '' : didYouMean(run, await runNames(workdir));
      const which = run === null ? 'a run' : `run ${run}`;
      return { awaited: `waiting for ${which} in ${workdir.description}${near}` };
    },
    watch: (onHint) => workdir.watch(onHint),
    join: (run) => joinFolder(options, run),
  };
}
