import { lookup as dnsLookup } from 'node:dns';
import type { LookupOptions } from 'node:dns';
import type http from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

type Lookup = NonNullable<http.RequestOptions['lookup']>;

/**
 * A look-up of names that hands on no private address. What is connected to is what was looked at, so a name that answers
 * otherwise the second time gains nothing.
 * @param refusal made where an address is private
 */
export function guardedLookup(mayBePrivate: boolean, refusal: () => Error): Lookup {
  return ((hostname: string, options: LookupOptions, done: (error: Error | null, ...found: unknown[]) => void) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error);
      if (!mayBePrivate && addresses.some(({ address }) => isPrivate(address))) return done(refusal());
      if (options.all) return done(null, addresses);
      const [first] = addresses;
      return done(null, first!.address, first!.family);
    });
  }) as Lookup;
}

/** Whether the host of a URL is a private address itself: those are not looked up. */
export function isPrivateLiteral({ hostname }: URL): boolean {
  const literal = hostname.replace(/^\[|\]$/g, '');
  return isIP(literal) !== 0 && isPrivate(literal);
}

/** @param allow hosts that may be private, as `host` or `host:port` */
export function isAllowed({ host, hostname }: URL, allow: readonly string[]): boolean {
  return allow.includes(host) || allow.includes(hostname);
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
