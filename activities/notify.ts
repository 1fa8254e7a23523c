import type { NotifyInput } from '../src/contract.js';
import { MillraceError } from '../src/core/errors.js';
import type { Dependencies } from './dependencies.js';

/** One try to tell one URL of an event. */
export async function notify({ notifier }: Dependencies, { urls, n, notice }: NotifyInput): Promise<void> {
  const url = urls[n];
  if (url === undefined || !/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new MillraceError('notify.refused', 'options.notify: wanted an http or https URL');
  }
  await notifier.send(url, notice);
}
