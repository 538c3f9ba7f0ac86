import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../atomic-file.ts';
import type { Clock } from '../../clock.ts';
import { ConfigError, CorruptError, MilaError, messageOf, RoundError, StaleError } from '../../errors.ts';
import { participantId } from '../../ids.ts';
import { unreachable } from '../../invariant.ts';
import type { Random } from '../../random.ts';
import { randomBelow } from '../../random.ts';
import type { AggregationInput, AggregationReport, Aggregator } from '../aggregate/aggregator.ts';
import type { FederationEvent } from '../round/event.ts';
import { authenticatedText, endedText, lostText } from '../round/protocol-texts.ts';
import { runPaths } from '../round/run-folder.ts';
import type { ServerAction } from '../round/server-action.ts';
import type { ServerResult } from '../round/server-observation.ts';
import type { ServerRecord } from '../round/server-state.ts';
import type { Background } from './background.ts';
import { CheckJournal, DEATHS_MAX } from './check-journal.ts';
import type { Lives } from './lives.ts';
import { meanMetrics } from './mean-metrics.ts';
import { roundAccountPath } from './missed-rounds.ts';
import { checkedFacts, digestOf } from './publish.ts';
import { RestorePace } from './restore-pace.ts';
import type { PublicationOptions } from './server-publications.ts';
import { ServerPublications } from './server-publications.ts';
import { aggregateFile } from './server-run.ts';
import type { WrittenAbsence } from './side-file.ts';
import { readUpdateMeta, writtenAbsence } from './side-file.ts';
import { metaProblem } from './update-evidence.ts';

/** Why a checkpoint cannot be used; null when it can. */
export type CheckpointInspection = (
  path: string,
  signal?: AbortSignal,
) => Promise<{ readonly reason: string; readonly message: string } | null>;

export interface ServerEffectsOptions extends PublicationOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly aggregator: Aggregator;
  readonly inspect: CheckpointInspection;
  readonly background: Background;
  /** When this server ran. */
  readonly lives: Lives;
  readonly onResult: (result: ServerResult) => void;
  readonly onEvent: (event: FederationEvent) => void;
}

type Action<Kind extends ServerAction['kind']> = Extract<ServerAction, { kind: Kind }>;

/** What an aggregation cannot get over by being tried again. */
const GIVES_UP = [RoundError, CorruptError, ConfigError];
/** Progress of an aggregation is told at most in steps of this fraction. */
const PROGRESS_STEP = 0.05;

/** Performs what the server's machine asks for. Guarantees: every action may be performed twice. */
export class ServerEffects {
  readonly #options: ServerEffectsOptions;
  readonly #journal: CheckJournal;
  /** By round, key and digest: the facts of the file that was checked. */
  readonly #checked = new Map<string, string>();
  readonly #restorer = new RestorePace();
  readonly #publications: ServerPublications;
  #start: { readonly round: number; readonly sha256: string | null } | undefined;

  constructor(options: ServerEffectsOptions) {
    this.#options = options;
    this.#journal = new CheckJournal(options.results);
    this.#publications = new ServerPublications(options);
  }

  /** Where the aggregate of `round` stands among the server's results; 0 is the start model. */
  aggregatePath(round: number): string {
    return aggregateFile(this.#options.results, round);
  }

  /** Do a small action now, start a long one in the background. */
  async perform(action: ServerAction, record: ServerRecord): Promise<void> {
    const { workdir, run, background, clock } = this.#options;
    switch (action.kind) {
      case 'answer':
        await this.#answer(action);
        return;
      case 'mark-lost':
        await workdir.write(runPaths.lost(run, action.name), lostText(action.round));
        return;
      case 'unmark-lost':
        await workdir.remove(runPaths.lost(run, action.name));
        return;
      case 'restore':
        if (this.#restorer.may(action, clock.monotonic()))
          background.run(`restore ${action.file} ${action.round}`, () => this.#publications.restore(action));
        return;
      case 'write-ended':
        await this.#writeEnded(action);
        return;
      case 'check-update':
        background.run(`check ${action.round} ${action.key} ${action.version}`, (signal) =>
          this.#check(action, signal),
        );
        return;
      case 'open-round':
        background.run(`open ${action.round}`, () => this.#publications.openRound(action));
        return;
      case 'aggregate':
        background.run(`aggregate ${action.round}`, (signal) => this.#aggregate(action, record, signal));
        return;
      default:
        unreachable(action);
    }
  }

  async #answer({ layout, name, account, refusal }: Action<'answer'>): Promise<void> {
    const { workdir, run, random } = this.#options;
    const digits = () =>
      Array.from({ length: 11 }, (_, index) => randomBelow(random, 9) + (index === 0 ? 1 : 0));
    const text = refusal ?? authenticatedText(account?.id ?? digits().join(''));
    await workdir.write(runPaths.authentication(run, layout, name), text);
  }

  async #writeEnded({ ending }: Action<'write-ended'>): Promise<void> {
    const { workdir, run, clock } = this.#options;
    await workdir.write(runPaths.ended(run), endedText(ending.text, clock.now()));
  }

  async #check({ round, key, name, version }: Action<'check-update'>, signal: AbortSignal): Promise<void> {
    const { workdir, run, onResult } = this.#options;
    const path = workdir.absolutePath(runPaths.update(run, round, key));
    const meta = await readUpdateMeta(workdir, runPaths.updateMeta(run, round, key));
    const facts = await checkedFacts(path);
    const { sha256, sizeBytes } = await digestOf(path);
    const problem =
      metaProblem(meta, { round, sha256, start: await this.#startDigest(round) }) ??
      (await this.#inspect(path, { round, participant: name, sha256, size_bytes: sizeBytes }, signal));
    if ((await checkedFacts(path)) !== facts)
      throw new StaleError({
        code: 'changed',
        message: `the checkpoint of ${name} was written while it was checked`,
      });
    this.#checked.set(`${round}/${key}/${sha256}`, facts);
    if (problem !== null) {
      // With the version, a second refusal of the same bytes is another one.
      const refusal = { round, participant: name, sha256, version, ...problem };
      await workdir.write(runPaths.refused(run, round, key), `${JSON.stringify(refusal, undefined, 1)}\n`);
    }
    const known = meta !== null && typeof meta !== 'string' ? meta : undefined;
    const { samples = null, metrics = {} } = known ?? {};
    onResult({ kind: 'update-checked', round, key, version, problem, sha256, samples, metrics, sizeBytes });
  }

  /** Look at an update's bytes, unless they ended a server that did. */
  async #inspect(
    path: string,
    suspect: Parameters<CheckJournal['guard']>[0],
    signal: AbortSignal,
  ): ReturnType<CheckpointInspection> {
    const problem = await this.#journal.guard(suspect, () => {
      // A check waits for the one before it: meanwhile the server may have been told to stop.
      signal.throwIfAborted();
      return this.#options.inspect(path, signal);
    });
    if (problem !== undefined) return problem;
    const message = `the server ended ${DEATHS_MAX} times while it checked this checkpoint, so it is not checked again`;
    return { reason: 'check-crashed', message };
  }

  /** Of the model that a round starts from; null when it starts from nothing. */
  async #startDigest(round: number): Promise<string | null> {
    const path = this.aggregatePath(round - 1);
    if (this.#start?.round !== round)
      this.#start = { round, sha256: existsSync(path) ? (await digestOf(path)).sha256 : null };
    return this.#start.sha256;
  }

  async #aggregate(
    { round, inputs }: Action<'aggregate'>,
    record: ServerRecord,
    signal: AbortSignal,
  ): Promise<void> {
    const { workdir, run, aggregator, clock, onResult, onEvent, results } = this.#options;
    await mkdir(results, { recursive: true });
    const startedAtMs = clock.monotonic();
    const previousPath = this.aggregatePath(round - 1);
    let told = 0;
    onEvent({ event: 'aggregating', round, fraction: 0 });
    try {
      const report = await aggregator.aggregate(
        inputs.map(({ key, samples, sha256 }) => ({
          participant: participantId(key),
          path: workdir.absolutePath(runPaths.update(run, round, key)),
          samples,
          ...this.#checkedContent(round, key, sha256),
        })),
        this.aggregatePath(round),
        {
          signal,
          round,
          statePath: join(results, 'optimizer'),
          ...(existsSync(previousPath) ? { previousPath } : {}),
          onProgress: (doneBytes, totalBytes) => {
            const fraction = totalBytes === 0 ? 1 : doneBytes / totalBytes;
            if (fraction - told < PROGRESS_STEP) return;
            told = fraction;
            onEvent({ event: 'aggregating', round, fraction });
          },
        },
      );
      this.#checked.clear();
      const seconds = (clock.monotonic() - startedAtMs) / 1000;
      const weights = Object.fromEntries(report.weights);
      await this.#refuse(round, report);
      await this.#summarise(round, record, report, seconds);
      const refused = report.refused.map(({ participant, ...rest }) => ({ key: participant, ...rest }));
      const metrics = meanMetrics(record, report.weights);
      const { notes } = report;
      onResult({ kind: 'aggregated', round, weights, refused, metrics, notes, seconds });
    } catch (error) {
      if (
        signal.aborted ||
        !GIVES_UP.some((Class) => error instanceof Class) ||
        !(error instanceof MilaError)
      )
        throw error;
      onResult({ kind: 'aggregation-failed', round, code: error.code, message: messageOf(error) });
    }
  }

  /** What an update was when it was checked, for the aggregator to hold what it opens to. */
  #checkedContent(round: number, key: string, sha256: string | undefined): Pick<AggregationInput, 'checked'> {
    if (sha256 === undefined) return {};
    return { checked: { sha256, facts: this.#checked.get(`${round}/${key}/${sha256}`) ?? null } };
  }

  async #refuse(round: number, report: AggregationReport): Promise<void> {
    const { workdir, run } = this.#options;
    for (const { participant, ...why } of report.refused) {
      const content = { round, participant, ...why };
      await workdir.write(
        runPaths.refused(run, round, participant),
        `${JSON.stringify(content, undefined, 1)}\n`,
      );
    }
  }

  /** When the server did not run, since the round before was accounted for. */
  async #absences(round: number): Promise<readonly WrittenAbsence[]> {
    const { results, lives } = this.#options;
    const before = await stat(roundAccountPath(results, round - 1)).catch(() => undefined);
    return lives.absencesSince(before?.mtimeMs ?? 0).map(writtenAbsence);
  }

  /** Kept beside the aggregate, so that a round can be opened again after a restart with the same side file. */
  async #summarise(
    round: number,
    record: ServerRecord,
    report: AggregationReport,
    seconds: number,
  ): Promise<void> {
    const nameOf = (key: string) => record.participants[key]?.name ?? key;
    const weights = [...report.weights].map(([key, weight]) => [nameOf(key), weight] as const);
    const { sha256 } = await digestOf(this.aggregatePath(round));
    const summary = {
      participants: weights.map(([name]) => name),
      weights: Object.fromEntries(weights),
      refused: report.refused.map(({ participant, reason }) => ({
        participant: nameOf(participant),
        reason,
      })),
      metrics: meanMetrics(record, report.weights),
      notes: report.notes,
      seconds,
      sha256,
      absences: await this.#absences(round),
    };
    await writeFileAtomically(
      roundAccountPath(this.#options.results, round),
      `${JSON.stringify(summary, undefined, 1)}\n`,
    );
  }
}
