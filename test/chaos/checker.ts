import { messageName, type AckEvent, type ClientEvent, type GotEvent } from './history.js';

/** Violations of one kind that are told; the rest are counted. */
const MAX_TOLD = 10;

export interface CheckOptions {
  /** Consumer groups that must have got every acknowledged message. */
  readonly groups: readonly string[];
  /** Those of them that consume in order. */
  readonly orderedGroups: readonly string[];
}

/**
 * What must hold of a history, whatever was done to the cluster: each acknowledged message was consumed, the messages of a queue keep the order in which
 * they were acknowledged, and no offset was ever used for two messages.
 *
 * @returns what does not hold, in words; empty when everything does.
 */
export function checkHistory(events: readonly ClientEvent[], { groups, orderedGroups }: CheckOptions): string[] {
  const acks = events.filter((event): event is AckEvent => event.e === 'ack');
  const got = events.filter((event): event is GotEvent => event.e === 'got');
  return [
    ...acknowledgedTwice(acks),
    ...groups.flatMap((group) => lost(acks, got, group)),
    ...offsetsUsedTwice([...acks, ...got]),
    ...offsetsOutOfOrder(acks),
    ...orderedGroups.flatMap((group) => consumedOutOfOrder(acks, got, group)),
  ];
}

function acknowledgedTwice(acks: readonly AckEvent[]): string[] {
  const seen = new Set<string>();
  const twice = acks.map(messageName).filter((name) => seen.has(name) || !seen.add(name));
  return told(twice.map((name) => `${name} was acknowledged twice`));
}

function lost(acks: readonly AckEvent[], got: readonly GotEvent[], group: string): string[] {
  const consumed = new Set(got.filter((event) => event.group === group).map(messageName));
  const missing = acks.filter((ack) => !consumed.has(messageName(ack)));
  return told(
    missing.map(
      (ack) => `${messageName(ack)}, acknowledged at ${ack.queue}:${ack.offset}, was never consumed by ${group}`,
    ),
  );
}

function offsetsUsedTwice(events: readonly (AckEvent | GotEvent)[]): string[] {
  const owners = new Map<string, string>();
  const found = new Set<string>();
  for (const event of events) {
    const at = `${event.queue}:${event.offset}`;
    const name = messageName(event);
    const owner = owners.get(at);
    if (owner === undefined) owners.set(at, name);
    else if (owner !== name) found.add(`${at} was ${owner} and ${name}`);
  }
  return told([...found]);
}

/** A message whose send began after the one before it in its lane was acknowledged lies behind that one. */
function offsetsOutOfOrder(acks: readonly AckEvent[]): string[] {
  const last = new Map<string, AckEvent>();
  const found: string[] = [];
  for (const ack of acks) {
    const before = last.get(ack.lane);
    if (before !== undefined && (ack.n < before.n || ack.offset <= before.offset))
      found.push(
        `${messageName(ack)} is at ${ack.queue}:${ack.offset}, ${messageName(before)} before it at ${before.offset}`,
      );
    last.set(ack.lane, ack);
  }
  return told(found);
}

/** Messages may come again, but none for the first time before one that was acknowledged earlier. */
function consumedOutOfOrder(acks: readonly AckEvent[], got: readonly GotEvent[], group: string): string[] {
  const acknowledged = new Set(acks.map(messageName));
  const seen = new Set<string>();
  const highest = new Map<string, number>();
  const found: string[] = [];
  for (const event of got) {
    const name = messageName(event);
    if (event.group !== group || !acknowledged.has(name) || seen.has(name)) continue;
    seen.add(name);
    const before = highest.get(event.lane) ?? -1;
    if (event.n < before) found.push(`${group} got ${name} after ${event.lane}#${before}`);
    else highest.set(event.lane, event.n);
  }
  return told(found);
}

function told(violations: readonly string[]): string[] {
  const more = violations.length - MAX_TOLD;
  return more > 0 ? [...violations.slice(0, MAX_TOLD), `... and ${more} more like that`] : [...violations];
}
