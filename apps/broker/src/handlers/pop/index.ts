import type { Type } from '@nestjs/common';
import { AckMessageHandler } from './ack-message.handler.js';
import { BatchAckMessageHandler } from './batch-ack-message.handler.js';
import { ChangeMessageInvisibletimeHandler } from './change-message-invisibletime.handler.js';
import { GetAllMessageRequestModeHandler } from './get-all-message-request-mode.handler.js';
import { NotificationHandler } from './notification.handler.js';
import { PeekMessageHandler } from './peek-message.handler.js';
import { PollingInfoHandler } from './polling-info.handler.js';
import { PopMessageHandler } from './pop-message.handler.js';
import { QueryAssignmentHandler } from './query-assignment.handler.js';
import { SetMessageRequestModeHandler } from './set-message-request-mode.handler.js';

/** The request codes of POP consumption and of assignments made by the broker. */
export const POP_HANDLERS: readonly Type[] = [
  AckMessageHandler,
  BatchAckMessageHandler,
  ChangeMessageInvisibletimeHandler,
  GetAllMessageRequestModeHandler,
  NotificationHandler,
  PeekMessageHandler,
  PollingInfoHandler,
  PopMessageHandler,
  QueryAssignmentHandler,
  SetMessageRequestModeHandler,
];
