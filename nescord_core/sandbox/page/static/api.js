// Calls of the control API, and what is shown when one fails.
import { toast } from "/dialogs.js";

export async function call(method, path, body) {
  const response = await fetch(`/sandbox${path}`, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  const result = await response.json();
  if (!response.ok) throw new Error(result.error || `${response.status}`);
  return result;
}

// Returns what the action returns; an error is shown, and gives null.
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    toast(error instanceof TypeError ? "The sandbox does not answer. Is it still running?" : error.message);
    return null;
  }
}
