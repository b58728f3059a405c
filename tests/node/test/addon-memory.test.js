import { inMemory } from '../harness/engines.js'
import { body } from '../body/body.js'

body(inMemory)
