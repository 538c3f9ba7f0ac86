import type { GrpcSection } from '../../config/grpc-section.ts';
import type { ConnectionLimits } from './connections.ts';
import type { TransferPace } from './transfers.ts';

/** The least that a server takes where its configuration names no number. */
const TOTAL_LEAST = 1_024;
const PER_ADDRESS_LEAST = 256;
/** Clients with a connection for each call, as kMoL's, have two or three at a time; some are about to close. */
const PER_CLIENT = 4;
const STRANGER_IDLE_MS = 60_000;
const PARTICIPANT_IDLE_MS = 900_000;

/** How slowly a model or a checkpoint may move, by a configuration. */
export function paceOf(section: GrpcSection): TransferPace {
  return {
    timeoutMs: section.transfer_timeout,
    leastBytesPerSecond: section.transfer_rate_minimum,
    windowMs: section.transfer_rate_window,
  };
}

/** How many connections a server takes, by its configuration; all clients may be behind one address. */
export function connectionLimits(section: GrpcSection, maximumClients: number): ConnectionLimits {
  return {
    total: section.maximum_connections ?? Math.max(TOTAL_LEAST, PER_CLIENT * maximumClients),
    perAddress:
      section.maximum_connections_per_address ?? Math.max(PER_ADDRESS_LEAST, PER_CLIENT * maximumClients),
    firstCallMs: section.connection_timeout,
    strangerIdleMs: STRANGER_IDLE_MS,
    participantIdleMs: PARTICIPANT_IDLE_MS,
  };
}
