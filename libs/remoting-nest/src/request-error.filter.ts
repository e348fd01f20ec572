import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { RocknestError } from '@rocknest/protocol';
import { type Observable, throwError } from 'rxjs';

/**
 * Lets Rocknest's errors through as they are. Nest hides every error but RpcException behind "Internal server error" once it
 * wraps a handler; put `@UseFilters(RequestErrorFilter)` on a guarded handler whose callers shall see the real one
 * (its `responseCode`, if it has one, and its message).
 */
@Catch(RocknestError)
export class RequestErrorFilter implements RpcExceptionFilter<RocknestError> {
  catch(error: RocknestError): Observable<never> {
    return throwError(() => error);
  }
}
