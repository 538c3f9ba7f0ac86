/** Wait until a condition holds. Fails with the condition's own last error after `timeoutMs`. */
export async function eventually<Result>(
  condition: () => Result | Promise<Result>,
  timeoutMs = 15_000,
): Promise<Result> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await condition();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
  }
}
