/** Other processes that have a store open. */

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Starts the script `name` of this directory. */
export function start(name, ...args) {
  return run([here(name), ...args], 'inherit')
}

/** Starts the script `name` of this directory after `preload`, another one, was loaded in it and in all its threads. */
export function startAfter(preload, name) {
  // What a panic prints is not wanted here.
  return run(['--import', new URL(preload, import.meta.url).href, here(name)], 'ignore')
}

function here(name) {
  return fileURLToPath(new URL(name, import.meta.url))
}

function run(args, stderr) {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', stderr] })
  const lines = createInterface({ input: child.stdout })
  const closed = once(child, 'close')
  return {
    lines,
    /** Waits for the next line that it prints. */
    said: async () => {
      const [line] = await Promise.race([once(lines, 'line'), closed.then(() => ['(it ended)'])])
      return line
    },
    /** Ends it with SIGKILL, and waits until all that it printed is here. */
    kill: async () => {
      child.kill('SIGKILL')
      await closed
    },
    /** Tells it to end by itself, and gives the exit status. */
    end: async () => {
      child.stdin.end()
      return (await closed)[0]
    },
  }
}

/** Runs the program `firndb`, which the variable FIRNDB names, and gives what it prints. */
export async function firndb(...args) {
  const program = process.env.FIRNDB
  assert.ok(program, 'set FIRNDB to the program firndb: `cargo xtask npm` does')
  const { stdout } = await promisify(execFile)(program, args)
  return stdout
}
