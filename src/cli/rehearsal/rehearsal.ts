import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Clock } from '../../clock.ts';
import { ChildGroup, type ChildStart } from '../child-group.ts';
import type { ChildEvent, ChildExit, ChildProgram } from '../child-program.ts';
import { EXIT } from '../exit-codes.ts';
import type { SessionView } from '../session-view.ts';
import {
  EMULATOR_KEY_FILE,
  type LocalFederation,
  type LocalSite,
  SHARED_DIRECTORY,
} from './local-federation.ts';

/** How long the emulator, a mount and a server's port may take to be ready. */
const READY_TIMEOUT_MS = 60_000;
/** What the emulator keeps, so that the next rehearsal finds the same Box. */
const EMULATOR_DATA = join('data', 'emulator');

interface RehearsalOptions {
  readonly federation: LocalFederation;
  readonly view: SessionView;
  readonly clock: Clock;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** What a rehearsal came to. */
export interface RehearsalResult {
  /**
   * Why it was no success: the class that the exit code of the server stands for, or of a mount, an emulator or a
   * client without which there is no going on; MilaError 'interrupted' after an abort.
   */
  readonly failure: unknown;
  readonly finalModel: string | null;
  /** The run as the server sees it; null when it made none. */
  readonly runFolder: string | null;
}

/** A client that was cut off, or whose run was ended, has said so to its server, which decides what becomes of it. */
const isServersMatter = ({ code }: ChildExit) => code === EXIT.done || code === EXIT.unsuccessful;

/** What the server told of its run so far. */
class ToldRun {
  folder: string | null = null;
  finalModel: string | null = null;

  hear(event: ChildEvent): void {
    const { folder, final_model: model } = event;
    if (event.event === 'run-created' || event.event === 'run-resumed') this.folder = String(folder);
    if (event.event === 'ended' || event.event === 'summary')
      this.finalModel = typeof model === 'string' ? model : this.finalModel;
  }
}

/** One run of every program of a federation, on this machine. */
class Rehearsal {
  readonly #options: RehearsalOptions;
  readonly #children: ChildGroup;
  readonly #told = new ToldRun();

  constructor(options: RehearsalOptions, children: ChildGroup) {
    this.#options = options;
    this.#children = children;
  }

  async run(): Promise<RehearsalResult> {
    let failure: unknown = null;
    try {
      failure = await this.#run();
    } catch (error) {
      failure = error;
    }
    const { folder, finalModel } = this.#told;
    return { failure, finalModel: this.#absolute(finalModel), runFolder: this.#absolute(folder) };
  }

  /** Returns the failure of the server, null for success. */
  async #run(): Promise<Error | null> {
    const { transport } = this.#options.federation;
    if (transport === 'box') await this.#mountBox();
    if (transport === 'dir') await this.#prepareFolder();
    if (transport === 'grpc') await this.#prepareCertificates();
    this.#options.view.phase('training');
    return this.#federate();
  }

  async #mountBox(): Promise<void> {
    const { federation, view } = this.#options;
    const { server, clients, emulator } = federation;
    if (emulator) await this.#startEmulator();
    view.phase(`mounting the shared folder for the server and ${clients.length} clients`);
    // The server's mount makes the session folder; the clients' mounts would look for it in vain, and wait.
    await this.#startMounts([server]);
    await this.#startMounts(clients);
  }

  async #startEmulator(): Promise<void> {
    const { federation, view } = this.#options;
    const { directory, server, clients } = federation;
    view.phase('starting the Box emulator');
    const key = ['--write-config', EMULATOR_KEY_FILE];
    await mkdir(join(directory, dirname(EMULATOR_DATA)), { recursive: true });
    const emulator = ['emulator', '--json', '--port', '0', '--data', EMULATOR_DATA, ...key];
    await this.#children.startUntil(
      this.#program('emulator', 'mila-sync', emulator),
      'ready',
      READY_TIMEOUT_MS,
    );
    const participants = clients.flatMap(({ name }) => ['--participant', name]);
    const setup = ['setup', server.configuration, '--json', '--quiet', ...participants];
    await this.#children.run(this.#program('set-up of Box', 'mila-sync', setup));
  }

  async #startMounts(sites: readonly LocalSite[]): Promise<void> {
    const mounts = this.#children.start(
      sites.map(({ name, configuration }) =>
        this.#program(`mount of ${name}`, 'mila-sync', ['mount', configuration, '--json']),
      ),
    );
    await this.#children.step(Promise.all(mounts.map((mount) => mount.waitFor('ready', READY_TIMEOUT_MS))));
  }

  async #prepareFolder(): Promise<void> {
    await mkdir(join(this.#options.federation.directory, SHARED_DIRECTORY), { recursive: true });
  }

  async #prepareCertificates(): Promise<void> {
    const { directory, grpc, clients } = this.#options.federation;
    const root = grpc?.ssl_root_cert ?? null;
    if (grpc === null || !grpc.use_secure_connection || root === null) return;
    if (existsSync(resolve(directory, root))) return;
    this.#options.view.phase(`making certificates in ${dirname(root)}`);
    const host = grpc.target.replace(/:\d+$/, '');
    const names = clients.flatMap(({ name }) => ['--client', name]);
    const args = ['certificates', '-o', dirname(root), '--host', host, ...names, '--json', '--quiet'];
    await this.#children.run(this.#program('maker of certificates', 'mila', args));
  }

  async #federate(): Promise<Error | null> {
    const { server: site, clients: sites, transport } = this.#options.federation;
    const [server] = this.#startParticipants([site], () => true);
    if (server === undefined) throw new RangeError('a federation has a server');
    const listening = server.waitFor('listening', READY_TIMEOUT_MS);
    // Only over gRPC is there a port to wait for; a server that ends before is judged below, like any other.
    const isUp =
      transport !== 'grpc' ||
      (await this.#children.step(
        listening.then(
          () => true,
          () => false,
        ),
      ));
    listening.catch(() => {});
    const clients = isUp ? this.#startParticipants(sites, isServersMatter) : [];
    const exit = await this.#children.step(server.exited);
    // They take the final model along; where there is none, they would wait for a server that is gone.
    if (exit.code === EXIT.done) await this.#children.step(Promise.all(clients.map(({ exited }) => exited)));
    return exit.code === EXIT.done ? null : server.failure(exit);
  }

  #startParticipants(
    sites: readonly LocalSite[],
    mayEnd: (exit: ChildExit) => boolean,
  ): readonly ChildProgram[] {
    const { federation, view } = this.#options;
    const place = federation.transport === 'dir' ? ['--dir', SHARED_DIRECTORY] : [];
    return this.#children.start(
      sites.map(({ role, name, configuration }) => ({
        ...this.#program(role === 'server' ? name : `client ${name}`, 'mila', [
          role,
          configuration,
          '--json',
          ...place,
        ]),
        onEvent: (event) => {
          if (role === 'server') this.#told.hear(event);
          view.event(name, event);
        },
        mayEnd,
      })),
    );
  }

  #program(name: string, program: ChildStart['program'], args: readonly string[]): ChildStart {
    return { name, program, args, directory: this.#options.federation.directory };
  }

  #absolute(path: string | null): string | null {
    return path === null ? null : resolve(this.#options.federation.directory, path);
  }
}

/**
 * Run a whole federation on this machine, every program a process of its own.
 *
 * Guarantees: when this settles, every process that it started is gone.
 */
export async function rehearse(options: RehearsalOptions): Promise<RehearsalResult> {
  const children = new ChildGroup(options);
  try {
    return await new Rehearsal(options, children).run();
  } finally {
    options.view.close();
    await children.stop();
  }
}
