import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Clock } from '../../clock.ts';
import { ChildGroup, withSuccess } from '../child-group.ts';
import type { ChildEvent, ChildExit, ChildProgram } from '../child-program.ts';
import { EXIT } from '../exit-codes.ts';
import type { SessionView } from '../session-view.ts';
import { READY_TIMEOUT_MS, type Site, SitePrograms } from '../site-programs.ts';
import { EMULATOR_KEY_FILE, type LocalFederation, SHARED_DIRECTORY } from './local-federation.ts';

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
   * client without which there is no going on; InterruptedError after an abort.
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
  readonly #programs: SitePrograms;
  readonly #told = new ToldRun();

  constructor(options: RehearsalOptions, children: ChildGroup) {
    this.#options = options;
    this.#children = children;
    this.#programs = new SitePrograms(children);
  }

  async run(): Promise<RehearsalResult> {
    const failure = await this.#run().then(
      () => null,
      (error: unknown) => error,
    );
    const { folder, finalModel } = this.#told;
    return { failure, finalModel: this.#absolute(finalModel), runFolder: this.#absolute(folder) };
  }

  async #run(): Promise<void> {
    const { transport } = this.#options.federation;
    if (transport === 'box') await this.#mountBox();
    if (transport === 'dir') await this.#prepareFolder();
    if (transport === 'grpc') await this.#prepareCertificates();
    this.#options.view.phase('training');
    await this.#federate();
  }

  async #mountBox(): Promise<void> {
    const { federation, view } = this.#options;
    const { server, clients, emulator } = federation;
    if (emulator) await this.#startEmulator();
    view.phase(`mounting the shared folder for the server and ${clients.length} clients`);
    await this.#programs.mount(server, clients);
  }

  async #startEmulator(): Promise<void> {
    const { federation, view } = this.#options;
    const { directory, server, clients } = federation;
    view.phase('starting the Box emulator');
    await mkdir(join(directory, dirname(EMULATOR_DATA)), { recursive: true });
    const args = ['--data', EMULATOR_DATA, '--write-config', EMULATOR_KEY_FILE];
    await this.#programs.startEmulator({ directory, args });
    const participants = clients.flatMap(({ name }) => ['--participant', name]);
    await this.#children.run({
      name: 'set-up of Box',
      program: 'mila-sync',
      args: ['setup', server.configuration, '--json', '--quiet', ...participants],
      directory,
    });
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
    await this.#programs.makeCertificates({ directory, output: dirname(root), host, clients });
  }

  async #federate(): Promise<void> {
    const { server: site, clients: sites, transport } = this.#options.federation;
    const [server] = this.#startParticipants([site], withSuccess) as [ChildProgram];
    if (transport === 'grpc') await this.#children.step(server.waitFor('listening', READY_TIMEOUT_MS));
    const clients = this.#startParticipants(sites, isServersMatter);
    await this.#children.step(server.exited);
    // They take the final model along.
    await this.#children.step(Promise.all(clients.map(({ exited }) => exited)));
  }

  #startParticipants(sites: readonly Site[], mayEnd: (exit: ChildExit) => boolean): readonly ChildProgram[] {
    const { federation, view } = this.#options;
    return this.#programs.startParticipants(sites, {
      nameOf: ({ role, name }) => (role === 'server' ? name : `client ${name}`),
      args: federation.transport === 'dir' ? ['--dir', SHARED_DIRECTORY] : [],
      onEvent: ({ role, name }, event) => {
        if (role === 'server') this.#told.hear(event);
        view.event(name, event);
      },
      mayEnd,
    });
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
