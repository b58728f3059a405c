// Prints what the module's run() gives. Usage: node run.cjs MODULE.js
'use strict'

const module_path = require('node:path').resolve(process.argv[2])

// A trap inside the engine leaves the promise of run() open for ever, and Node.js would then end quietly.
let finished = false
process.on('exit', code => {
  if (!finished && code === 0) {
    console.error('the module ended without an answer: it trapped, or waits for something that never comes')
    process.exitCode = 1
  }
})

require(module_path)
  .run()
  .then(text => process.stdout.write(text))
  .catch(error => {
    console.error(error)
    process.exitCode = 1
  })
  .finally(() => {
    finished = true
  })
