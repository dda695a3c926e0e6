"use strict";
// A stock discord.js bot that joins #Lounge and plays a second of silence. Run as: bot.cjs BASE_URL TOKEN.

// The lines of docs/sandbox/discord.md: the sandbox's voice server has no TLS.
const ws = require("ws");
const withoutTls = (url) => String(url).replace("wss://127.0.0.1:", "ws://127.0.0.1:");
require.cache[require.resolve("ws")].exports = class extends ws {
  constructor(url, ...more) { super(withoutTls(url), ...more); }
};

const { Readable } = require("node:stream");
const { Client, Events, GatewayIntentBits } = require("discord.js");
const {
  AudioPlayerStatus, StreamType, VoiceConnectionStatus, createAudioPlayer, createAudioResource, entersState,
  joinVoiceChannel,
} = require("@discordjs/voice");

const SILENCE = Buffer.from([0xf8, 0xff, 0xfe]);
const PATIENCE_MS = 20_000;
const [, , url, token] = process.argv;
const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildVoiceStates],
  rest: { api: `${url}/api` },
});

client.once(Events.ClientReady, async () => {
  const guild = client.guilds.cache.first();
  const channel = guild.channels.cache.find((each) => each.name === "Lounge");
  const connection = joinVoiceChannel({
    channelId: channel.id, guildId: guild.id, adapterCreator: guild.voiceAdapterCreator,
  });
  connection.on("stateChange", (before, after) => {
    if (after.status === VoiceConnectionStatus.Disconnected) console.log("disconnected");
  });
  await entersState(connection, VoiceConnectionStatus.Ready, PATIENCE_MS);
  console.log("connected");
  const player = createAudioPlayer();
  connection.subscribe(player);
  const frames = Readable.from(Array.from({ length: 50 }, () => SILENCE), { objectMode: true });
  player.play(createAudioResource(frames, { inputType: StreamType.Opus }));
  await entersState(player, AudioPlayerStatus.Playing, PATIENCE_MS);
  await entersState(player, AudioPlayerStatus.Idle, PATIENCE_MS);
  console.log("played");
});

client.login(token);
