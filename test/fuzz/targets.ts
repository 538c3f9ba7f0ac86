import type { FuzzTarget } from './target.ts';
import { ARCHIVE_TARGET, CHECKPOINT_TARGET, PICKLE_TARGET } from './targets/checkpoint.ts';

/** Everything that is fuzzed. A new one is a file in `targets/` and a line here. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [PICKLE_TARGET, CHECKPOINT_TARGET, ARCHIVE_TARGET];
