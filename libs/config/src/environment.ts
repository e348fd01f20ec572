/** Every environment variable that sets a key by its own name begins so. */
export const ENVIRONMENT_PREFIX = 'ROCKNEST_';

/** `brokerIP1` -> `ROCKNEST_BROKER_IP1`, `useTLS` -> `ROCKNEST_USE_TLS`. */
export function environmentName(key: string): string {
  const words = key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z])([A-Z][a-z])/g, '$1_$2');
  return ENVIRONMENT_PREFIX + words.replace(/[^A-Za-z0-9]+/g, '_').toUpperCase();
}
