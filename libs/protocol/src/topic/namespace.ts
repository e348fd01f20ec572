import { DLQ_GROUP_TOPIC_PREFIX, isSystemGroup, isSystemTopic, RETRY_GROUP_TOPIC_PREFIX } from './names.js';

/** Header fields of clients with a namespace of the second kind: "the names are in a namespace", and which. Brokers carry them and act on neither. */
export const NAMESPACED_FIELD = 'nsd';
export const NAMESPACE_FIELD = 'ns';

/** Between a namespace and a name. Follows `remoting/protocol/NamespaceUtil.java`. */
export const NAMESPACE_SEPARATOR = '%';

/** Its `%RETRY%` or `%DLQ%`, and the rest. */
function split(name: string): readonly [prefix: string, rest: string] {
  for (const prefix of [RETRY_GROUP_TOPIC_PREFIX, DLQ_GROUP_TOPIC_PREFIX]) {
    if (name.startsWith(prefix)) return [prefix, name.slice(prefix.length)];
  }
  return ['', name];
}

function isSystemName(name: string): boolean {
  return isSystemTopic(name) || isSystemGroup(name);
}

/**
 * The name that brokers know a topic or group of a namespace by: `ns%name`, `%RETRY%ns%group`, `%DLQ%ns%group`. Names of the system, and those that
 * are in the namespace already, stay as they are; so does everything without a namespace.
 */
export function wrapNamespace(namespace: string | undefined, name: string): string {
  if (!namespace || name === '' || isSystemName(name)) return name;
  const [prefix, rest] = split(name);
  const start = namespace + NAMESPACE_SEPARATOR;
  return rest.startsWith(start) ? name : prefix + start + rest;
}

/** The name without a namespace, whichever it has; names of the system stay as they are. What message traces speak of. */
export function withoutAnyNamespace(name: string): string {
  if (isSystemName(name)) return name;
  const [prefix, rest] = split(name);
  const end = rest.indexOf(NAMESPACE_SEPARATOR);
  return end > 0 ? prefix + rest.slice(end + 1) : name;
}

/** The name without this namespace; one that is not in it stays as it is. */
export function withoutNamespace(namespace: string | undefined, name: string): string {
  if (!namespace) return name;
  const [prefix, rest] = split(name);
  const start = namespace + NAMESPACE_SEPARATOR;
  return rest.startsWith(start) ? prefix + rest.slice(start.length) : name;
}
