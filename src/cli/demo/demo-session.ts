import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { MilaError, TransientError } from '../../errors.ts';
import { RUNS_FOLDER } from '../../fl/grpc-server.ts';
import { type ChildEvent, ChildProgram } from '../child-program.ts';
import { Administrator, type ApiCalls } from './administrator.ts';
import type { DemoView } from './demo-view.ts';
import { BOX, connectClients, type DemoSize, GRPC, type SessionFiles, type Site } from './session-files.ts';

/** How long the emulator, and then every mount, may take to be ready. */
const READY_TIMEOUT_MS = 60_000;
/** How long the federation may take: a start, and generously for each training on a slow machine. */
const FEDERATION_TIMEOUT_BASE_MS = 120_000;
const FEDERATION_TIMEOUT_PER_TRAINING_MS = 30_000;

export interface SessionOptions {
  readonly directory: string;
  readonly files: SessionFiles;
  readonly size: DemoSize;
  readonly view: DemoView;
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

/** The processes of one demo, and what must be true of them at every moment. */
class DemoSession {
  readonly #options: SessionOptions;
  /** In the order of their start; they stop in the opposite order. */
  readonly #children: ChildProgram[][] = [];
  /** Rejects as soon as something makes going on pointless. */
  readonly #trouble: Promise<never>;
  #giveUp: (error: Error) => void = () => {};

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#trouble = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
    // Trouble may come while nobody waits; it is then found at the next step.
    this.#trouble.catch(() => {});
    const interrupted = () => this.#giveUp(new MilaError({ code: 'interrupted', message: 'interrupted' }));
    if (options.signal.aborted) interrupted();
    else options.signal.addEventListener('abort', interrupted, { once: true });
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
    // The server's mount makes the session folder; the clients' mounts would look for it in vain, and wait.
    await this.#startMounts([files.server]);
    await this.#startMounts(files.clients);
    view.phase('training');
    const run = await this.#federate(sites);
    const apiCalls = await this.#step(administrator.apiCalls());
    view.phase('fetching the whole run folder from Box');
    return { runFolder: await this.#fetchRun(run), apiCalls };
  }

  async #runOverGrpc(): Promise<SessionResult> {
    const { files, view, directory } = this.#options;
    view.phase(`making certificates for the server and ${files.clients.length} clients`);
    const names = files.clients.flatMap(({ name }) => ['--client', name]);
    const args = [
      'certificates',
      '-o',
      GRPC.certificates,
      '--host',
      GRPC.host,
      ...names,
      '--json',
      '--quiet',
    ];
    const maker = { name: 'maker of certificates', program: 'mila', args, directory, ends: true } as const;
    await this.#step(this.#start([maker])[0]?.exited);
    view.phase('training');
    const server = this.#startParticipants([files.server]);
    const listening = await this.#step(server.programs[0]?.waitFor('listening', READY_TIMEOUT_MS));
    await connectClients(files.clients, Number(listening?.['port']));
    const clients = this.#startParticipants(files.clients);
    await this.#awaitEnd([...server.programs, ...clients.programs]);
    const runFolder = join(files.server.directory, 'logs', RUNS_FOLDER, server.run());
    return { runFolder, apiCalls: { total: 0, byUser: {}, byEndpoint: {} } };
  }

  /** Stop every process, the youngest first. */
  async stop(): Promise<void> {
    for (const generation of this.#children.toReversed())
      await Promise.all(generation.map((child) => child.stop()));
  }

  async #startBox(): Promise<Administrator> {
    const { files, directory, size } = this.#options;
    const [emulator] = this.#start([
      {
        name: 'emulator',
        program: 'mila-sync',
        args: [
          'emulator',
          '--json',
          '--port',
          '0',
          '--write-config',
          files.boxConfiguration,
          '--seed',
          String(size.seed),
        ],
        directory,
      },
    ]);
    const ready = await this.#step(emulator?.waitFor('ready', READY_TIMEOUT_MS));
    const administrator = new Administrator(String(ready?.['url']));
    await this.#step(administrator.prepare(BOX));
    return administrator;
  }

  async #startMounts(sites: readonly Site[]): Promise<void> {
    const mounts = this.#start(
      sites.map((site) => ({
        name: `mount of ${site.name}`,
        program: 'mila-sync',
        args: ['mount', site.configuration, '--json'],
        directory: site.directory,
      })),
    );
    await this.#step(Promise.all(mounts.map((mount) => mount.waitFor('ready', READY_TIMEOUT_MS))));
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
    const programs = this.#start(
      sites.map((site) => ({
        name: site.name,
        program: 'mila',
        args: [site.role, site.configuration, '--json'],
        directory: site.directory,
        onEvent: (event) => onEvent(site, event),
        ends: true,
      })),
    );
    return { programs, run: () => run };
  }

  async #awaitEnd(programs: readonly ChildProgram[]): Promise<void> {
    const { size, clock } = this.#options;
    const limitMs =
      FEDERATION_TIMEOUT_BASE_MS + size.rounds * size.clients * FEDERATION_TIMEOUT_PER_TRAINING_MS;
    const timer = clock.after(limitMs, () =>
      this.#giveUp(
        new TransientError({
          code: 'slow',
          message: `the federation did not end within ${limitMs / 1000} s`,
        }),
      ),
    );
    try {
      await this.#step(Promise.all(programs.map(({ exited }) => exited)));
    } finally {
      timer.cancel();
    }
  }

  /** Mirror everything once: the participants' own mounts hold only what each of them needs. */
  async #fetchRun(run: string): Promise<string> {
    const { directory, files, clock } = this.#options;
    const target = join(directory, 'folder');
    const [copy] = this.#start([
      {
        name: 'mount of the whole folder',
        program: 'mila-sync',
        args: ['mount', files.server.configuration, '--json', '--once', '--profile', 'full', '--dir', target],
        directory: files.server.directory,
        ends: true,
      },
    ]);
    const timer = clock.after(READY_TIMEOUT_MS, () =>
      this.#giveUp(
        new TransientError({ code: 'slow', message: 'the run folder could not be fetched in time' }),
      ),
    );
    try {
      await this.#step(copy?.exited);
    } finally {
      timer.cancel();
    }
    return join(target, BOX.folderName, ...BOX.savePath.split('/'), run);
  }

  /** Start some programs together, and watch over each until it is told to stop. */
  #start(
    programs: readonly {
      readonly name: string;
      readonly program: 'mila' | 'mila-sync';
      readonly args: readonly string[];
      readonly directory: string;
      readonly onEvent?: (event: ChildEvent) => void;
      /** True when its end with success is what is wanted. */
      readonly ends?: boolean;
    }[],
  ): readonly ChildProgram[] {
    const { clock, environment } = this.#options;
    const children = programs.map(({ ends = false, ...program }) => {
      const child = new ChildProgram({ ...program, clock, environment });
      void child.exited.then((exit) => {
        if (!child.stopping && !(ends && exit.code === 0)) this.#giveUp(child.failure(exit));
      });
      return child;
    });
    this.#children.push(children);
    return children;
  }

  /** Wait for something, unless trouble comes first. */
  #step<Value>(work: Value | Promise<Value>): Promise<Value> {
    return Promise.race([this.#trouble, work]);
  }
}

/**
 * Run one federation over an emulated Box, or over gRPC, every program a process of its own.
 *
 * Guarantees: when this settles, every process that it started is gone.
 * Errors: the class that the failed process's exit code stands for; MilaError 'interrupted' after an abort.
 */
export async function runSession(options: SessionOptions): Promise<SessionResult> {
  const session = new DemoSession(options);
  try {
    return await session.run();
  } finally {
    options.view.close();
    await session.stop();
  }
}
