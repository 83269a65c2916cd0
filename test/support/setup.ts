// Runs before each test file. Files that share their modules load those once, so a hook that a module set at its top would be that of the first file alone.
import { afterAll, afterEach } from 'vitest'
import { endProcesses } from '../cli/processes.ts'
import { stopServers } from './redis.ts'

afterEach(endProcesses)
afterAll(stopServers)
