/** The sample of several users. */

import { CHAT_ROWS } from './rows/chat.js'
import type { Recipe } from './sample.js'

export const CHAT: Recipe = {
  id: 'chat',
  title: 'Chat of three',
  description:
    'alice, bob and carol with messages and drafts of their own, older ones in files and the latest hot; rooms that are shared; ' +
    'who is online, for five minutes. A service user bot acts for others. Made up.',
  rows: CHAT_ROWS,
  downloadBytes: 0,
  namespace: 'chat',
  tables: ['rooms', 'messages', 'drafts', 'presence'].map((name) => ({ namespace: 'chat', name })),
  // Users stay when the sample is removed: an id that was dropped is never given out again.
  definitions: `
CREATE USER IF NOT EXISTS alice;
CREATE USER IF NOT EXISTS bob;
CREATE USER IF NOT EXISTS carol;
CREATE USER IF NOT EXISTS bot ROLE service;
CREATE NAMESPACE IF NOT EXISTS chat;
CREATE SHARED TABLE chat.rooms (id BIGINT PRIMARY KEY, name TEXT NOT NULL, topic TEXT);
CREATE USER TABLE chat.messages (
  id BIGINT PRIMARY KEY,
  room BIGINT NOT NULL,
  at TIMESTAMP NOT NULL,
  author TEXT NOT NULL,
  body TEXT NOT NULL,
  seen BOOLEAN NOT NULL DEFAULT false
);
CREATE USER TABLE chat.drafts (id BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID(), room BIGINT NOT NULL, at TIMESTAMP, body TEXT);
CREATE STREAM TABLE chat.presence (device TEXT PRIMARY KEY, state TEXT NOT NULL, at TIMESTAMP DEFAULT NOW())
  WITH (TTL_SECONDS = 300);`,
  queries: [
    {
      title: 'What alice has not seen: all of it is hot',
      sql: `EXECUTE AS USER 'alice' (
  SELECT m.id, r.name AS room, m.at, m.author, m.body
  FROM chat.messages m JOIN chat.rooms r ON r.id = m.room
  WHERE NOT m.seen
  ORDER BY m.id DESC
  LIMIT 50
)`,
    },
    {
      title: 'The same table for root, who has no messages of its own',
      sql: 'SELECT count(*) FROM chat.messages',
    },
    {
      title: 'One cold message of bob',
      sql: "EXECUTE AS USER 'bob' (SELECT * FROM chat.messages WHERE id = 1200)",
    },
    {
      title: 'Messages by day (as a chart)',
      sql: `EXECUTE AS USER 'carol' (
  SELECT date_trunc('day', at) AS day, count(*) AS messages
  FROM chat.messages
  GROUP BY 1
  ORDER BY 1
)`,
    },
    {
      title: 'Write in the name of carol',
      sql: `INSERT INTO chat.drafts AS USER 'carol' (room, at, body)
VALUES (4, NOW(), 'Written by a service, for carol')
RETURNING id, body`,
    },
    {
      title: 'Mark everything as seen for bob: cold rows among them',
      sql: "UPDATE chat.messages AS USER 'bob' SET seen = true WHERE NOT seen",
    },
    {
      title: 'Delete what alice has of the room about lunch, before the last week',
      sql: "DELETE FROM chat.messages AS USER 'alice' WHERE room = 4 AND at < '2026-09-24'",
    },
    {
      title: 'What changed for alice, deletions too',
      sql: `EXECUTE AS USER 'alice' (
  SELECT id, body, _deleted FROM CHANGES('chat.messages', since => 0) ORDER BY _seq DESC LIMIT 50
)`,
    },
    {
      title: 'alice is online for another five minutes',
      sql: `INSERT INTO chat.presence AS USER 'alice' (device, state) VALUES ('laptop', 'online')
ON CONFLICT (device) DO UPDATE SET state = 'online', at = NOW()`,
    },
    {
      title: 'Who is online, for alice',
      sql: "EXECUTE AS USER 'alice' (SELECT * FROM chat.presence)",
    },
    {
      title: 'Everything that was done for somebody else',
      sql: `SELECT at, actor, subject, outcome, statement, rows
FROM system.audit_log
ORDER BY number DESC
LIMIT 50`,
    },
  ],
}
