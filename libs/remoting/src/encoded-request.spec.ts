import { encodeFrame, RemotingCommand, ResponseCode } from '@rocknest/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { WRITE_PAGE_BYTES } from './defaults.js';
import { EncodedRequest } from './encoded-request.js';
import type { WritePage } from './net/write-page.js';
import { RemotingClient } from './client/remoting-client.js';
import { RemotingServer } from './server/remoting-server.js';

const CODE = 9_000;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** A request that carries `text`, with a body beside the frame when it is given one. */
class Question extends EncodedRequest {
  readonly answers: (string | Error)[] = [];
  settled!: () => void;
  readonly answered = new Promise<void>((resolve) => (this.settled = resolve));

  constructor(
    readonly text: string,
    readonly tail: Buffer | undefined = undefined,
  ) {
    super();
  }

  get roomBytes(): number {
    return 200 + this.text.length;
  }

  encode(page: WritePage, position: number, opaque: number): number {
    if (this.text === 'broken') throw new Error('no such frame');
    const command = RemotingCommand.request(CODE, { text: this.text }, this.tail);
    command.opaque = opaque;
    return position + encodeFrame(command)[0].copy(page.bytes, position);
  }

  onAnswer(error: Error | undefined, response: RemotingCommand | undefined): void {
    this.answers.push(error ?? response!.field('text')!);
    this.settled();
  }
}

async function open(maxPending?: number): Promise<{ client: RemotingClient; address: string }> {
  const server = new RemotingServer({ host: '127.0.0.1', port: 0 });
  server.register(CODE, (request) =>
    RemotingCommand.response(ResponseCode.SUCCESS, {
      fields: { text: `${request.field('text')?.slice(0, 20)} ${request.bodyBuffer.length}` },
    }),
  );
  const { port } = await server.listen();
  const client = new RemotingClient({ maxPending });
  closers.push(
    () => client.close(),
    () => server.close(),
  );
  return { client, address: `127.0.0.1:${port}` };
}

describe('EncodedRequest', () => {
  it('is answered over a connection that is opened for it, and may be sent again', async () => {
    const { client, address } = await open();
    const question = new Question('first');
    client.invokeRequest(address, question, 5_000);
    await question.answered;
    const again = new Promise<void>((resolve) => (question.settled = resolve));
    client.invokeRequest(address, question, 5_000);
    await again;
    expect(question.answers).toEqual(['first 0', 'first 0']);
    expect(client.pending).toBe(0);
  });

  it('many of all sizes, with and without tails, among others: all are answered', async () => {
    const { client, address } = await open();
    await client.invoke(address, RemotingCommand.request(CODE, { text: 'open' }), 5_000);
    const questions = Array.from({ length: 600 }, (_, i) => {
      const text = i % 7 === 0 ? `${i} ${'x'.repeat(i * 50)}` : String(i);
      return new Question(text, i % 5 === 0 ? Buffer.alloc(i * 20, 1) : undefined);
    });
    questions.push(new Question(`large ${'x'.repeat(WRITE_PAGE_BYTES)}`, Buffer.alloc(100)));
    const others: Promise<RemotingCommand>[] = [];
    for (const [i, question] of questions.entries()) {
      client.invokeRequest(address, question, 20_000);
      if (i % 50 === 0) others.push(client.invoke(address, RemotingCommand.request(CODE, { text: `o${i}` }), 20_000));
    }
    await Promise.all(questions.map((question) => question.answered));
    for (const { text, tail, answers } of questions) {
      expect(answers).toEqual([`${text.slice(0, 20)} ${tail?.length ?? 0}`]);
    }
    expect((await Promise.all(others)).map((response) => response.field('text'))).toEqual(
      others.map((_, i) => `o${i * 50} 0`),
    );
  });

  it('a frame that cannot be encoded is not sent and takes nothing along', async () => {
    const { client, address } = await open();
    const early = new Question('broken');
    client.invokeRequest(address, early, 5_000);
    await early.answered;
    expect(early.answers[0]).toMatchObject({ message: 'no such frame' });
    const good = new Question('good');
    client.invokeRequest(address, good, 5_000);
    expect(() => client.invokeRequest(address, new Question('broken'), 5_000)).toThrow('no such frame');
    await good.answered;
    expect(good.answers).toEqual(['good 0']);
    expect(client.pending).toBe(0);
  });

  it('is refused in a later turn when too many wait, and fails with its connection', async () => {
    const { client, address } = await open(1);
    const first = new Question('1');
    client.invokeRequest(address, first, 5_000);
    await first.answered;
    const [second, third] = [new Question('2'), new Question('3')];
    client.invokeRequest(address, second, 5_000);
    client.invokeRequest(address, third, 5_000);
    expect(third.answers).toEqual([]);
    client.closeConnection(address);
    await Promise.all([second.answered, third.answered]);
    expect(second.answers[0]).toMatchObject({ code: 'REMOTING_SEND' });
    expect(third.answers[0]).toMatchObject({ code: 'REMOTING_TOO_MUCH_REQUEST' });
    const unreachable = new Question('4');
    client.invokeRequest('nonsense', unreachable, 5_000);
    await unreachable.answered;
    expect(unreachable.answers[0]).toMatchObject({ code: 'REMOTING_CONNECT' });
  });
});
