/** `mila-sync/checkpoint`: PyTorch's checkpoints, read without running anything in them, and written. */
export type { Dtype, StateDict, Tensor } from '../fl/tensor/tensor.ts';
export type { CheckpointOptions } from '../fl/torch/checkpoint-reader.ts';
export { type CheckpointSummary, inspectCheckpoint } from '../fl/torch/inspect-checkpoint.ts';
export { type CheckpointLimits, DEFAULT_LIMITS } from '../fl/torch/limits.ts';
export { readStateDict, writeStateDict } from '../fl/torch/state-dict-file.ts';
