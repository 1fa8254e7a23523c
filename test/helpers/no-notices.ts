import type { Dependencies } from '../../activities/dependencies.js';

/** For activities of which none tells anybody. */
export const noNotices: Pick<Dependencies, 'isOpen' | 'notifier' | 'watch' | 'taskQueue' | 'notifyUrls'> = {
  isOpen: () => Promise.resolve(false),
  notifier: { send: () => Promise.reject(new Error('nobody is told here')) },
  watch: null as never,
  taskQueue: 'none',
  notifyUrls: [],
};
