/** The events of a `text/event-stream`. */
export interface ServerEvent {
  event: string;
  data: string;
  id?: string;
}

export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const part of body as unknown as AsyncIterable<Uint8Array>) {
    const blocks = (rest + decoder.decode(part, { stream: true })).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const found = eventOf(block);
      if (found) yield found;
    }
  }
}

/** Null for a comment, or what has no data. */
function eventOf(block: string): ServerEvent | null {
  const fields = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line));
  const values = (name: string) => fields.flatMap((field) => (field?.[1] === name ? [field[2]!] : []));
  const data = values('data');
  if (data.length === 0) return null;
  const [id] = values('id');
  return { event: values('event')[0] ?? 'message', data: data.join('\n'), ...(id !== undefined && { id }) };
}
