import { createInterface } from 'node:readline/promises';
import { terminalLine } from '../terminal-text.ts';
import { barStream } from './output.ts';

/** A person at the terminal who is asked, line by line. */
export interface Asking {
  /** The answer, trimmed; undefined when the person leaves with Ctrl-C or Ctrl-D. */
  ask(question: string): Promise<string | undefined>;
  close(): void;
}

/** Whoever asks closes it. */
export function askOnTerminal(): Asking {
  const lines = createInterface({ input: process.stdin, output: barStream() });
  const left = new Promise<undefined>((resolve) => {
    lines.once('SIGINT', () => resolve(undefined)).once('close', () => resolve(undefined));
  });
  return {
    ask: async (question) => {
      const answer = lines.question(terminalLine(question)).catch(() => undefined);
      return (await Promise.race([answer, left]))?.trim();
    },
    close: () => lines.close(),
  };
}
