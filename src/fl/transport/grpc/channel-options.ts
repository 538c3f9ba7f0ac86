import type { ChannelOptions } from '@grpc/grpc-js';
import type { GrpcSection } from '../../config/grpc-section.ts';
import { FLOW_WINDOW_BYTES } from './flow-window.ts';

/** What kMoL allows a message. Units: bytes. */
export const MESSAGE_LIMIT_BYTES = 1_000_000_000;
/** The most that protobuf allows a message, whatever is configured. Units: bytes. */
export const MESSAGE_MAX_BYTES = 2_147_483_647;

const SEND = 'grpc.max_send_message_length';
const RECEIVE = 'grpc.max_receive_message_length';

const SHARED: ChannelOptions = {
  [SEND]: MESSAGE_LIMIT_BYTES,
  [RECEIVE]: MESSAGE_LIMIT_BYTES,
  'grpc.keepalive_timeout_ms': 20_000,
};

/** Dead clients must be noticed in time; no client minds being pinged. */
const SERVER: ChannelOptions = {
  ...SHARED,
  'grpc.keepalive_time_ms': 30_000,
  // A client needs three at a time; each costs memory before anybody knows whose it is.
  'grpc.max_concurrent_streams': 32,
};

/** kMoL's server cuts whoever pings more often than every five minutes while it sends nothing. */
const CLIENT: ChannelOptions = {
  ...SHARED,
  'grpc.keepalive_time_ms': 300_000,
  'grpc-node.flow_control_window': FLOW_WINDOW_BYTES,
  'grpc.initial_reconnect_backoff_ms': 1_000,
  'grpc.max_reconnect_backoff_ms': 30_000,
  // Every client process is a connection of its own, also where several live in one process.
  'grpc.use_local_subchannel_pool': 1,
};

/** A side's options for grpc-js, and what they mean for messages. */
export interface ChannelSettings {
  readonly options: ChannelOptions;
  /** Units: bytes. */
  readonly sendMaxBytes: number;
  readonly receiveMaxBytes: number;
}

function limitOf(value: unknown): number {
  const limit = Number(value);
  return Number.isFinite(limit) && limit >= 0 ? Math.min(limit, MESSAGE_MAX_BYTES) : MESSAGE_MAX_BYTES;
}

/** The options of a configuration over our own defaults; every option of grpc-js passes through. */
export function channelSettings(role: 'server' | 'client', section: GrpcSection): ChannelSettings {
  const options: ChannelOptions = {
    ...(role === 'server' ? SERVER : CLIENT),
    ...Object.fromEntries(section.options),
  };
  const sendMaxBytes = limitOf(options[SEND]);
  const receiveMaxBytes = limitOf(options[RECEIVE]);
  return {
    options: { ...options, [SEND]: sendMaxBytes, [RECEIVE]: receiveMaxBytes },
    sendMaxBytes,
    receiveMaxBytes,
  };
}
