import { BlockList, isIP, SocketAddress } from 'node:net';

/** IPv4 addresses that came in through an IPv6 socket as plain IPv4; no brackets, no zone. */
function plainAddress(text: string): string {
  const address = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  if (isIP(address) !== 6) return address;
  // One address has many spellings; this is the system's own.
  const plain = new SocketAddress({ address, family: 'ipv6' }).address;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1] ?? plain;
}

/** The address of a peer, which grpc-js names as `address:port`, IPv6 too, and without brackets. */
export function addressOf(peer: string): string {
  const lastColon = peer.lastIndexOf(':');
  return plainAddress(lastColon === -1 ? peer : peer.slice(0, lastColon));
}

type Family = 'ipv4' | 'ipv6';

interface Range {
  readonly address: string;
  readonly family: Family;
  /** Null for a single address. */
  readonly prefix: number | null;
}

function parseRange(entry: string): Range | undefined {
  const [host = '', prefixText, ...rest] = entry.trim().split('/');
  const address = plainAddress(host);
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return undefined;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (prefixText === undefined) return { address, family, prefix: null };
  // A mapped network counts its prefix from the IPv6 side.
  const offset = version === 4 && host.includes(':') ? 96 : 0;
  const prefix = Number(prefixText) - offset;
  const widest = version === 4 ? 32 : 128;
  if (!/^\d{1,3}$/.test(prefixText) || prefix < 0 || prefix > widest) return undefined;
  return { address, family, prefix };
}

/** Why an entry of a list cannot be used; undefined when it can. */
export function addressRangeProblem(entry: string): string | undefined {
  return parseRange(entry) === undefined
    ? `${JSON.stringify(entry)} is no IPv4 or IPv6 address, alone or with a prefix such as 10.1.0.0/16`
    : undefined;
}

/** A list for each family: in one for both, Node takes ::/0 for all of IPv4 as well. */
function listOf(entries: readonly string[]): Readonly<Record<Family, BlockList>> {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const entry of entries) {
    const range = parseRange(entry);
    if (range === undefined) continue;
    const list = lists[range.family];
    if (range.prefix === null) list.addAddress(range.address, range.family);
    else list.addSubnet(range.address, range.prefix, range.family);
  }
  return lists;
}

export interface AddressLists {
  readonly blacklist: readonly string[];
  readonly whitelist: readonly string[];
  readonly useWhitelist: boolean;
}

/** Who may connect, by address: nobody on the black list, and, where the white list is in use, only who is on that. */
export function createAddressGate(lists: AddressLists): (address: string) => boolean {
  const black = listOf(lists.blacklist);
  const white = listOf(lists.whitelist);
  return (address) => {
    const version = isIP(address);
    // A peer without an address (a Unix socket) is on no list.
    if (version === 0) return !lists.useWhitelist;
    const family: Family = version === 4 ? 'ipv4' : 'ipv6';
    const isOn = (list: typeof black) => list[family].check(address, family);
    return !isOn(black) && (!lists.useWhitelist || isOn(white));
  };
}
