// Calls the control API, and shows an error when a call fails.
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

// Returns the result of the action; for an error, shows it and returns null.
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    toast(error instanceof TypeError ? "The sandbox does not respond. Is it still running?" : error.message);
    return null;
  }
}
