import { Observable, type Subscriber } from 'rxjs';

/**
 * How an `emit` ended, for everybody who subscribes, before or after the end: what a `ReplaySubject` with one place does at several
 * times the cost.
 */
export class EmitOutcome<T> {
  readonly observable: Observable<T>;
  private readonly subscribers: Subscriber<T>[] = [];
  private state: 'PENDING' | 'SENT' | 'FAILED' = 'PENDING';
  private result: T | undefined = undefined;
  private error: unknown = undefined;

  constructor() {
    this.observable = new Observable((subscriber) => this.attach(subscriber));
  }

  /** True while somebody waits for the end. */
  get observed(): boolean {
    return this.subscribers.some((subscriber) => !subscriber.closed);
  }

  succeed(result: T): void {
    this.state = 'SENT';
    this.result = result;
    for (const subscriber of this.subscribers) this.tell(subscriber);
  }

  fail(error: unknown): void {
    this.state = 'FAILED';
    this.error = error;
    for (const subscriber of this.subscribers) subscriber.error(error);
  }

  private attach(subscriber: Subscriber<T>): void {
    if (this.state === 'PENDING') this.subscribers.push(subscriber);
    else if (this.state === 'FAILED') subscriber.error(this.error);
    else this.tell(subscriber);
  }

  private tell(subscriber: Subscriber<T>): void {
    subscriber.next(this.result as T);
    subscriber.complete();
  }
}
