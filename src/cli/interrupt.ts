import { EXIT } from './exit-codes.ts';

/** A stop asked for by SIGINT, SIGTERM or SIGHUP. */
export interface Interrupt {
  /** Aborted with the signal's name as its reason. */
  readonly signal: AbortSignal;
  /** True once a signal arrived. */
  readonly interrupted: () => boolean;
  /** Stop listening. */
  dispose(): void;
}

/** Turn the first signal into an orderly stop and the second into an immediate one. */
export function listenForInterrupt(): Interrupt {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    // The second signal must win over any stop that hangs; the next start recovers.
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort(name);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return {
    signal: controller.signal,
    interrupted: () => controller.signal.aborted,
    dispose: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
