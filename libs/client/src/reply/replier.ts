import type { LoggerService } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import type { MessageExt } from '@rocknest/client-core';
import type { ProducerPort } from '../core-port.js';
import type { MessageSerializer } from '../serde/message-serializer.js';
import { REPLY_ERROR_PROPERTY } from './reply-format.js';

/** What other transports of Nest tell of an exception that is no `RpcException`: its text may be nobody else's business. */
const UNKNOWN_ERROR = { status: 'error', message: 'Internal server error' };

/** Answers requests with what `@MessagePattern` handlers return or throw. Connects with the first reply. */
export class Replier {
  private starting: Promise<ProducerPort> | undefined = undefined;
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    private readonly create: () => ProducerPort,
    private readonly serializer: MessageSerializer,
    private readonly logger: Pick<LoggerService, 'warn' | 'error'>,
  ) {}

  /** The handler returned `value`. Resolves when the reply has gone; a reply that could not go is logged: who asked sees its time-out. */
  returned(request: MessageExt, value: unknown): Promise<void> {
    // JSON has no undefined, and a message no empty body.
    return this.send(request, value ?? null, {});
  }

  /** The handler failed with `error`, which goes to who asked: an `RpcException` as it is, all others without their text. */
  failed(request: MessageExt, label: string, error: unknown): Promise<void> {
    if (error instanceof RpcException) {
      const told = error.getError();
      const body = typeof told === 'string' ? { status: 'error', message: told } : told;
      return this.send(request, body, { [REPLY_ERROR_PROPERTY]: 'true' });
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error);
    this.logger.error?.(`${label} failed on request ${request.msgId}: ${text}`);
    return this.send(request, UNKNOWN_ERROR, { [REPLY_ERROR_PROPERTY]: 'true' });
  }

  /** Waits for replies under way and closes. */
  async close(): Promise<void> {
    await Promise.all(this.underWay);
    const port = await this.starting?.catch(() => undefined);
    await port?.shutdown();
  }

  private send(request: MessageExt, payload: unknown, properties: Readonly<Record<string, string>>): Promise<void> {
    const sent = this.sendNow(request, payload, properties).catch((error: unknown) => {
      this.logger.warn(`no reply to request ${request.msgId} of topic ${request.topic}: ${String(error)}`);
    });
    this.underWay.add(sent);
    return sent.finally(() => this.underWay.delete(sent));
  }

  private async sendNow(
    request: MessageExt,
    payload: unknown,
    properties: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { body, properties: added } = await this.serializer.serialize(payload, request);
    const port = await this.started();
    await port.reply(request, { body, properties: { ...added, ...properties } });
  }

  private started(): Promise<ProducerPort> {
    this.starting ??= this.start().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  private async start(): Promise<ProducerPort> {
    const port = this.create();
    try {
      await port.start();
    } catch (error) {
      await port.shutdown().catch(() => undefined);
      throw error;
    }
    return port;
  }
}
