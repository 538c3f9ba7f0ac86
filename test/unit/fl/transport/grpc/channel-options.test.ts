import { expect, it } from 'vitest';
import { defaultGrpcSection } from '../../../../../src/fl/config/grpc-section.ts';
import { channelSettings } from '../../../../../src/fl/transport/grpc/channel-options.ts';

const withOptions = (options: [string, string | number][]) => ({ ...defaultGrpcSection(), options });

it('allows what kMoL allows, and pings no more often than its server bears', () => {
  const [server, client] = (['server', 'client'] as const).map((role) =>
    channelSettings(role, withOptions([])),
  );
  for (const side of [server, client])
    expect(side).toMatchObject({ sendMaxBytes: 1_000_000_000, receiveMaxBytes: 1_000_000_000 });
  expect(server?.options['grpc.keepalive_time_ms']).toBe(30_000);
  expect(client?.options['grpc.keepalive_time_ms']).toBe(300_000);
});

it('passes every option through, over its own defaults', () => {
  const { options } = channelSettings(
    'client',
    withOptions([
      ['grpc.keepalive_time_ms', 1_000],
      ['grpc.primary_user_agent', 'site_a'],
      ['grpc.anything', 'at all'],
    ]),
  );
  expect(options).toMatchObject({
    'grpc.keepalive_time_ms': 1_000,
    'grpc.primary_user_agent': 'site_a',
    'grpc.anything': 'at all',
    'grpc.keepalive_timeout_ms': 20_000,
  });
});

it.each([
  [2_000_000_000, 2_000_000_000],
  ['5000', 5_000],
  [-1, 2_147_483_647],
  [9_000_000_000, 2_147_483_647],
  ['much', 2_147_483_647],
])('a limit of %j allows messages of %d bytes, never more than protobuf does', (given, bytes) => {
  const { options, sendMaxBytes, receiveMaxBytes } = channelSettings(
    'server',
    withOptions([
      ['grpc.max_send_message_length', given],
      ['grpc.max_receive_message_length', given],
    ]),
  );
  expect([sendMaxBytes, receiveMaxBytes]).toEqual([bytes, bytes]);
  expect(options['grpc.max_receive_message_length']).toBe(bytes);
});
