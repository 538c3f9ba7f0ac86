/** What a server or a client tells as it goes; one JSON object a line with `--json`. */
export type FederationEvent =
  | { readonly event: 'run-created' | 'run-resumed'; readonly run: string; readonly folder: string }
  | {
      readonly event: 'registered';
      readonly participant: string;
      readonly count: number;
      readonly minimum: number;
      readonly maximum: number;
    }
  | {
      readonly event: 'registration-refused';
      readonly participant: string;
      readonly reason: string;
      readonly message: string;
    }
  | { readonly event: 'registration-closed'; readonly participants: readonly string[] }
  | {
      readonly event: 'round-started';
      readonly round: number;
      readonly rounds?: number;
      readonly participants?: readonly string[];
    }
  | {
      readonly event: 'update-received';
      readonly round: number;
      readonly participant: string;
      readonly samples: number | null;
      readonly metrics: Readonly<Record<string, number>>;
      readonly size_bytes: number;
    }
  | {
      readonly event: 'update-refused' | 'update-late';
      readonly round: number;
      readonly participant: string;
      readonly reason: string;
      readonly message: string;
    }
  | {
      readonly event: 'foreign-file';
      /** Whose the file should be: a participant's name, or "server". */
      readonly participant: string;
      readonly account: string;
      /** Of a file of the server's. */
      readonly path?: string;
      readonly message: string;
    }
  | {
      readonly event: 'participant-lost' | 'participant-left' | 'participant-back';
      readonly participant: string;
      readonly round: number;
    }
  | {
      readonly event: 'waiting';
      /** What for: "registration", "updates", "admission", "aggregate", "ending", "run", "connection". */
      readonly what: string;
      readonly participants: readonly string[];
      /** ISO 8601, null when nothing but the others' doing ends it. */
      readonly until: string | null;
      readonly message: string;
      /** Of a client that waits for its server: when that was heard last, and whether it should have been heard since. ISO 8601. */
      readonly server?: {
        readonly heard_at: string;
        readonly due_at: string | null;
        readonly overdue: boolean;
      };
    }
  | {
      /** Something failed that is tried again by itself. */
      readonly event: 'trouble';
      readonly message: string;
    }
  | { readonly event: 'aggregating'; readonly round: number; readonly fraction: number }
  | {
      readonly event: 'aggregated';
      readonly round: number;
      readonly weights: Readonly<Record<string, number>>;
      readonly refused: readonly { readonly participant: string; readonly reason: string }[];
      /** The participants' own metrics, weighted as their updates were. */
      readonly metrics?: Readonly<Record<string, number>>;
      /** What the rule did beside what it was told, such as scaling weights; one line each. */
      readonly notes?: readonly string[];
      readonly seconds: number;
    }
  | {
      /** Something works as asked but will not do what it seems to. */
      readonly event: 'identity-unknown' | 'task-oddity';
      readonly message: string;
    }
  | { readonly event: 'run-joined'; readonly run: string; readonly folder: string }
  | { readonly event: 'admitted'; readonly participant: string }
  | {
      readonly event: 'training';
      readonly round: number;
      /** Null while nobody knows how far the training has come. */
      readonly fraction: number | null;
      /** What the training program wrote last. */
      readonly line?: string;
      readonly metrics?: Readonly<Record<string, number>>;
    }
  | {
      readonly event: 'trained';
      readonly round: number;
      readonly samples: number | null;
      readonly metrics: Readonly<Record<string, number>>;
      readonly seconds: number;
    }
  | {
      /** Where the output of a training that is another program stands. */
      readonly event: 'training-output';
      readonly round: number;
      readonly path: string;
    }
  | {
      readonly event: 'training-failed' | 'training-abandoned';
      readonly round: number;
      readonly message: string;
      /** The file with all of the training's output, where there is one. */
      readonly output?: string;
    }
  | {
      /** The update is on its way to the others. */
      readonly event: 'uploading';
      readonly round: number;
      readonly fraction: number;
      readonly size_bytes: number;
    }
  | {
      readonly event: 'uploaded';
      readonly round: number;
      readonly size_bytes: number;
      readonly sha256: string;
    }
  | {
      readonly event: 'evaluated';
      readonly round: number;
      readonly metrics: Readonly<Record<string, number>>;
    }
  | {
      readonly event: 'ended';
      readonly reason: string;
      readonly success: boolean;
      readonly message: string;
      readonly final_model: string | null;
    };
