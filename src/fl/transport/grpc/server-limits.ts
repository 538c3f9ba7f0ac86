import { ConfigError, RejectedError } from '../../../errors.ts';
import type { ClientView } from './client-view.ts';
import { MESSAGE_ALLOWANCE_BYTES } from './wire-definition.ts';

type Known = Pick<ClientView, 'limits'>;

/** Errors: ConfigError 'heartbeat-too-slow' when the server would count this client as lost between two beats. */
export function assertHeartbeat({ limits }: Known, heartbeatFrequencyMs: number | null): void {
  if (
    heartbeatFrequencyMs === null ||
    limits === null ||
    heartbeatFrequencyMs / 1_000 < limits.heartbeat_timeout
  )
    return;
  throw new ConfigError({
    code: 'heartbeat-too-slow',
    message: `heartbeat_frequency is ${heartbeatFrequencyMs / 1_000} s, but the server counts a client as lost after ${limits.heartbeat_timeout} s of silence`,
    hint: `Set heartbeat_frequency to ${Math.max(1, Math.floor(limits.heartbeat_timeout / 3))} or less.`,
  });
}

/** Errors: RejectedError 'message-too-large', naming the limit, when one of the two sides could not take a checkpoint. */
export function assertFits({ limits }: Known, checkpointBytes: number, sendMaxBytes: number): void {
  const neededBytes = checkpointBytes + MESSAGE_ALLOWANCE_BYTES;
  if (neededBytes > sendMaxBytes)
    throw tooLarge(
      checkpointBytes,
      `more than one message holds: ${sendMaxBytes} (grpc.max_send_message_length, at most 2 GiB)`,
    );
  if (limits !== null && neededBytes > limits.message_bytes)
    throw tooLarge(
      checkpointBytes,
      `more than one message to the server may have: ${limits.message_bytes} (grpc.max_receive_message_length of the server)`,
    );
}

function tooLarge(checkpointBytes: number, why: string): RejectedError {
  return new RejectedError({
    code: 'message-too-large',
    message: `the checkpoint has ${checkpointBytes} bytes, ${why}`,
    hint: 'Raise the limit on both sides; a federation over Box has none.',
  });
}
