import type { HeaderFields, RemotingCommand } from '../command/remoting-command.js';
import { requestCodeName } from '../codes/request-code.js';
import { ProtocolError } from '../errors.js';

type WireValue = string | number | boolean | undefined;

/** How one header field is read and written. */
export interface HeaderField<T> {
  read(command: RemotingCommand, name: string): T;
  write(value: T): WireValue;
  /** Name on the wire when it differs from the property's. */
  wireName?: string;
}

export interface HeaderCodec<T> {
  decode(command: RemotingCommand): T;
  encode(header: T): HeaderFields;
}

/** Codec of a header from its fields: property names are the wire's unless a field says otherwise ({@link named}). */
export function defineHeader<T extends object>(fields: { [K in keyof T]-?: HeaderField<T[K]> }): HeaderCodec<T> {
  const entries = (Object.keys(fields) as (keyof T & string)[]).map((property) => {
    const field: HeaderField<T[keyof T & string]> = fields[property];
    return { property, wireName: field.wireName ?? property, field };
  });
  return {
    decode(command) {
      const header = {} as T;
      for (const { property, wireName, field } of entries) header[property] = field.read(command, wireName);
      return header;
    },
    encode(header) {
      const encoded: HeaderFields = {};
      for (const { property, wireName, field } of entries) encoded[wireName] = field.write(header[property]);
      return encoded;
    },
  };
}

const asIs = <T extends WireValue>(value: T): WireValue => value;

/** A text that must be there. The compact header cannot carry an empty one, so absent and empty are both refused. */
export const text: HeaderField<string> = { read: requiredText, write: asIs };

/** A text that is '' when absent. */
export const textOrEmpty: HeaderField<string> = { read: (command, name) => command.field(name) ?? '', write: asIs };

export const optionalText: HeaderField<string | undefined> = {
  read: (command, name) => command.field(name),
  write: asIs,
};

export const int32: HeaderField<number> = { read: requiredInt32, write: asIs };

export const optionalInt32: HeaderField<number | undefined> = { read: int32OrUndefined, write: asIs };

/** An int64 within the range that numbers hold exactly. */
export const int64: HeaderField<number> = { read: requiredInt64, write: asIs };

/** An int64 that may stand for "no limit": beyond the range that numbers hold exactly it reads as the end of that range. */
export const int64OrBound: HeaderField<number> = { read: boundedInt64, write: asIs };

export const optionalInt64: HeaderField<number | undefined> = { read: int64OrUndefined, write: asIs };

export function int32Or(absent: number): HeaderField<number> {
  return { read: (command, name) => int32OrUndefined(command, name) ?? absent, write: asIs };
}

export function int64Or(absent: number): HeaderField<number> {
  return { read: (command, name) => int64OrUndefined(command, name) ?? absent, write: asIs };
}

/** Only `true`, in any letter case, is true. */
export function boolOr(absent: boolean): HeaderField<boolean> {
  return { read: (command, name) => boolOrUndefined(command, name) ?? absent, write: asIs };
}

export const optionalBool: HeaderField<boolean | undefined> = { read: boolOrUndefined, write: asIs };

/** The same field under another name on the wire. */
export function named<T>(wireName: string, field: HeaderField<T>): HeaderField<T> {
  return { ...field, wireName };
}

export function requiredText(command: RemotingCommand, name: string): string {
  const value = command.field(name);
  if (value === undefined || value === '') throw invalidField(command, name, value);
  return value;
}

export function requiredInt32(command: RemotingCommand, name: string): number {
  const value = int32OrUndefined(command, name);
  if (value === undefined) throw invalidField(command, name, undefined);
  return value;
}

export function requiredInt64(command: RemotingCommand, name: string): number {
  const value = int64OrUndefined(command, name);
  if (value === undefined) throw invalidField(command, name, undefined);
  return value;
}

export function int32OrUndefined(command: RemotingCommand, name: string): number | undefined {
  const value = command.integerField(name);
  if (value !== undefined && (value | 0) !== value) throw invalidField(command, name, command.field(name));
  return value;
}

export function int64OrUndefined(command: RemotingCommand, name: string): number | undefined {
  const value = command.integerField(name);
  if (value !== undefined && Number.isNaN(value)) throw invalidField(command, name, command.field(name));
  return value;
}

const INT64_TEXT = /^[+-]?\d{1,19}$/;

function boundedInt64(command: RemotingCommand, name: string): number {
  const value = command.field(name);
  if (value === undefined || !INT64_TEXT.test(value)) throw invalidField(command, name, value);
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)));
}

function boolOrUndefined(command: RemotingCommand, name: string): boolean | undefined {
  const value = command.field(name);
  return value === undefined ? undefined : value.toLowerCase() === 'true';
}

/** The error for a header field that is missing or not of its type. */
export function invalidField(command: RemotingCommand, name: string, value: string | undefined): ProtocolError {
  const of = command.isResponse ? 'response' : requestCodeName(command.code);
  const what = value === undefined ? 'is missing' : `has the unusable value ${JSON.stringify(value.slice(0, 100))}`;
  return new ProtocolError('PROTOCOL_INVALID_FIELD', `The header field ${name} of ${of} ${what}`, {
    field: name,
    value: value?.slice(0, 100),
    code: command.code,
  });
}
