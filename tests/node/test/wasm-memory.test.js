import { inWasmMemory } from '../harness/engines.js'
import { body } from '../body/body.js'

body(inWasmMemory)
