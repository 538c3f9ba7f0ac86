/** `mila-sync/aggregation`: the rules that turn a round's updates into the next model. */
export type {
  AggregationInput,
  AggregationOptions,
  AggregationReport,
  Aggregator,
  CheckedContent,
  RefusedUpdate,
} from '../fl/aggregate/aggregator.ts';
export { type AggregatorDependencies, createAggregator } from '../fl/aggregate/create-aggregator.ts';
export type { Metrics } from '../fl/executor/executor.ts';
export { type ParticipantId, participantId } from '../ids.ts';
export type { LogFields, Logger } from '../logger.ts';
