import type { ChildGroup, ChildStart } from './child-group.ts';
import type { ChildEvent, ChildExit, ChildProgram } from './child-program.ts';

/** How long the emulator, a mount and a server's port may take to be ready. */
export const READY_TIMEOUT_MS = 60_000;

/** A participant whose programs run on this machine. */
export interface Site {
  readonly role: 'server' | 'client';
  readonly name: string;
  /** The programs' working directory; relative paths of the configuration start here. */
  readonly directory: string;
  /** The configuration's file name inside `directory`. */
  readonly configuration: string;
}

/** Where a program runs, and what it is told beside what every such program is. */
interface Place {
  readonly directory: string;
  readonly args: readonly string[];
}

interface Participation {
  /** What a person calls a site's program. */
  readonly nameOf: (site: Site) => string;
  /** Beside the role and the configuration. */
  readonly args?: readonly string[];
  readonly onEvent: (site: Site, event: ChildEvent) => void;
  /** Whether an end is no trouble. */
  readonly mayEnd: (exit: ChildExit) => boolean;
}

/** The certificates of a federation over gRPC. */
interface Certificates {
  /** Relative paths start here. */
  readonly directory: string;
  readonly output: string;
  readonly host: string;
  readonly clients: readonly Site[];
}

/** The programs of a whole federation on this machine. Errors: of every step, as `ChildGroup.step`. */
export class SitePrograms {
  readonly #children: ChildGroup;

  constructor(children: ChildGroup) {
    this.#children = children;
  }

  /** Start a Box emulator at any free port. Returns its address. */
  async startEmulator({ directory, args }: Place): Promise<string> {
    const emulator: ChildStart = {
      name: 'emulator',
      program: 'mila-sync',
      args: ['emulator', '--json', '--port', '0', ...args],
      directory,
    };
    const ready = await this.#children.startUntil(emulator, 'ready', READY_TIMEOUT_MS);
    return String(ready['url']);
  }

  /** Mount the shared folder for everybody. */
  async mount(server: Site, clients: readonly Site[]): Promise<void> {
    // The server's mount makes the session folder; the clients' mounts would look for it in vain, and wait.
    for (const sites of [[server], clients]) {
      const mounts = this.#children.start(
        sites.map(({ name, directory, configuration }) => ({
          name: `mount of ${name}`,
          program: 'mila-sync',
          args: ['mount', configuration, '--json'],
          directory,
        })),
      );
      await this.#children.step(Promise.all(mounts.map((mount) => mount.waitFor('ready', READY_TIMEOUT_MS))));
    }
  }

  /** Make the certificates that are not there yet. */
  async makeCertificates({ directory, output, host, clients }: Certificates): Promise<void> {
    const names = clients.flatMap(({ name }) => ['--client', name]);
    const args = ['certificates', '-o', output, '--host', host, ...names, '--json', '--quiet'];
    await this.#children.run({ name: 'maker of certificates', program: 'mila', args, directory });
  }

  /** Start the federation's programs of some sites. */
  startParticipants(
    sites: readonly Site[],
    { nameOf, args = [], onEvent, mayEnd }: Participation,
  ): readonly ChildProgram[] {
    return this.#children.start(
      sites.map((site) => ({
        name: nameOf(site),
        program: 'mila',
        args: [site.role, site.configuration, '--json', ...args],
        directory: site.directory,
        onEvent: (event) => onEvent(site, event),
        mayEnd,
      })),
    );
  }
}
