import { stepClient } from '../../src/fl/round/client-machine.ts';
import type {
  ClientAction,
  ClientResult,
  ClientSettings,
  ClientState,
} from '../../src/fl/round/client-state.ts';
import { newClientState, resumedClientState } from '../../src/fl/round/client-state.ts';
import { authenticatedText, endedText, lostText } from '../../src/fl/round/protocol-texts.ts';
import { participantKey, runPaths } from '../../src/fl/round/run-folder.ts';
import type { ServerAction } from '../../src/fl/round/server-action.ts';
import { stepServer } from '../../src/fl/round/server-machine.ts';
import type { ServerResult } from '../../src/fl/round/server-observation.ts';
import type { ServerState } from '../../src/fl/round/server-state.ts';
import {
  newServerState,
  resumedServerState,
  roundOf,
  unsettledRounds,
} from '../../src/fl/round/server-state.ts';
import type { ServerSettings } from '../../src/fl/round/settings.ts';
import type { ClientObserver } from '../../src/fl/transport/client-observer.ts';
import { createClientObserver } from '../../src/fl/transport/client-observer.ts';
import type { ServerObserver } from '../../src/fl/transport/server-observer.ts';
import { createServerObserver } from '../../src/fl/transport/server-observer.ts';
import type { Identity } from '../../src/fl/transport/workdir.ts';
import { carry, differences, Replica } from './replica.ts';

export const RUN = '2026-01-02_03-04-05';

/** What the whole simulated federation shares: time, and the folder's hub through which every site's copy syncs. */
export class World {
  timeMs = 0;
  #version = 0;
  readonly nextVersion = () => {
    this.#version += 1;
    return this.#version;
  };
  readonly hub = new Replica(this.nextVersion);
  /** Faults found in what the processes did. */
  readonly faults: string[] = [];
  readonly log: string[] = [];
  instant(offsetMs: number) {
    return { nowMs: 1.7e12 + this.timeMs * 3 - offsetMs, monotonicMs: this.timeMs + offsetMs };
  }
}

/** The simulated server process with its disk. */
export class SimulatedServer {
  readonly replica: Replica;
  readonly aggregates = new Map<number, string>();
  readonly #world: World;
  readonly #settings: ServerSettings;
  #observer: ServerObserver;
  #disk: string;
  #offsetMs = 0;
  #results: ServerResult[] = [];
  readonly pending: { key: string; finish: () => ServerResult | null }[] = [];
  state: ServerState;
  stopAsked = false;

  constructor(world: World, settings: ServerSettings, account: Identity | null = null) {
    this.#world = world;
    this.#settings = settings;
    this.replica = new Replica(world.nextVersion, account);
    this.#observer = createServerObserver(this.replica, RUN);
    this.replica.folders.add(`${RUN}/authentications`).add(`${RUN}/heartbeats`);
    this.replica.put(runPaths.task(RUN), '{}');
    this.state = newServerState('shared/run', RUN, 0);
    this.#disk = JSON.stringify(this.state.record);
  }

  get ended(): boolean {
    return this.state.record.phase.kind === 'ended';
  }

  /** The process dies and starts again with nothing but its state file. */
  restart(offsetMs: number): void {
    this.pending.length = 0;
    this.#results = [];
    this.#offsetMs = offsetMs;
    const { monotonicMs } = this.#world.instant(offsetMs);
    this.state = resumedServerState(JSON.parse(this.#disk), monotonicMs);
    this.#observer = createServerObserver(this.replica, RUN);
  }

  /** One step; with `dieAfter` the process dies after that many of its actions. */
  async step(dieAfter = Number.POSITIVE_INFINITY): Promise<void> {
    const { record } = this.state;
    const observation = await this.#observer.observe({
      round: roundOf(record.phase),
      unsettled: unsettledRounds(record),
    });
    const results = this.#results;
    this.#results = [];
    const step = stepServer(this.state, {
      observation,
      results,
      stop: this.stopAsked,
      instant: this.#world.instant(this.#offsetMs),
      settings: this.#settings,
    });
    this.#checkClosing(step.state);
    this.state = step.state;
    this.#disk = JSON.stringify(step.state.record);
    for (const event of step.events) this.#world.log.push(`server ${JSON.stringify(event)}`);
    for (const [index, action] of step.actions.entries()) {
      if (index >= dieAfter) {
        this.restart(this.#offsetMs + 17);
        return;
      }
      this.#perform(action);
    }
  }

  /** A server that waits for all closes no round while somebody active has not delivered. */
  #checkClosing({ record }: ServerState): void {
    const { share, deadlineMs } = this.#settings.stragglers;
    if (record.phase.kind !== 'aggregating' || this.state.record.phase.kind === 'aggregating') return;
    if (share < 1 || deadlineMs !== null) return;
    const inputs = new Set(record.phase.inputs.map(({ key }) => key));
    for (const [key, { status }] of Object.entries(record.participants))
      if (status === 'active' && !inputs.has(key))
        this.#world.faults.push(`round ${record.phase.round} was closed without ${key}`);
  }

  finishEffect(pick: number): void {
    const effect = this.pending.splice(pick % Math.max(1, this.pending.length), 1)[0];
    const result = effect?.finish() ?? null;
    if (result !== null) this.#results.push(result);
  }

  #start(key: string, finish: () => ServerResult | null): void {
    if (!this.pending.some((effect) => effect.key === key)) this.pending.push({ key, finish });
  }

  #perform(action: ServerAction): void {
    const { replica } = this;
    switch (action.kind) {
      case 'answer': {
        const path = runPaths.authentication(RUN, action.layout, action.name);
        replica.put(path, action.refusal ?? authenticatedText('1'));
        return;
      }
      case 'mark-lost':
        replica.put(runPaths.lost(RUN, action.name), lostText(action.round));
        return;
      case 'unmark-lost':
        void replica.remove(runPaths.lost(RUN, action.name));
        return;
      case 'restore':
        this.#start(`restore ${action.file} ${action.round}`, () => this.#restore(action));
        return;
      case 'write-ended':
        replica.put(runPaths.ended(RUN), endedText(action.ending.text, this.#world.timeMs));
        return;
      case 'check-update':
        this.#start(`check ${action.key} ${action.version}`, () => this.#check(action));
        return;
      case 'open-round':
        this.#start(`open ${action.round}`, () => this.#open(action));
        return;
      case 'aggregate':
        this.#start(`aggregate ${action.round}`, () => this.#aggregate(action));
        return;
    }
  }

  #check({ round, key, version }: Extract<ServerAction, { kind: 'check-update' }>): ServerResult {
    const content = this.replica.text(runPaths.update(RUN, round, key)) ?? '';
    const problem = content.startsWith(`update ${key} r${round} `)
      ? null
      : { reason: 'malformed', message: content };
    return { kind: 'update-checked', round, key, version, problem, samples: 1, metrics: {}, sizeBytes: 1 };
  }

  #open({ round, final }: Extract<ServerAction, { kind: 'open-round' }>): null {
    const path = runPaths.aggregate(RUN, round);
    const content = this.aggregates.get(round - 1) ?? '';
    const before = this.replica.files.get(path);
    const isOwn = before?.modifiedBy?.id === this.replica.account()?.id;
    if (before !== undefined && isOwn && before.content !== content)
      this.#world.faults.push(`round ${round} was opened with two aggregates`);
    if (round === 1) this.replica.put(runPaths.noStartModel(RUN, 1), '');
    else {
      this.replica.put(runPaths.serverMeta(RUN, round), JSON.stringify({ final }));
      this.replica.put(path, content);
    }
    return null;
  }

  #restore(action: Extract<ServerAction, { kind: 'restore' }>): null {
    const { file, round, final } = action;
    if (file === 'round') return this.#open({ kind: 'open-round', round, final });
    if (file === 'meta') this.replica.put(runPaths.serverMeta(RUN, round), JSON.stringify({ final }));
    else if (file === 'task') this.replica.put(runPaths.task(RUN), '{}');
    else this.replica.put(runPaths.settings(RUN), '{}');
    return null;
  }

  #aggregate({ round, inputs }: Extract<ServerAction, { kind: 'aggregate' }>): ServerResult {
    const parts = inputs.map(({ key }) => this.replica.text(runPaths.update(RUN, round, key)) ?? 'missing');
    const start = round === 1 ? 'nothing' : this.aggregates.get(round - 1);
    for (const part of parts)
      if (!part.endsWith(` from ${start}`))
        this.#world.faults.push(`round ${round} mixed in ${part}, which did not start from ${start}`);
    if (parts.length < this.#settings.stragglers.minimumUpdates)
      this.#world.faults.push(`round ${round} aggregated ${parts.length} updates`);
    const content = `aggregate ${round} of ${inputs.map(({ key }) => key).join('+')}`;
    this.aggregates.set(round, content);
    const weights = Object.fromEntries(inputs.map(({ key }) => [key, 1 / inputs.length]));
    return { kind: 'aggregated', round, weights, refused: [], seconds: 0 };
  }
}

/** A simulated client process with its disk. */
export class SimulatedClient {
  readonly name: string;
  readonly replica: Replica;
  readonly trainings = new Map<number, number>();
  readonly #world: World;
  readonly #settings: ClientSettings;
  #disk: string;
  #offsetMs = 0;
  #results: ClientResult[] = [];
  readonly pending: { key: string; finish: () => ClientResult | null }[] = [];
  state: ClientState;
  #observer: ClientObserver;
  /** Gone for good: it neither steps nor beats any more. */
  dead = false;
  restarts = 0;
  #beat = 0;

  constructor(world: World, name: string, settings: ClientSettings, account: Identity | null = null) {
    this.#world = world;
    this.name = name;
    this.#settings = settings;
    this.replica = new Replica(world.nextVersion, account);
    this.state = newClientState(RUN, name);
    this.#observer = createClientObserver(this.replica, RUN, name);
    this.#disk = JSON.stringify(this.state.record);
  }

  get ended(): boolean {
    return this.state.ending !== null;
  }

  restart(offsetMs: number): void {
    if (this.ended) return;
    this.restarts += 1;
    this.pending.length = 0;
    this.#results = [];
    this.#offsetMs = offsetMs;
    this.state = resumedClientState(JSON.parse(this.#disk));
    this.#observer = createClientObserver(this.replica, RUN, this.name);
  }

  /** The process dies and loses its state file too; the shared folder is all it has. */
  forget(): void {
    if (this.ended) return;
    this.#disk = JSON.stringify(newClientState(RUN, this.name).record);
    this.restart(this.#offsetMs);
  }

  beat(): void {
    if (this.dead || this.ended) return;
    const claimed = this.replica.text(runPaths.authentication(RUN, 'documented', this.name)) !== undefined;
    this.#beat += 1;
    if (claimed) this.replica.put(runPaths.heartbeat(RUN, this.name), String(this.#beat));
  }

  async step(dieAfter = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.dead || this.ended) return;
    const training = this.pending.find(({ key }) => key.startsWith('train '));
    const round = training === undefined ? null : Number(training.key.slice(6));
    const observation = await this.#observer.observe({
      training: round,
      admitted: this.state.record.admitted,
    });
    const results = this.#results;
    this.#results = [];
    const step = stepClient(this.state, {
      observation,
      results,
      instant: this.#world.instant(this.#offsetMs),
      settings: this.#settings,
    });
    this.state = step.state;
    this.#disk = JSON.stringify(step.state.record);
    for (const event of step.events) this.#world.log.push(`${this.name} ${JSON.stringify(event)}`);
    for (const [index, action] of step.actions.entries()) {
      if (index >= dieAfter && !this.ended) {
        this.restart(this.#offsetMs + 13);
        return;
      }
      this.#perform(action);
    }
  }

  finishEffect(pick: number): void {
    if (this.dead) return;
    const effect = this.pending.splice(pick % Math.max(1, this.pending.length), 1)[0];
    const result = effect?.finish() ?? null;
    if (result !== null) this.#results.push(result);
  }

  #start(key: string, finish: () => ClientResult | null): void {
    if (!this.pending.some((effect) => effect.key === key)) this.pending.push({ key, finish });
  }

  #perform(action: ClientAction): void {
    switch (action.kind) {
      case 'claim':
        this.replica.put(runPaths.authentication(RUN, action.layout, this.name), '');
        return;
      case 'train':
        this.#start(`train ${action.round}`, () => this.#train(action.round, action.source));
        return;
      case 'abandon-training': {
        const index = this.pending.findIndex(({ key }) => key === `train ${action.round}`);
        if (index >= 0) this.pending.splice(index, 1);
        return;
      }
      case 'publish': {
        const { round, sha256 } = action.update;
        this.#start(`publish ${round} ${sha256}`, () => {
          const path = runPaths.update(RUN, round, this.name);
          const before = this.replica.text(path);
          if (before !== undefined && before !== sha256 && before !== 'poison')
            this.#world.faults.push(`${this.name} published two updates for round ${round}`);
          this.replica.put(runPaths.updateMeta(RUN, round, this.name), '{}');
          this.replica.put(path, sha256);
          return { kind: 'published', round, sha256, sizeBytes: 1 };
        });
        return;
      }
      case 'report-failure':
        this.#world.faults.push(`${this.name} reported a failure`);
        return;
    }
  }

  #train(round: number, source: 'aggregate' | 'nothing'): ClientResult | null {
    // A real client waits for the server's own aggregate, and is asked to train again until it has.
    const server = this.replica.files.get(runPaths.task(RUN))?.createdBy ?? null;
    const given = this.replica.files.get(runPaths.aggregate(RUN, round));
    if (source === 'aggregate' && server !== null && given?.modifiedBy?.id !== server.id) return null;
    if (this.replica.text(runPaths.update(RUN, round, this.name)) !== undefined)
      this.#world.faults.push(`${this.name} trained round ${round} again although its update stands there`);
    const times = (this.trainings.get(round) ?? 0) + 1;
    this.trainings.set(round, times);
    const start = source === 'nothing' ? 'nothing' : this.replica.text(runPaths.aggregate(RUN, round));
    const content = `update ${participantKey(this.name)} r${round} try${times} from ${start}`;
    const update = { round, checkpointPath: '', sha256: content, sizeBytes: 1, samples: 1, metrics: {} };
    return { kind: 'trained', update: { ...update, startSha256: null, seconds: 1 } };
  }
}

/** Carry up to `count` files between a site and the hub, chosen by `pick`; returns how many were different. */
export function synchronise(world: World, replica: Replica, pick: number, count: number): number {
  const paths = [...differences(replica, world.hub)];
  const found = paths.length;
  for (let carried = 0; carried < count && paths.length > 0; carried += 1) {
    const path = paths.splice(pick % paths.length, 1)[0];
    if (path !== undefined) carry(replica, world.hub, path);
  }
  return found;
}
