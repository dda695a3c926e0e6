// Redraws parts of the page: "navigation", "members", "messages". Each part registers its drawing function, so
// that code that changes the state does not import the code that shows it.
const parts = new Map();

export const drawnBy = (part, draw) => parts.set(part, draw);

export const render = (part, ...options) => parts.get(part)(...options);
