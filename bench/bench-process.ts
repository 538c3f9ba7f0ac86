import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** How long a program may take to stop in order. */
const STOP_MS = 30_000;

type BenchEvent = Record<string, unknown> & { readonly event: string; readonly round?: number };

/** A built program with the moment of each of its JSON events. */
export class BenchProcess {
  readonly pid: number;
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  readonly #events: { readonly atMs: number; readonly event: BenchEvent }[] = [];
  readonly #waiting = new Set<() => void>();
  #words = '';

  constructor(
    program: 'mila' | 'mila-sync',
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    const script = fileURLToPath(new URL(`../dist/cli/${program}.js`, import.meta.url));
    // A pipe as standard input, so that it leaves when this process is gone.
    this.#child = spawn(process.execPath, [script, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, MILA_EXIT_WITH_PARENT: '1', NO_PROXY: '127.0.0.1', ...environment },
    });
    this.pid = this.#child.pid ?? 0;
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-2_000);
    });
    if (this.#child.stdout !== null)
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.#events.push({ atMs: performance.now(), event: JSON.parse(line) as BenchEvent });
        for (const look of [...this.#waiting]) look();
      });
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('close', (code) => {
        if (code === 0 || code === 130) resolve();
        else reject(new Error(`${program} ${args[0]} left with ${code}: ${this.#words}`));
      });
    });
    this.exited.catch(() => {});
  }

  /** When it told of something in a round first. Units: milliseconds of this process's clock. */
  timeOf(event: string, round: number): number | undefined {
    return this.#events.find((each) => each.event.event === event && each.event.round === round)?.atMs;
  }

  /** When it told of something in a round last. */
  lastTimeOf(event: string, round: number): number | undefined {
    return this.#events.findLast((each) => each.event.event === event && each.event.round === round)?.atMs;
  }

  async waitFor(event: string, round: number | undefined, patienceMs: number): Promise<BenchEvent> {
    const find = () =>
      this.#events.find(
        (each) => each.event.event === event && (round === undefined || each.event.round === round),
      );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no ${event} in time: ${this.#words}`)), patienceMs);
    });
    const over = this.exited.then(() => {
      throw new Error(`it ended before ${event}`);
    });
    over.catch(() => {});
    try {
      for (;;) {
        const found = find();
        if (found !== undefined) return found.event;
        const heard = new Promise<void>((resolve) => {
          const look = () => {
            this.#waiting.delete(look);
            resolve();
          };
          this.#waiting.add(look);
        });
        await Promise.race([heard, late, over]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Stop it in order, and wait; one that does not end in time is killed, and that is told. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => {
      process.stderr.write(
        `  killed, as it did not end on SIGTERM: ${this.#child.spawnargs.slice(1, 4).join(' ')}\n`,
      );
      this.#child.kill('SIGKILL');
    }, STOP_MS);
    await this.exited.catch(() => {});
    clearTimeout(late);
  }
}
