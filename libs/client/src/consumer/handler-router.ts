interface TopicRoutes<R> {
  all: R | undefined;
  byTag: Map<string, R>;
}

/** Finds the handler of a message by topic and tag: two map look-ups at most. */
export class HandlerRouter<R> {
  private readonly topics = new Map<string, TopicRoutes<R>>();

  /** @param tags undefined: every message of the topic that no other route takes. */
  add(topic: string, tags: readonly string[] | undefined, route: R): void {
    let routes = this.topics.get(topic);
    if (!routes) this.topics.set(topic, (routes = { all: undefined, byTag: new Map() }));
    if (tags === undefined) routes.all = route;
    else for (const tag of tags) routes.byTag.set(tag, route);
  }

  find(topic: string, tag: string | undefined): R | undefined {
    const routes = this.topics.get(topic);
    if (routes === undefined) return undefined;
    return (tag === undefined ? undefined : routes.byTag.get(tag)) ?? routes.all;
  }
}
