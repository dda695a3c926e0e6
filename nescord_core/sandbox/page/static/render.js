// Redraws parts of the page. Each part registers how it is drawn, so that what changes the state need not know
// who shows it: "navigation", "members", "messages".
const parts = new Map();

export const drawnBy = (part, draw) => parts.set(part, draw);

export const render = (part, ...options) => parts.get(part)(...options);
