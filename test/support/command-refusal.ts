import type { Command } from 'commander';

/** Run a command in this process. Returns what it throws; undefined when it ends well. */
export async function refusalOf(command: Command, ...args: readonly string[]): Promise<unknown> {
  return command
    .exitOverride()
    .parseAsync([...args], { from: 'user' })
    .then(
      () => undefined,
      (error: unknown) => error,
    );
}
