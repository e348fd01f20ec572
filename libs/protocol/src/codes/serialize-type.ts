/** How a frame's header is written: the top byte of the frame's mark. Follows `remoting/protocol/SerializeType.java`. */
export const SerializeType = { JSON: 0, ROCKETMQ: 1 } as const;
export type SerializeType = (typeof SerializeType)[keyof typeof SerializeType];
