import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { TransientError } from '../../errors.ts';
import { RUNS_FOLDER } from '../../fl/grpc-server.ts';
import { ChildGroup, withSuccess } from '../child-group.ts';
import type { ChildEvent, ChildProgram } from '../child-program.ts';
import type { SessionView } from '../session-view.ts';
import { READY_TIMEOUT_MS, type Site, SitePrograms } from '../site-programs.ts';
import { Administrator, type ApiCalls } from './administrator.ts';
import { BOX, connectClients, type DemoSize, GRPC, type SessionFiles } from './session-files.ts';

/** How long the federation may take: a start, and generously for each training on a slow machine. */
const FEDERATION_TIMEOUT_BASE_MS = 120_000;
const FEDERATION_TIMEOUT_PER_TRAINING_MS = 30_000;

export interface SessionOptions {
  readonly directory: string;
  readonly files: SessionFiles;
  readonly size: DemoSize;
  readonly view: SessionView;
  readonly clock: Clock;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** What a session leaves. */
export interface SessionResult {
  /** The run folder as it lies in Box, every file of it. */
  readonly runFolder: string;
  readonly apiCalls: ApiCalls;
}

/** One demo, step by step. */
class DemoSession {
  readonly #options: SessionOptions;
  readonly #children: ChildGroup;
  readonly #programs: SitePrograms;

  constructor(options: SessionOptions, children: ChildGroup) {
    this.#options = options;
    this.#children = children;
    this.#programs = new SitePrograms(children);
  }

  run(): Promise<SessionResult> {
    return this.#options.size.transport === 'grpc' ? this.#runOverGrpc() : this.#runOverBox();
  }

  async #runOverBox(): Promise<SessionResult> {
    const { files, view } = this.#options;
    view.phase('starting the Box emulator');
    const administrator = await this.#startBox();
    const sites = [files.server, ...files.clients];
    view.phase(`mounting the shared folder for the server and ${files.clients.length} clients`);
    await this.#programs.mount(files.server, files.clients);
    view.phase('training');
    const run = await this.#federate(sites);
    const apiCalls = await this.#children.step(administrator.apiCalls());
    view.phase('fetching the whole run folder from Box');
    return { runFolder: await this.#fetchRun(run), apiCalls };
  }

  async #runOverGrpc(): Promise<SessionResult> {
    const { files, view, directory } = this.#options;
    view.phase(`making certificates for the server and ${files.clients.length} clients`);
    const { certificates: output, host } = GRPC;
    await this.#programs.makeCertificates({ directory, output, host, clients: files.clients });
    view.phase('training');
    const server = this.#startParticipants([files.server]);
    const listening = await this.#children.step(server.programs[0]?.waitFor('listening', READY_TIMEOUT_MS));
    await connectClients(files.clients, Number(listening?.['port']));
    const clients = this.#startParticipants(files.clients);
    await this.#awaitEnd([...server.programs, ...clients.programs]);
    const runFolder = join(files.server.directory, 'logs', RUNS_FOLDER, server.run());
    return { runFolder, apiCalls: { total: 0, byUser: {}, byEndpoint: {} } };
  }

  async #startBox(): Promise<Administrator> {
    const { files, directory, size } = this.#options;
    const args = ['--write-config', files.boxConfiguration, '--seed', String(size.seed)];
    const administrator = new Administrator(await this.#programs.startEmulator({ directory, args }));
    await this.#children.step(administrator.prepare(BOX));
    return administrator;
  }

  async #federate(sites: readonly Site[]): Promise<string> {
    const { programs, run } = this.#startParticipants(sites);
    await this.#awaitEnd(programs);
    return run();
  }

  #startParticipants(sites: readonly Site[]) {
    const { view } = this.#options;
    let run = '';
    const onEvent = (site: Site, event: ChildEvent) => {
      if (site.role === 'server' && event.event === 'run-created') run = String(event['run']);
      view.event(site.name, event);
    };
    const programs = this.#programs.startParticipants(sites, {
      nameOf: ({ name }) => name,
      onEvent,
      mayEnd: withSuccess,
    });
    return { programs, run: () => run };
  }

  async #awaitEnd(programs: readonly ChildProgram[]): Promise<void> {
    const { size } = this.#options;
    const limitMs =
      FEDERATION_TIMEOUT_BASE_MS + size.rounds * size.clients * FEDERATION_TIMEOUT_PER_TRAINING_MS;
    const late = () =>
      new TransientError({ code: 'slow', message: `the federation did not end within ${limitMs / 1000} s` });
    await this.#children.stepWithin(Promise.all(programs.map(({ exited }) => exited)), limitMs, late);
  }

  /** Mirror everything once: the participants' own mounts hold only what each of them needs. */
  async #fetchRun(run: string): Promise<string> {
    const { directory, files } = this.#options;
    const target = join(directory, 'folder');
    const copy = this.#children.run({
      name: 'mount of the whole folder',
      program: 'mila-sync',
      args: ['mount', files.server.configuration, '--json', '--once', '--profile', 'full', '--dir', target],
      directory: files.server.directory,
    });
    const late = () =>
      new TransientError({ code: 'slow', message: 'the run folder could not be fetched in time' });
    await this.#children.stepWithin(copy, READY_TIMEOUT_MS, late);
    return join(target, BOX.folderName, ...BOX.savePath.split('/'), run);
  }
}

/**
 * Run one federation over an emulated Box, or over gRPC, every program a process of its own.
 *
 * Guarantees: when this settles, every process that it started is gone.
 * Errors: the class that the failed process's exit code stands for; InterruptedError after an abort.
 */
export async function runSession(options: SessionOptions): Promise<SessionResult> {
  const children = new ChildGroup(options);
  try {
    return await new DemoSession(options, children).run();
  } finally {
    options.view.close();
    await children.stop();
  }
}
