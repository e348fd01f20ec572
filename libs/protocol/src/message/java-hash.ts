/** Java's `String.hashCode()`: int32 over UTF-16 units. */
export function javaStringHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

/** Code of a message's tags in the consume queue and in subscriptions: the Java hash, 0 when there are none. */
export function tagsCodeOf(tags: string | undefined): number {
  return tags === undefined ? 0 : javaStringHash(tags);
}
