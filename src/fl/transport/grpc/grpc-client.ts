import { status } from '@grpc/grpc-js';
import { AuthError, ConfigError } from '../../../errors.ts';
import { runFolderName } from '../../round/run-folder.ts';
import type { ClientSession, ClientTransport, FoundRun, RunWish } from '../client-transport.ts';
import type { ClientLinkOptions, Reply } from './client-link.ts';
import { ClientLink, isPassing } from './client-link.ts';
import type { Remembered } from './client-memory.ts';
import { ClientMemory } from './client-memory.ts';
import type { ClientSessionOptions } from './client-session.ts';
import { GrpcClientSession } from './client-session.ts';
import type { ClientView } from './client-view.ts';
import type { Diagnosis } from './connection-diagnosis.ts';
import { COMPRESSED_TEXT } from './message-frames.ts';
import type { TokenMessage } from './wire-definition.ts';

export interface GrpcClientOptions
  extends ClientLinkOptions,
    Pick<ClientSessionOptions, 'name' | 'retryTimeoutMs' | 'heartbeatFrequencyMs' | 'logger' | 'onEvent'> {
  /** Why no connection comes about; undefined when nothing is found. */
  readonly diagnose: (target: string) => Promise<Diagnosis | undefined>;
  /** Where the client's own results go, one folder per run. */
  readonly savePath: string;
}

const NEW_VIEW: ClientView = {
  token: null,
  refusal: null,
  round: 0,
  source: 'nothing',
  final: null,
  delivered: 0,
  refused: null,
  lost: false,
  ended: null,
  withoutModel: false,
  newerRun: null,
  limits: null,
};

/** A transport that holds a connection. */
export interface GrpcClientTransport extends ClientTransport {
  close(): void;
}

/** Takes part over a connection: finding a run is being admitted to it. */
class GrpcTransport implements GrpcClientTransport {
  readonly #options: GrpcClientOptions;
  readonly #link: ClientLink;
  readonly #memory: ClientMemory;
  readonly #watchers = new Set<() => void>();
  #found: { readonly run: string; readonly view: ClientView } | undefined;

  constructor(options: GrpcClientOptions) {
    this.#options = options;
    this.#link = new ClientLink(options);
    this.#memory = new ClientMemory(options.savePath, options.name);
  }

  async findRun(wish: RunWish): Promise<FoundRun> {
    const { target, clock, diagnose } = this.#options;
    const known = await this.#memory.recall(target);
    const reply = await this.#authenticate(known);
    const isUnreached = isPassing(reply) && reply.code !== status.CANCELLED;
    const found = isUnreached ? await diagnose(target) : undefined;
    if (found?.kind === 'refused') throw new AuthError(found);
    if (reply.code === status.UNIMPLEMENTED && reply.details === COMPRESSED_TEXT)
      throw new ConfigError({
        code: 'compression-refused',
        message: `the server at ${target} takes no compressed messages`,
        hint: 'Leave grpc.default_compression_algorithm out of the options of grpc_configuration.',
      });
    if (isPassing(reply) || reply.code === status.UNIMPLEMENTED)
      return { awaited: `waiting for the server at ${target}: ${found?.message ?? reply.details}` };
    const run = reply.note?.run ?? this.#runWithoutName(reply, known) ?? runFolderName(clock.now());
    if (reply.value === undefined) return this.#refused(reply, run, wish);
    if (wish.run !== null && run !== wish.run)
      return { awaited: `the server at ${target} runs ${run}; waiting for ${wish.run}` };
    await this.#admitted(run, reply.value.token, known, reply.note?.limits ?? null);
    return { run };
  }

  async watch(onHint: () => void) {
    this.#watchers.add(onHint);
    return { close: async () => void this.#watchers.delete(onHint) };
  }

  join(run: string): ClientSession {
    const view = this.#found?.run === run ? this.#found.view : NEW_VIEW;
    const session = {
      ...this.#options,
      run,
      link: this.#link,
      memory: this.#memory,
      onChange: () => {
        for (const watcher of this.#watchers) watcher();
      },
      authenticate: async () => this.#authenticate(await this.#memory.recall(this.#options.target)),
    };
    return new GrpcClientSession(session, view);
  }

  close(): void {
    this.#link.close();
  }

  #authenticate(known: Remembered | undefined): Promise<Reply<TokenMessage>> {
    return this.#link.authenticate(this.#options.name, known === undefined ? {} : { token: known.token });
  }

  /** kMoL's server does not name its runs: the same token means the same one. */
  #runWithoutName(reply: Reply<TokenMessage>, known: Remembered | undefined): string | undefined {
    return reply.value !== undefined && reply.value.token === known?.token ? known.run : undefined;
  }

  async #refused(reply: Reply<TokenMessage>, run: string, wish: RunWish): Promise<FoundRun> {
    const ended = reply.note?.ended ?? null;
    if (ended !== null && !(await wish.wasPartOf(run)))
      return { awaited: `run ${run} has ended; waiting for a new one` };
    const view =
      ended === null ? { ...NEW_VIEW, refusal: reply.details } : { ...NEW_VIEW, ended, withoutModel: true };
    this.#found = { run, view };
    return { run };
  }

  async #admitted(
    run: string,
    token: string,
    known: Remembered | undefined,
    limits: ClientView['limits'],
  ): Promise<void> {
    const { target } = this.#options;
    const earlier = known?.run === run ? known : undefined;
    const round = earlier?.round ?? 0;
    const delivered = earlier?.delivered ?? 0;
    const source = round > 0 && this.#memory.hasAggregate(run, round) ? 'aggregate' : 'nothing';
    await this.#memory.remember({ target, run, token, round, delivered });
    this.#found = { run, view: { ...NEW_VIEW, token, round, delivered, source, limits } };
  }
}

/** Connect to a server. Guarantees: connects when it is first asked, and again whenever the connection was lost. */
export function openGrpcClient(options: GrpcClientOptions): GrpcClientTransport {
  return new GrpcTransport(options);
}
