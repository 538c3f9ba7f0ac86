import type { Clock } from '../clock.ts';
import { InterruptedError } from '../errors.ts';
import { type ChildEvent, type ChildExit, ChildProgram } from './child-program.ts';

/** One of our own programs, to be started. */
export interface ChildStart {
  /** For people: "server", "mount of site_a". */
  readonly name: string;
  readonly program: 'mila' | 'mila-sync';
  readonly args: readonly string[];
  /** Its working directory. */
  readonly directory: string;
  readonly onEvent?: (event: ChildEvent) => void;
  /** Whether its end is no trouble; without it, no end is but the one that was asked for. */
  readonly mayEnd?: (exit: ChildExit) => boolean;
}

/** For a program whose end with success is what is wanted. */
export const withSuccess = ({ code }: ChildExit): boolean => code === 0;

interface ChildGroupOptions {
  readonly clock: Clock;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/**
 * Programs of ours that work together, and what must be true of them at every moment.
 *
 * Guarantees: after `stop` every process that was started is gone.
 */
export class ChildGroup {
  readonly #options: ChildGroupOptions;
  /** In the order of their start; they stop in the opposite order. */
  readonly #generations: ChildProgram[][] = [];
  /** Rejects as soon as something makes going on pointless. */
  readonly #trouble: Promise<never>;
  #giveUp: (error: Error) => void = () => {};

  constructor(options: ChildGroupOptions) {
    this.#options = options;
    this.#trouble = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
    // Trouble may come while nobody waits; it is then found at the next step.
    this.#trouble.catch(() => {});
    const interrupted = () =>
      this.#giveUp(new InterruptedError({ code: 'interrupted', message: 'interrupted' }));
    if (options.signal.aborted) interrupted();
    else options.signal.addEventListener('abort', interrupted, { once: true });
  }

  /** Start some programs together, and watch over each until it is told to stop. */
  start(programs: readonly ChildStart[]): readonly ChildProgram[] {
    const children = programs.map((program) => this.#watched(program));
    this.#generations.push(children);
    return children;
  }

  /** Start a program by itself. */
  startOne(program: ChildStart): ChildProgram {
    const child = this.#watched(program);
    this.#generations.push([child]);
    return child;
  }

  /** Start a program and wait until it tells an event of this kind. Errors: as `step`. */
  async startUntil(program: ChildStart, kind: string, timeoutMs: number): Promise<ChildEvent> {
    return this.step(this.startOne(program).waitFor(kind, timeoutMs));
  }

  /** Start a program and wait for its end with success. Errors: as `step`. */
  async run(program: ChildStart): Promise<void> {
    await this.step(this.startOne({ ...program, mayEnd: withSuccess }).exited);
  }

  #watched({ mayEnd = () => false, ...program }: ChildStart): ChildProgram {
    const { clock, environment } = this.#options;
    const child = new ChildProgram({ ...program, clock, environment });
    void child.exited.then((exit) => {
      if (!child.stopping && !mayEnd(exit)) this.#giveUp(child.failure(exit));
    });
    return child;
  }

  /**
   * Wait for something, unless trouble comes first.
   *
   * Errors: the class that the failed program's exit code stands for; InterruptedError after an abort.
   */
  step<Value>(work: Value | Promise<Value>): Promise<Value> {
    return Promise.race([this.#trouble, work]);
  }

  /** As `step`, with an error that comes when it takes too long. */
  async stepWithin<Value>(work: Promise<Value>, limitMs: number, late: () => Error): Promise<Value> {
    const timer = this.#options.clock.after(limitMs, () => this.#giveUp(late()));
    try {
      return await this.step(work);
    } finally {
      timer.cancel();
    }
  }

  /** Stop every process, the youngest first. */
  async stop(): Promise<void> {
    for (const generation of this.#generations.toReversed())
      await Promise.all(generation.map((child) => child.stop()));
  }
}
