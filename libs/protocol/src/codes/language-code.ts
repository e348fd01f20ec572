/**
 * Languages of peers, by their number in the compact header; the JSON header carries the name.
 *
 * Follows `remoting/protocol/LanguageCode.java`. NODE_JS exists from RocketMQ 5.3.2 on: older brokers read it as null
 * and then fail in places, so our client says OTHER and our servers say JAVA.
 */
export const LanguageCode = {
  JAVA: 0,
  CPP: 1,
  DOTNET: 2,
  PYTHON: 3,
  DELPHI: 4,
  ERLANG: 5,
  RUBY: 6,
  OTHER: 7,
  HTTP: 8,
  GO: 9,
  PHP: 10,
  OMS: 11,
  RUST: 12,
  NODE_JS: 13,
} as const;

export type LanguageName = keyof typeof LanguageCode;

const NAMES = Object.keys(LanguageCode) as LanguageName[];
const CODES = new Map<string, number>(Object.entries(LanguageCode));

/** Name of a language number; unknown numbers read as OTHER. */
export function languageName(code: number): string {
  return NAMES[code] ?? 'OTHER';
}

/** Number of a language name; unknown names (newer clients) travel as OTHER in the compact header. */
export function languageCode(name: string): number {
  return CODES.get(name) ?? LanguageCode.OTHER;
}
