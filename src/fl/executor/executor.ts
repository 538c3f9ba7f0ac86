/** Numbers that a training or an evaluation reports, by name: "accuracy", "loss", ... */
export type Metrics = Readonly<Record<string, number>>;

/** A task's configuration as it came in cfg.json, overwrites applied; its numbers as written (`withPlainNumbers` for use). */
export type TaskConfiguration = Readonly<Record<string, unknown>>;

export interface TrainingRequest {
  readonly configuration: TaskConfiguration;
  /** The same as a file (`config.latest.json`), for executors that are other programs. */
  readonly configurationPath: string;
  readonly round: number;
  /** Whose training this is. */
  readonly participant: string;
  /** Where results go; exists. */
  readonly outputDirectory: string;
  /** The aggregate to start from; absent in a first round without a start model. */
  readonly startCheckpointPath?: string;
  readonly signal: AbortSignal;
  /** Called as training goes on. Units: `fraction` from 0 to 1, null while nobody knows; `line` is what the program said last. */
  readonly onProgress?: (fraction: number | null, metrics: Metrics, line?: string) => void;
  /** Told, before it begins, in which file the output of another program will stand. */
  readonly onOutput?: (path: string) => void;
}

export interface TrainingResult {
  /** The complete checkpoint that this training wrote. */
  readonly checkpointPath: string;
  /** Training samples used; null when the executor does not tell. */
  readonly samples: number | null;
  readonly metrics: Metrics;
  /** What was left out of its report, one line each for a person; the model is worth no less for it. */
  readonly omissions?: readonly string[];
}

export interface EvaluationRequest {
  readonly configuration: TaskConfiguration;
  readonly checkpointPath: string;
  readonly signal: AbortSignal;
}

/**
 * The port to whatever trains and evaluates models.
 *
 * Errors: RoundError 'training-failed' with the program's last words as data; ConfigError for a configuration that
 * it cannot run.
 */
export interface Executor {
  /** Look, before anybody waits for it, whether training can begin here at all. Errors: ConfigError. */
  check?(): Promise<void>;
  train(request: TrainingRequest): Promise<TrainingResult>;
  evaluate(request: EvaluationRequest): Promise<Metrics>;
}
