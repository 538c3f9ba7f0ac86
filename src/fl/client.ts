import { AuthError, ConfigError, CorruptError, messageOf, RoundError } from '../errors.ts';
import { ClientLoop } from './client-loop.ts';
import type { ParticipationOptions } from './participation.ts';
import type { ClientEnding, ClientState } from './round/client-state.ts';
import { newClientState, resumedClientState } from './round/client-state.ts';
import type { FederationEvent } from './round/event.ts';
import { CLIENT_RECORD } from './round/record-schema.ts';
import { copyModel as copyCheckedModel } from './torch/clean-copy.ts';
import { createAnnouncer } from './transport/announcer.ts';
import { isExpected } from './transport/background.ts';
import { resultsFolder, stateFilePath } from './transport/client-results.ts';
import type { ClientSession } from './transport/client-transport.ts';
import { takeFinalModel } from './transport/final-model.ts';
import { folderClientTransport } from './transport/folder-client.ts';
import { History } from './transport/history.ts';
import { Lives } from './transport/lives.ts';
import { loadState } from './transport/state-file.ts';
import type { Wake } from './transport/wake.ts';
import { createWake, LOOK_INTERVAL_MAX_MS, pauseAfter } from './transport/wake.ts';
import type { Workdir } from './transport/workdir.ts';

/** As `ParticipationOptions`, over a shared folder. */
export interface FederationClientOptions extends Omit<ParticipationOptions, 'transport'> {
  readonly workdir: Workdir;
  /** The account that this site takes for its server's, by name or id; null takes the one that made the run. */
  readonly serverAccount?: string | null;
}

/** How taking part ended. */
export interface ClientOutcome {
  /** Null when no run was found before the client was told to leave. */
  readonly run: string | null;
  /** Null when the client was told to leave. */
  readonly ending: ClientEnding | null;
  /** The final model as this client keeps it; null when there is none. */
  readonly finalModel: string | null;
}

/** Wait for a run to take part in; undefined when told to leave. */
async function awaitRun(options: ParticipationOptions, wake: Wake): Promise<string | undefined> {
  const { signal, onEvent, logger, transport, clock } = options;
  const wish = { run: options.run, wasPartOf: (run: string) => wasPartOf(options, run) };
  const say = createAnnouncer(clock, onEvent);
  while (!signal.aborted) {
    try {
      const found = await transport.findRun(wish);
      if ('run' in found) return found.run;
      if ('unreachable' in found) say.disconnected(found.unreachable);
      else say.awaited({ what: 'run', participants: [], untilMs: null, message: found.awaited });
    } catch (error) {
      // A damaged state file stays damaged, and a refused certificate refused, until a person mends it.
      if (!isExpected(error) || error instanceof CorruptError || error instanceof AuthError) throw error;
      logger.error({ error: messageOf(error) }, 'The shared folder could not be looked at; trying again.');
      say.trouble(`${messageOf(error)}; trying again`);
    }
    await wake.sleep(pauseAfter(0), LOOK_INTERVAL_MAX_MS, signal);
  }
  return undefined;
}

/** Whether this client was in the middle of a run when it was stopped: then its end concerns it. */
async function wasPartOf(options: ParticipationOptions, run: string): Promise<boolean> {
  const record = await loadState(stateFilePath(options, run), CLIENT_RECORD);
  return record?.admitted === true && !record.over;
}

/**
 * Take part in a federation until its run ends, or until told to leave.
 *
 * Guarantees: a killed client's next start goes on in the same run, and trains nothing again whose checkpoint exists.
 * Errors: RoundError 'refused' | 'cut-off' | 'stopped' | 'training-failed' when it ended without success.
 */
export async function takePart(options: ParticipationOptions): Promise<ClientOutcome> {
  const { clock, transport, name, signal } = options;
  const wake = createWake(clock);
  const watch = await transport.watch(() => wake.hint());
  try {
    while (!signal.aborted) {
      const run = await awaitRun(options, wake);
      if (run === undefined) break;
      const record = await loadState(stateFilePath(options, run), CLIENT_RECORD);
      const state = record === undefined ? newClientState(run, name) : resumedClientState(record);
      const { ending, finalModel } = await takePartIn(options, wake, state);
      if (ending?.kind === 'moved') continue;
      return { run, ending, finalModel };
    }
    return { run: null, ending: null, finalModel: null };
  } finally {
    await watch.close();
  }
}

/** As `takePart`, over a shared folder. */
export function runFederationClient(options: FederationClientOptions): Promise<ClientOutcome> {
  return takePart({ ...options, transport: folderClientTransport(options) });
}

type Ended = Omit<ClientOutcome, 'run'>;

/** One run with its history. Errors: as `reportEnding`. */
async function takePartIn(options: ParticipationOptions, wake: Wake, state: ClientState): Promise<Ended> {
  const { run } = state.record;
  const history = new History({ ...options, folder: resultsFolder(options, run) });
  const onEvent = (event: FederationEvent): void => {
    history.record(event);
    options.onEvent(event);
  };
  const session = options.transport.join(run);
  onEvent({ event: 'run-joined', run, folder: session.folder });
  try {
    const ended = await inSession(session, async () => {
      const lives = await Lives.open(resultsFolder(options, run), options.clock);
      const loop = new ClientLoop({ ...options, lives, onEvent }, wake, state, session);
      const ending = await loop.run();
      const finalModel = await finalModelOf({ ...options, onEvent }, run, session, ending);
      // Told to leave before the model was here: the next start takes it.
      if (ending?.finalRound != null && finalModel === null && options.signal.aborted)
        return { ending: null, finalModel: null };
      await loop.settle();
      return { ending, finalModel };
    });
    if (ended.ending !== null && ended.ending.kind !== 'moved')
      reportEnding(onEvent, ended.ending, ended.finalModel);
    return ended;
  } finally {
    await history.close();
  }
}

async function finalModelOf(
  options: ParticipationOptions,
  run: string,
  session: ClientSession,
  ending: ClientEnding | null,
): Promise<string | null> {
  if (ending === null || ending.finalRound === null) return null;
  const { copyModel = copyCheckedModel, settings, onEvent } = options;
  const results = resultsFolder(options, run);
  const onTrouble = (message: string) => onEvent({ event: 'trouble', message });
  const waitMs = settings.finalModelWaitMs;
  return takeFinalModel({ ...options, session, results, copyModel, waitMs, onTrouble }, ending.finalRound);
}

/** Whatever comes of the work, the session is closed after it, and the server learns whether anybody comes back. */
async function inSession(session: ClientSession, work: () => Promise<Ended>): Promise<Ended> {
  let ending: ClientEnding | null = null;
  try {
    const ended = await work();
    ending = ended.ending;
    return ended;
  } finally {
    await session.close(ending !== null && ending.kind !== 'failed' && ending.kind !== 'misconfigured');
  }
}

function reportEnding(
  onEvent: ParticipationOptions['onEvent'],
  ending: ClientEnding,
  finalModel: string | null,
): void {
  const success = ending.kind === 'finished';
  onEvent({ event: 'ended', reason: ending.kind, success, message: ending.message, final_model: finalModel });
  if (ending.kind === 'misconfigured') throw new ConfigError({ code: ending.kind, message: ending.message });
  if (!success) throw new RoundError({ code: ending.kind, message: ending.message });
}
