/** A pause that holds the thread as computing would, but leaves the core to others. */
export function everyHundredth(): (ms: number) => void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  let calls = 0;
  return (ms) => {
    if (++calls % 100 === 0) Atomics.wait(never, 0, 0, ms);
  };
}
