"use strict";
// Loaded before anything else (--require): look-ups and connections to anything but this machine throw.

const dgram = require("node:dgram");
const dns = require("node:dns");
const fs = require("node:fs");
const { syncBuiltinESMExports } = require("node:module");
const net = require("node:net");

function isLocal(host) {
  if (host === undefined || host === null || host === "" || host === "localhost") return true;
  const bare = String(host).replace(/^\[|\]$/g, "").split("%")[0];
  return bare === "::1" || (net.isIPv4(bare) && bare.startsWith("127."));
}

function demand(host, what) {
  if (isLocal(host)) return;
  const sentence = `left the machine: tried to ${what} ${host}`;
  // Written as well: some callers replace the error by one of their own.
  fs.writeSync(2, `${sentence}\n`);
  throw new Error(sentence);
}

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  // net.connect() hands its arguments on as one list; callers hand over options or (port, host).
  const [first, second] = Array.isArray(given[0]) ? given[0] : given;
  if (first !== null && typeof first === "object") demand(first.path ? undefined : first.host, "connect to");
  else if (Number.isInteger(Number(first))) demand(typeof second === "string" ? second : undefined, "connect to");
  return connect.apply(this, given);
};

for (const name of ["send", "connect"]) {
  const original = dgram.Socket.prototype[name];
  dgram.Socket.prototype[name] = function (...given) {
    for (const each of given.filter((value) => typeof value === "string").slice(-1)) demand(each, `${name} to`);
    return original.apply(this, given);
  };
}

const places = [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype];
for (const place of places) {
  for (const name of Object.getOwnPropertyNames(place)) {
    if (!/^(lookup|lookupService|resolve\w*|reverse)$/.test(name) || typeof place[name] !== "function") continue;
    const original = place[name];
    place[name] = function (host, ...rest) {
      demand(host, "look up");
      return original.call(this, host, ...rest);
    };
  }
}
syncBuiltinESMExports();
