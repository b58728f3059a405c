import { FirnDB, FirnDBError } from './firndb/browser.js'

Object.assign(globalThis, { FirnDB, FirnDBError })
