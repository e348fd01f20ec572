export const REQUEST_TOPIC = 'bench-request-reply';
export const REQUEST_GROUP = 'bench-request-reply';

/** What is asked; the answer is the same. */
export interface Question {
  n: number;
  text: string;
}
