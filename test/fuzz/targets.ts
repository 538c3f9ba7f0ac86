import type { FuzzTarget } from './target.ts';
import { ARCHIVE_TARGET, CHECKPOINT_TARGET, PICKLE_TARGET } from './targets/checkpoint.ts';
import { CONFIGURATION_TARGET } from './targets/configurations.ts';
import { GRPC_TARGET } from './targets/grpc.ts';
import { RECORDING_TARGET } from './targets/recordings.ts';
import { SIDE_FILE_TARGET } from './targets/side-files.ts';

/** Everything that is fuzzed. A new one is a file in `targets/` and a line here. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  PICKLE_TARGET,
  CHECKPOINT_TARGET,
  ARCHIVE_TARGET,
  RECORDING_TARGET,
  SIDE_FILE_TARGET,
  GRPC_TARGET,
  CONFIGURATION_TARGET,
];
