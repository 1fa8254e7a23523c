import { lookup as systemLookup } from 'node:dns';
import type { LookupOptions } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Where a request may go. */
export interface Reach {
  /** Hosts that may be private, as `host` or `host:port`. */
  allow: readonly string[];
  /** The fault of a request to an address that is private. */
  refusal(url: URL): Error;
  /** Who knows the addresses of a name; default: the system. */
  lookup?: typeof systemLookup;
}

/**
 * Begins a request to a public address, or to a host that may be private. The address that is connected to is the one that was
 * looked at, whatever name or spelling led there: a name that answers otherwise the second time gains nothing.
 * @throws what `refusal` makes; where a name leads to a private address, as the request's own error
 */
export function guardedRequest(
  url: URL,
  options: http.RequestOptions,
  { allow, refusal, lookup = systemLookup }: Reach,
): http.ClientRequest {
  const mayBePrivate = allow.includes(url.host) || allow.includes(url.hostname);
  // A literal address is not looked up.
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (!mayBePrivate && isIP(literal) !== 0 && isPrivate(literal)) throw refusal(url);
  const { request } = url.protocol === 'https:' ? https : http;
  return request(url, { ...options, ...(!mayBePrivate && { lookup: lookUpPublic(lookup, () => refusal(url)) }) });
}

function lookUpPublic(lookup: typeof systemLookup, refusal: () => Error): NonNullable<http.RequestOptions['lookup']> {
  return ((hostname: string, options: LookupOptions, done: (error: Error | null, ...found: unknown[]) => void) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error);
      if (addresses.some(({ address }) => isPrivate(address))) return done(refusal());
      if (options.all) return done(null, addresses);
      const [first] = addresses;
      return done(null, first!.address, first!.family);
    });
  }) as NonNullable<http.RequestOptions['lookup']>;
}

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv6');

/** Loopback, private, link-local, multicast and the like; an IPv4 address within IPv6 counts as itself. */
function isPrivate(address: string): boolean {
  const mapped = /^::(?:ffff:)?(?:0:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return PRIVATE.check(mapped[1]!, 'ipv4');
  // The other spelling of a mapped address is checked as IPv4 by the list itself.
  return PRIVATE.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
